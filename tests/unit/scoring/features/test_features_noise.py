"""Noisy speeds are no hard events: a trap that row-to-row differencing falls into."""

import random
from pathlib import Path

import polars as pl
import pytest

from scoring.features.batch import trip_features
from scoring.trip_files import read_trip_file
from tests.reference.random_trips import NOON_MS, event, frame_of

HARD_MPS2 = 3.0


def row_to_row_events(events: pl.DataFrame) -> int:
    """Count |dv/dt| above the threshold from one row to the next, as one must not."""
    rows = events.sort("trip_id", "timestamp_ms").with_columns(
        change_mps=pl.col("speed_kmh").diff().over("trip_id") / 3.6,
        elapsed_s=pl.col("timestamp_ms").diff().over("trip_id") / 1000,
    )
    return rows.filter(pl.col("change_mps").abs() / pl.col("elapsed_s") > HARD_MPS2).height


def hard_events(events: pl.DataFrame) -> float:
    """Sum hard brakes and accelerations from speeds, without the accelerometers."""
    no_sensor = pl.lit(None, pl.Float32)
    by_speed = events.with_columns(acceleration_mps2=no_sensor, lateral_acceleration_mps2=no_sensor)
    features = trip_features(by_speed).fill_nan(0)
    return float(features.select((pl.col("hard_brake_count") + pl.col("hard_acceleration_count")).sum()).item())


def test_of_a_noisy_10_hz_signal_only_the_real_brakes_are_counted() -> None:
    #   ten minutes at 72 km/h, noise of 1 km/h in every value, five brakes of 4 m/s² for 2 s, easy recovery
    draw = random.Random(7)
    speed_kmh, rows = 72.0, []
    for number in range(6000):
        second = number / 10 % 120
        if 60 <= second < 62:
            speed_kmh -= 4 * 0.1 * 3.6
        elif 62 <= second < 82:
            speed_kmh += 0.4 * 0.1 * 3.6
        rows.append(event(NOON_MS + number * 100, speed_kmh=max(speed_kmh + draw.gauss(0, 1), 0)))
    events = frame_of(rows)
    assert row_to_row_events(events) > 2000
    assert hard_events(events) == 5


@pytest.mark.real_data
def test_of_the_100car_study_hundreds_of_events_are_counted_not_ten_thousands(shared_data: Path) -> None:
    events = read_trip_file(shared_data / "100car.parquet", file_format="100car").events
    assert row_to_row_events(events) > 10_000
    assert 100 < hard_events(events) < 1000


@pytest.mark.real_data
def test_of_the_kit_trips_hundreds_of_events_are_counted(shared_data: Path) -> None:
    #   logged once a second, so that neighbouring rows are far enough apart here
    events = read_trip_file(shared_data / "kit_obd2.csv.gz", file_format="kit-obd2").events
    assert 100 < hard_events(events) < 1000
