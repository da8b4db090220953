"""What tells a container engine whether a worker makes progress."""

import subprocess
import sys

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry, start_http_server

from stream_app.health_check import MAX_STALLED_S, STALLED_METRIC, problem
from stream_app.lag import LagCollector, Position
from stream_app.stack.server_process import LOOPBACK, free_port

ONE = TP("trip-events", 0)


@pytest.mark.parametrize(
    ("stalled_s", "expected"),
    [(0.0, None), (MAX_STALLED_S, None), (MAX_STALLED_S + 1, "a partition has stalled for 301 s")],
)
def test_a_worker_is_healthy_until_a_partition_stalls_for_too_long(stalled_s: float, expected: str | None) -> None:
    now_s = [0.0]
    collector = LagCollector(lambda: {ONE: Position(3, 9)}, lambda: now_s[0])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    assert STALLED_METRIC in {family.name for family in collector.collect()}
    now_s[0] = stalled_s
    server, thread = start_http_server(0, LOOPBACK, registry)
    found = problem(f"http://{LOOPBACK}:{server.server_port}/metrics")
    server.shutdown()
    server.server_close()
    thread.join()
    assert found == expected


def test_a_worker_that_does_not_answer_is_one_line_and_a_failed_status() -> None:
    url = f"http://{LOOPBACK}:{free_port()}/metrics"
    done = subprocess.run(
        [sys.executable, "-m", "stream_app.health_check", url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{url} does not answer")
    assert len(done.stderr.splitlines()) == 1
