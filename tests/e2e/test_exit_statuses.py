"""The documented exit statuses occur, with real processes; what happens under load is in the tests of the stream."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from driver_score.local_stack.programs import REPOSITORY_DIR
from driver_score.local_stack.server_process import LOOPBACK, free_port
from schemas.errors import ExitStatus
from tests.support.servers.brokers import PATIENCE_S, RunningBroker, create_topics, wait_until
from tests.support.servers.running_worker import running_worker

pytestmark = pytest.mark.e2e

DONE = 0
INTERRUPTED = 130


@contextlib.contextmanager
def started(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command with nothing but these settings; it never outlives the block."""
    inherited = {name: given for name, given in os.environ.items() if not name.startswith("DRIVER_SCORE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**inherited, **{f"DRIVER_SCORE_{name}": given for name, given in variables.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "variables", "status"),
    [
        (("driver_score", "druid", "query", "--list"), {}, DONE),
        (("stream_app.worker",), {"KAFKA__PARTITIONS": "many"}, ExitStatus.FAILED),
        (("stream_app.worker",), {"KAFKA__BOOTSTRAP": f"{LOOPBACK}:1"}, ExitStatus.FAILED),
        (("driver_score", "druid", "apply"), {"DRUID__URL": f"http://{LOOPBACK}:1"}, ExitStatus.FAILED),
        (("driver_score", "nonsense"), {}, ExitStatus.FAILED),
    ],
    ids=["done", "a worker with a wrong setting", "a worker that can't start", "a failed command", "wrong options"],
)
def test_a_process_ends_with_the_documented_status(
    arguments: tuple[str, ...], variables: dict[str, str], status: int
) -> None:
    with started(*arguments, **variables) as process:
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, said
    assert "Traceback" not in said


class Druid(ThreadingHTTPServer):
    """Answers like a Druid without supervisors and rows; only when it may."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _NoSupervisors)
        self.asked, self.may_answer = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}"


class _NoSupervisors(BaseHTTPRequestHandler):
    server: Druid

    def do_GET(self) -> None:
        self._answer(404, {"error": "no such supervisor"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, [])

    def _answer(self, status: int, content: object) -> None:
        self.server.asked.set()
        self.server.may_answer.wait(PATIENCE_S)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Leave the test's output alone."""


@pytest.fixture
def druid() -> Iterator[Druid]:
    with Druid() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


def test_the_status_of_a_druid_without_supervisors_is_shown_and_needs_attention(
    embedded_broker: RunningBroker, druid: Druid
) -> None:
    druid.may_answer.set()
    settings = {"KAFKA__BOOTSTRAP": embedded_broker.bootstrap, "DRUID__URL": druid.url}
    with started("driver_score", "druid", "status", "--json", **settings) as process:
        shown, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == ExitStatus.NEEDS_ATTENTION, said
    assert {source["state"] for source in json.loads(shown)} == {"MISSING"}


def test_ctrl_c_interrupts_a_command(druid: Druid) -> None:
    with started("driver_score", "druid", "apply", DRUID__URL=druid.url) as process:
        assert druid.asked.wait(PATIENCE_S)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_exporter_that_is_stopped_is_done(embedded_broker: RunningBroker, number: signal.Signals) -> None:
    port = free_port()
    settings = {
        "KAFKA__BOOTSTRAP": embedded_broker.bootstrap,
        "DRUID__URL": f"http://{LOOPBACK}:1",
        "EXPORTER__PORT": str(port),
    }
    with started("driver_score", "exporter", **settings) as process:
        assert process.stderr is not None
        wait_until(lambda: str(port) in process.stderr.readline(), "the address")  # type: ignore[union-attr]
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == DONE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_worker_that_stops_in_time_is_done(
    embedded_broker: RunningBroker, topic_prefix: str, number: signal.Signals
) -> None:
    create_topics(embedded_broker.bootstrap, topic_prefix, 1)
    with running_worker(embedded_broker.bootstrap, topic_prefix, kafka__partitions=1) as worker:
        worker.process.send_signal(number)
        assert worker.process.wait(PATIENCE_S) == DONE, worker.log
        assert json.loads(worker.log.splitlines()[-1])["event"] == "stopped"


def test_the_guide_lists_each_status() -> None:
    page = Path(REPOSITORY_DIR, "docs", "health.md").read_text()
    listed = {int(status) for status in re.findall(r"^\| (\d+) \| ", page, re.MULTILINE)}
    assert listed == {DONE, *ExitStatus, INTERRUPTED}
