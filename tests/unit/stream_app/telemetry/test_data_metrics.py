"""What is counted of events and scores, for alerts about a client's devices and drivers."""

import uuid

import polars as pl
import pytest
from prometheus_client import REGISTRY

from scoring.driver_scores import DriverScores
from scoring.events.columns import EventColumns
from stream_app.telemetry.bounded_labels import OTHER, BoundedLabels
from stream_app.telemetry.data_metrics import SENSORS, count_scores, count_sensors, sensor_counts
from tests.support.examples.event_frames import event_frame


def counted(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"driver_score_worker_{name}_total", labels)


@pytest.fixture
def client() -> str:
    """Name a client that no other test counts."""
    return f"client_{uuid.uuid4().hex[:8]}"


def test_samples_are_counted_by_client_and_by_each_sensor_that_they_lack(client: str) -> None:
    frame = event_frame(
        {"client_id": client, "speed_kmh": 50.0, "latitude": 1.0, "longitude": 2.0},
        {"client_id": client, "speed_kmh": 50.0, "acceleration_mps2": 0.1},
        {"client_id": client, "acceleration_mps2": 0.1, "event_type": "hard_brake"},
        {"client_id": "another", "speed_kmh": 50.0},
    )
    count_sensors(EventColumns.of_frame(frame))
    assert counted("examined_samples", client=client) == 2, "a device's event is no sample"
    missing = {sensor: counted("examined_samples_without", client=client, sensor=sensor) for sensor in SENSORS}
    assert missing == {
        "speed": 0,
        "acceleration": 1,
        "lateral_acceleration": 2,
        "heading": 2,
        "position": 1,
        "speed_limit": 2,
    }


def test_a_batch_without_samples_counts_nothing(client: str) -> None:
    count_sensors(EventColumns.of_frame(event_frame({"client_id": client, "event_type": "trip_end"})))
    assert counted("examined_samples", client=client) is None


def test_many_clients_in_a_batch_are_distinguished() -> None:
    clients = [f"client_{uuid.uuid4().hex[:8]}" for _ in range(50)]
    rows = [
        {"client_id": clients[number % 50], "heading_deg": 10.0 if number % 50 < number // 50 else None}
        for number in range(2_500)
    ]
    found, counts = sensor_counts(EventColumns.of_frame(event_frame(*rows)))
    assert found == clients
    assert counts[:, 0].tolist() == [50] * 50
    assert counts[:, 1 + SENSORS.index("heading")].tolist() == list(range(1, 51))


def test_final_trip_scores_are_counted_by_client_and_band(client: str) -> None:
    rows = [
        ("trip", True, "high", "scored"),
        ("trip", True, "high", "scored"),
        ("trip", True, "low", "scored"),
        ("trip", True, None, "insufficient_exposure"),
        ("trip", False, "high", "scored"),
        ("window", False, "high", "scored"),
    ]
    scores = pl.DataFrame(rows, schema=["kind", "final", "band", "status"], orient="row")
    before = counted("scores", kind="trip", status="insufficient_exposure") or 0
    columns = scores.with_columns(client_id=pl.lit(client)).to_dict(as_series=False)
    count_scores(DriverScores(columns), range(len(rows)))
    assert counted("final_scores", client=client, band="high") == 2
    assert counted("final_scores", client=client, band="low") == 1
    assert counted("final_scores", client=client, band="moderate") == 0, "a share of none is 0, not unknown"
    assert counted("scores", kind="trip", status="insufficient_exposure") == before + 1


def test_clients_beyond_the_limit_share_a_label_and_earlier_ones_keep_theirs() -> None:
    labels = BoundedLabels(limit=3)
    assert [labels.of(f"client_{number % 5}") for number in range(10)] == [
        "client_0", "client_1", "client_2", OTHER, OTHER,
    ] * 2  # fmt: skip
