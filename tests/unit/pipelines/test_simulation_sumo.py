"""A small fleet driven by the real SUMO."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from pipelines.simulation import LABEL_SCHEMA, FleetSummary, labels_path, simulate_fleet
from schemas.event_frame import EVENT_SCHEMA, EVENT_TYPES, VEHICLE_CLASSES

pytest.importorskip("sumo", reason="eclipse-sumo is not installed: pip install 'driver-score[simulate]'")
pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Fleet:
    summary: FleetSummary
    events: pl.DataFrame
    trips: pl.DataFrame
    reported: list[float]
    path: Path


def drive(folder: Path, *, seed: int) -> Fleet:
    path = folder / "fleet.parquet"
    reported: list[float] = []
    summary = simulate_fleet(
        path, seed=seed, drivers=8, trips_per_driver=2, progress=lambda share, _: reported.append(share)
    )
    return Fleet(summary, pl.read_parquet(path), pl.read_parquet(labels_path(path)), reported, path)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return drive(tmp_path_factory.mktemp("fleet"), seed=21)


def test_the_files_have_the_schemas_that_readers_expect(fleet: Fleet) -> None:
    assert fleet.events.schema == EVENT_SCHEMA
    assert fleet.trips.schema == LABEL_SCHEMA
    required = [*EVENT_SCHEMA.names()[:6], "event_type"]
    assert fleet.events.select(pl.col(required).null_count()).row(0) == (0,) * len(required)
    assert set(fleet.events["event_type"]) <= set(EVENT_TYPES)
    assert set(fleet.events["vehicle_class"]) <= set(VEHICLE_CLASSES)


def test_the_summary_is_that_of_the_files(fleet: Fleet) -> None:
    assert fleet.summary.trips == fleet.trips.height == 16
    assert fleet.summary.drivers == 8
    assert fleet.summary.samples == fleet.events.height
    assert fleet.summary.conflicts == fleet.trips["conflict"].sum()
    assert fleet.summary.bytes == fleet.path.stat().st_size + labels_path(fleet.path).stat().st_size


def test_every_trip_has_one_label_and_one_driver(fleet: Fleet) -> None:
    assert fleet.trips["trip_id"].is_unique().all()
    ids = ["trip_id", "client_id", "driver_id", "vehicle_id", "vehicle_class"]
    assert fleet.events.select(ids).unique().sort("trip_id").equals(fleet.trips.select(ids))


def test_rows_are_ordered_and_no_trip_has_a_time_twice(fleet: Fleet) -> None:
    keys = fleet.events.select("trip_id", "timestamp_ms")
    assert keys.equals(keys.sort("trip_id", "timestamp_ms"))
    assert keys.is_unique().all()
    assert (fleet.events["timestamp_ms"] % 100 == 0).all()


def test_every_sample_carries_speed_or_acceleration_in_plausible_bounds(fleet: Fleet) -> None:
    samples = fleet.events.filter(pl.col("event_type") == "sample")
    assert samples.filter(pl.col("speed_kmh").is_null() & pl.col("acceleration_mps2").is_null()).is_empty()
    assert samples.filter(~pl.col("speed_kmh").is_between(0, 200)).is_empty()
    for name in ("acceleration_mps2", "lateral_acceleration_mps2"):
        assert samples.filter(pl.col(name).abs() > 9.1).is_empty()
    assert samples.filter(~pl.col("heading_deg").is_between(0, 360)).is_empty()


def test_a_conflict_is_what_its_worst_measures_say(fleet: Fleet) -> None:
    near = (pl.col("min_ttc_s") < 1.5).fill_null(value=False)
    hard = (pl.col("max_drac_mps2") > 3.4).fill_null(value=False)
    assert fleet.trips.filter(pl.col("conflict") != (pl.col("conflict_count") > 0)).is_empty()
    assert fleet.trips.filter(pl.col("conflict") != (near | hard)).is_empty()


def test_progress_grows_to_one(fleet: Fleet) -> None:
    assert fleet.reported == sorted(fleet.reported)
    assert fleet.reported[0] == 0.0
    assert fleet.reported[-1] == 1.0


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(fleet: Fleet, tmp_path: Path) -> None:
    again = drive(tmp_path, seed=21)
    assert again.events.equals(fleet.events)
    assert again.trips.equals(fleet.trips)
    other = drive(tmp_path, seed=22)
    assert not other.events.equals(fleet.events)
