"""The health addresses, and the status that a container engine gets from them."""

import asyncio
import subprocess
import sys
import threading

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from driver_score.health_check import problem
from driver_score.local_stack.server_process import LOOPBACK, free_port
from stream_app.telemetry.health import GroupState, HealthCode, HealthReport, Reason, WorkerHealth
from stream_app.telemetry.metrics_server import LIVE_PATH, READY_PATH, serve_metrics
from tests.support.golden.health_page import HEALTH_PAGE, health_page
from tests.support.servers.brokers import PATIENCE_S

STALLED = Reason(HealthCode.STALLED, "nothing committed for 301 s", "trip-events", 0, {"records": 12, "seconds": 301})


@pytest.fixture
def served() -> str:
    """Give the address of a server that is not alive, and ready; no real one is."""
    registry = CollectorRegistry()
    Counter("driver_score_test_events", "Something to serve", registry=registry).inc(7)
    with capture_logs() as logs:
        serve_metrics(LOOPBACK, 0, "ANY", registry, live=lambda: HealthReport(ok=False, reasons=[STALLED]))
    return str(logs[0]["address"]).removesuffix("/metrics")


def test_a_health_address_answers_200_or_503_with_what_is_wrong(served: str) -> None:
    ready, live = (requests.get(served + path, timeout=10) for path in (READY_PATH, LIVE_PATH))
    assert (ready.status_code, ready.json()) == (200, {"ok": True, "reasons": []})
    assert live.status_code == 503
    assert live.json() == {
        "ok": False,
        "reasons": [
            {
                "code": "stalled",
                "message": "nothing committed for 301 s",
                "effect": "not live",
                "topic": "trip-events",
                "partition": 0,
                "records": 12,
                "seconds": 301,
            }
        ],
    }
    assert live.headers["Content-Type"] == "application/json"


def test_the_check_passes_on_the_reasons_that_the_address_gives(served: str) -> None:
    assert problem(served + READY_PATH) is None
    assert problem(served + LIVE_PATH) == f"{served}{LIVE_PATH} says 503: stalled: nothing committed for 301 s"


def test_the_check_passes_on_what_is_no_health(served: str) -> None:
    said = problem(f"{served}/health/foo") or ""
    assert said.startswith(f"{served}/health/foo says 404: No such path.")
    assert READY_PATH in said


def test_the_address_answers_while_an_event_loop_hangs_and_says_so() -> None:
    now_s = 0.0
    health = WorkerHealth(stalled_after_s=300, clock_s=lambda: now_s)
    hangs, released = threading.Event(), threading.Event()

    async def hang() -> None:
        health.heartbeat(GroupState(has_recovered=True, records_to_restore=0))
        hangs.set()
        released.wait(PATIENCE_S)

    with capture_logs() as logs:
        serve_metrics(LOOPBACK, 0, "ANY", CollectorRegistry(), live=health.live)
    url = logs[0]["address"].removesuffix("/metrics") + LIVE_PATH
    loop = threading.Thread(target=lambda: asyncio.run(hang()))
    loop.start()
    try:
        assert hangs.wait(PATIENCE_S)
        assert requests.get(url, timeout=10).status_code == 200
        now_s = 301.0
        answer = requests.get(url, timeout=10)
        assert answer.status_code == 503
        assert [reason["code"] for reason in answer.json()["reasons"]] == ["event_loop_stuck"]
    finally:
        released.set()
        loop.join()


def test_the_command_ends_with_1_and_says_why_when_nothing_answers() -> None:
    url = f"http://{LOOPBACK}:{free_port()}{LIVE_PATH}"
    ran = subprocess.run(
        [sys.executable, "-m", "driver_score.health_check", url], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{url} does not answer:")


def test_the_page_of_health_is_up_to_date() -> None:
    assert HEALTH_PAGE.read_text() == health_page(), "run pytest with --update-golden"
