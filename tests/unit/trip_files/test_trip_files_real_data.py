from pathlib import Path

import polars as pl
import pytest

from schemas.event_frame import EVENT_SCHEMA
from scoring.trip_files import read_trip_file

pytestmark = pytest.mark.real_data


def test_every_row_of_the_100car_study_is_an_event(shared_data: Path) -> None:
    trip_file = read_trip_file(shared_data / "100car.parquet", file_format="100car")
    events = trip_file.events
    assert (trip_file.summary.rows_read, trip_file.summary.events) == (256_411, 256_411)
    assert events.schema == EVENT_SCHEMA
    assert (events["trip_id"].n_unique(), events["vehicle_id"].n_unique()) == (569, 65)
    assert events["speed_kmh"].null_count() == 24_661


def test_100car_clips_of_one_vehicle_never_overlap(shared_data: Path) -> None:
    events = read_trip_file(shared_data / "100car.parquet", file_format="100car").events
    trips = events.group_by("vehicle_id", "trip_id").agg(
        start=pl.col("timestamp_ms").min(), end=pl.col("timestamp_ms").max()
    )
    pauses = trips.sort("start").select((pl.col("start") - pl.col("end").shift(1)).over("vehicle_id").alias("pause_ms"))
    assert pauses.min().item() > 3_600_000
    assert events.select("trip_id", "timestamp_ms").is_duplicated().sum() == 0


def test_the_kit_trips_are_read_but_for_rows_before_the_first_speed(shared_data: Path) -> None:
    trip_file = read_trip_file(shared_data / "kit_obd2.csv.gz", file_format="kit-obd2")
    assert trip_file.events["trip_id"].n_unique() == 62
    assert (trip_file.summary.rows_read, trip_file.summary.events) == (186_503, 186_437)
    assert dict(trip_file.summary.dropped) == {"nothing measured": 66}
    steps_ms = trip_file.events.select(pl.col("timestamp_ms").diff().over("trip_id"))["timestamp_ms"]
    assert (steps_ms < 0).sum() == 1
