"""Quality of the input: missing sensors, sampling, gaps and faults, counted per vehicle and trip."""

from typing import Any

import polars as pl
import pytest

from driver_score.report.quality import SENSORS, InputQuality, SensorQuality, sensor_quality
from schemas.event_frame import EVENT_SCHEMA
from schemas.thresholds import ThresholdProfile

NAMES = {"client_a": "A", "client_b": "B"}


def samples(times_s: list[float], *, vehicle: str = "v1", trip: str = "t1", **fields: Any) -> list[dict[str, Any]]:
    ids = {"trip_id": trip, "vehicle_id": vehicle, "driver_id": "d", "client_id": "client_a", "vehicle_class": "car"}
    return [
        {**ids, "event_type": "sample", "timestamp_ms": round(time_s * 1000), "speed_kmh": 50.0, **fields}
        for time_s in times_s
    ]


def quality_of(*parts: list[dict[str, Any]]) -> SensorQuality:
    frame = pl.DataFrame([row for part in parts for row in part], schema=EVENT_SCHEMA)
    return sensor_quality(frame, NAMES, ThresholdProfile())


def test_sensor_shares_are_of_samples_by_client() -> None:
    quality = quality_of(
        samples([0, 1, 2], acceleration_mps2=0.1),
        samples([3], speed_limit_kmh=50.0),
        samples([4], event_type="phone_use", speed_kmh=None),
        samples([0, 1], vehicle="v2", client_id="client_b", latitude=51.9, longitude=4.4),
    )
    assert list(SENSORS) == [
        "speed_kmh",
        "acceleration_mps2",
        "lateral_acceleration_mps2",
        "latitude",
        "speed_limit_kmh",
    ]
    assert [(row.client, row.vehicles, row.shares) for row in quality.clients] == [
        ("A", 1, (1.0, 0.75, 0.0, 0.0, 0.25)),
        ("B", 1, (1.0, 0.0, 0.0, 1.0, 0.0)),
    ]
    assert quality.vehicles_without == (0, 1, 2, 1, 1)


#   t1  0 1 2 ········ 13 14      a gap of 11 s
#   t2             100 ··· 110    exactly 10 s: none
def test_gaps_are_pauses_within_a_trip() -> None:
    quality = quality_of(samples([14, 0, 1, 2, 13]), samples([100, 110], trip="t2"))
    assert (quality.gap_count, quality.gap_trips) == (1, 1)
    assert quality.gap_minutes == pytest.approx(11 / 60)


def test_neither_the_next_trip_nor_a_duplicate_makes_an_interval() -> None:
    quality = quality_of(samples([0, 1, 1, 2]), samples([500, 501], trip="t2"), samples([900, 901], vehicle="v2"))
    assert (quality.gap_count, quality.median_interval_s) == (0, 1.0)


def test_sampling_counts_vehicles_by_their_median_interval() -> None:
    quality = quality_of(
        samples([0, 0.1, 0.2]),
        samples([0, 1, 2], vehicle="v2"),
        samples([0, 1, 2, 30], vehicle="v3"),
        samples([0, 5], vehicle="v4"),
    )
    assert quality.sampling == (("several times a second", 1), ("about once a second", 2), ("more than 3 s apart", 1))


def test_accelerations_beyond_the_limit_are_faults() -> None:
    quality = quality_of(
        samples([0], acceleration_mps2=15.0),
        samples([1], acceleration_mps2=-15.1),
        samples([0], vehicle="v2", lateral_acceleration_mps2=330.0),
    )
    assert (quality.fault_count, quality.fault_vehicles) == (2, 2)


def test_no_events_have_no_quality() -> None:
    quality = quality_of([])
    assert (quality.clients, quality.vehicles, quality.median_interval_s) == ((), 0, None)
    assert InputQuality(0, 0, {}, 0, 0).usable_share is None
