"""What metrics and health are served at, and what a slow or wrong client gets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from driver_score.local_stack.server_process import LOOPBACK, free_port
from schemas.errors import SettingsError
from stream_app.telemetry import http_server
from stream_app.telemetry.http_server import MAX_CONNECTIONS, BoundedServer, start_server
from stream_app.telemetry.metrics_server import LIVE_PATH, METRICS_PATH, READY_PATH, _routes, serve_metrics
from tests.support.servers.brokers import PATIENCE_S, wait_until

TIMEOUT_S = 0.3


def serving_threads() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


@dataclass(frozen=True)
class Served:
    """A server with the worker's paths, and a path that answers when it is told to."""

    server: BoundedServer
    release: threading.Event

    @property
    def address(self) -> tuple[str, int]:
        return LOOPBACK, self.server.server_port

    def get(self, path: str, method: str = "GET") -> requests.Response:
        return requests.request(method, f"http://{LOOPBACK}:{self.server.server_port}{path}", timeout=PATIENCE_S)

    def connect(self, sent: bytes) -> socket.socket:
        client = socket.create_connection(self.address, timeout=PATIENCE_S)
        client.sendall(sent)
        return client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Serve as a worker does, with a time-out that tests can wait for."""
    monkeypatch.setattr(http_server, "REQUEST_TIMEOUT_S", TIMEOUT_S)
    release = threading.Event()

    def slow(_environ: object, start_response: object) -> list[bytes]:
        assert callable(start_response)
        assert release.wait(PATIENCE_S)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"at last"]

    server = start_server(LOOPBACK, 0, _routes({"/slow": slow}))
    yield Served(server, release)
    release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def url() -> str:
    registry = CollectorRegistry()
    Counter("driver_score_test_events", "Something to serve", registry=registry).inc(7)
    with capture_logs() as logs:
        serve_metrics(LOOPBACK, 0, "ANY", registry)
    return str(logs[0]["address"]).removesuffix(METRICS_PATH)


def test_metrics_are_served_at_their_path(url: str) -> None:
    assert "driver_score_test_events_total 7.0" in requests.get(url + METRICS_PATH, timeout=PATIENCE_S).text


def test_the_root_lists_the_paths(url: str) -> None:
    answer = requests.get(f"{url}/", timeout=PATIENCE_S)
    assert (answer.status_code, answer.text) == (
        200,
        f"This process serves {METRICS_PATH}, {LIVE_PATH}, {READY_PATH}.\n",
    )


@pytest.mark.parametrize(
    "path", ["/foo", "/health", "/health/", "/health/foo", "/health/ready/", "/metricsx", "/Metrics"]
)
def test_another_path_is_not_found_and_the_answer_lists_those_there_are(url: str, path: str) -> None:
    answer = requests.get(url + path, timeout=PATIENCE_S)
    assert answer.status_code == 404
    assert all(served in answer.text for served in (METRICS_PATH, LIVE_PATH, READY_PATH))


@pytest.mark.parametrize("path", ["/", METRICS_PATH, LIVE_PATH, READY_PATH])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_another_method_is_not_allowed(url: str, path: str, method: str) -> None:
    answer = requests.request(method, url + path, timeout=PATIENCE_S)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_a_query_does_not_hide_the_path(url: str) -> None:
    assert requests.get(f"{url}{READY_PATH}?verbose=1", timeout=PATIENCE_S).status_code == 200
    only = requests.get(f"{url}{METRICS_PATH}?name[]=nothing", timeout=PATIENCE_S)
    assert "driver_score_test_events_total" not in only.text, "Prometheus' own parameter works"


def test_a_port_that_is_taken_is_an_error_that_names_the_setting() -> None:
    with closing(socket.create_server((LOOPBACK, 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"setting PORT: can't listen on {LOOPBACK}:{port} "):
            serve_metrics(LOOPBACK, port, "PORT", CollectorRegistry())


def test_it_listens_on_an_ipv6_address_too() -> None:
    if not socket.has_ipv6:
        pytest.fail("this machine has no IPv6")
    with capture_logs() as logs:
        serve_metrics("::1", free_port(), "PORT", CollectorRegistry())
    port = logs[0]["address"].rpartition(":")[2].partition("/")[0]
    assert requests.get(f"http://[::1]:{port}{READY_PATH}", timeout=PATIENCE_S).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: exam"], ids=repr)
def test_half_a_request_is_given_up_and_its_thread_ends(impatient: Served, sent: bytes) -> None:
    with closing(impatient.connect(sent)) as client:
        wait_until(lambda: serving_threads() > 0, "its thread")
        while client.recv(1024):
            """An answer to half a request is as good as none."""
        wait_until(lambda: serving_threads() == 0, "its thread has ended")


def test_a_request_that_drips_in_is_given_up_though_it_never_pauses_for_long(impatient: Served) -> None:
    with closing(impatient.connect(b"GET /slow HTTP/1.1\r\nX-Padding: ")) as client:
        started = time.monotonic()
        with pytest.raises(ConnectionError):  # noqa: PT012 - it is refused at some byte, whichever
            while time.monotonic() - started < PATIENCE_S:
                client.sendall(b"x")
                impatient.release.wait(TIMEOUT_S / 10)  # drips


def test_an_answer_may_take_longer_than_a_request(impatient: Served) -> None:
    with closing(impatient.connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")) as client:
        with closing(impatient.connect(b"")) as other:
            while other.recv(1024):
                """Silent for longer than a request may take."""
        impatient.release.set()
        answer = b"".join(iter(lambda: client.recv(1024), b""))
    assert answer.endswith(b"at last")


def test_slow_clients_have_a_bounded_number_of_threads_and_keep_nobody_from_an_answer(
    monkeypatch: pytest.MonkeyPatch, impatient: Served
) -> None:
    monkeypatch.setattr(http_server, "REQUEST_TIMEOUT_S", PATIENCE_S)  # none is given up for its time
    with ExitStack() as slow:
        for _ in range(3 * MAX_CONNECTIONS):
            slow.enter_context(closing(impatient.connect(b"GET ")))
            assert serving_threads() <= 2 * MAX_CONNECTIONS
        assert impatient.get("/").status_code == 200


def test_clients_that_wait_for_an_answer_are_not_sent_away_for_others_which_are_refused(
    impatient: Served,
) -> None:
    request = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as clients:
        waiting = []
        for count in range(1, 2 * MAX_CONNECTIONS + 1):
            waiting.append(clients.enter_context(closing(impatient.connect(request))))
            wait_until(lambda count=count: len(impatient.server._open) == count, "it is connected")  # type: ignore[misc]
            wait_until(lambda: not impatient.server._receiving, "its request has arrived")
        with pytest.raises(requests.ConnectionError):
            impatient.get("/")
        impatient.release.set()
        for client in waiting:
            assert b"".join(iter(lambda client=client: client.recv(1024), b"")).endswith(b"at last")  # type: ignore[misc]
    wait_until(lambda: not impatient.server._open, "all are closed")
    assert impatient.get("/").status_code == 200
