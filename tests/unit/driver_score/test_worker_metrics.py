from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from driver_score.demo.worker_metrics import worker_metrics
from driver_score.local_stack.server_process import LOOPBACK, free_port


@pytest.fixture
def port() -> Iterator[int]:
    registry = CollectorRegistry()
    rejects = Counter("driver_score_worker_rejects", "Rejected messages", ["code"], registry=registry)
    rejects.labels("not_json").inc(3)
    rejects.labels("bad_time").inc(2)
    faults = Counter("driver_score_worker_field_faults", "Field faults", ["field", "fault"], registry=registry)
    faults.labels("heading_deg", "wrong_type").inc(2)
    faults.labels("heading_deg", "placeholder").inc(4)
    devices = Counter("driver_score_worker_device_faults", "Faults of devices", ["fault"], registry=registry)
    devices.labels("spike").inc(5)
    late = Counter("driver_score_worker_late_trips", "Late trips", ["outcome"], registry=registry)
    late.labels("corrected").inc(6)
    Counter("driver_score_worker_events", "Events", registry=registry).inc(7)
    server, thread = start_http_server(0, LOOPBACK, registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_metrics_are_summed_over_their_labels_and_rejects_faults_and_late_trips_are_told_by_theirs(port: int) -> None:
    metrics = worker_metrics(port)

    assert metrics is not None
    assert {name: count for name, count in metrics.items() if not name.endswith("_created")} == {
        "events_total": 7,
        "rejects_total": 5,
        "rejects_total:not_json": 3,
        "rejects_total:bad_time": 2,
        "field_faults_total": 6,
        "field_faults_total:heading_deg:wrong_type": 2,
        "field_faults_total:heading_deg:placeholder": 4,
        "device_faults_total": 5,
        "device_faults_total:spike": 5,
        "late_trips_total": 6,
        "late_trips_total:corrected": 6,
    }


def test_a_worker_that_does_not_answer_has_no_metrics() -> None:
    assert worker_metrics(free_port()) is None
