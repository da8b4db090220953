"""The plan, the labels and the sensors of a simulated fleet; nothing here needs SUMO."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.simulation import FleetSizeError, SumoFailedError, SumoMissingError, simulate_fleet, sumo
from pipelines.simulation.drivers import draw_drivers
from pipelines.simulation.labels import SafetyRecord, read_safety
from pipelines.simulation.schedule import make_blocks, plan_trips
from pipelines.simulation.sensors import observe, true_motion
from pipelines.simulation.vehicles import STEP_S
from schemas.errors import DriverScoreError

LONGEST_TRIP_MS = 1_400_000


def test_no_driver_has_two_trips_at_once() -> None:
    trips = plan_trips(draw_drivers(40, seed=1), 30, seed=1)
    starts = pl.DataFrame({"driver": [t.driver.driver_id for t in trips], "start_ms": [t.start_ms for t in trips]})
    pauses = starts.sort("driver", "start_ms").select(pl.col("start_ms").diff().over("driver"))["start_ms"].drop_nulls()
    assert pauses.len() == 40 * 29
    assert (pauses > LONGEST_TRIP_MS).all()


def test_every_trip_is_driven_in_exactly_one_block_of_its_own_density() -> None:
    trips = plan_trips(draw_drivers(60, seed=2), 10, seed=2)
    blocks = make_blocks(trips)
    assert sorted(t.trip_id for b in blocks for t in b.trips) == sorted(t.trip_id for t in trips)
    assert all(t.density is b.density for b in blocks for t in b.trips)
    assert all(len(b.trips) <= b.density.fleet_trips for b in blocks)


def test_a_driver_keeps_a_style_from_trip_to_trip() -> None:
    trips = plan_trips(draw_drivers(200, seed=3), 10, seed=3)
    styles = pl.DataFrame(
        {"driver": [t.driver.driver_id for t in trips], "bold": [t.style.aggressiveness for t in trips]}
    )
    within = styles.group_by("driver").agg(pl.col("bold").var())["bold"].mean()
    overall = styles["bold"].var()
    assert isinstance(within, float)
    assert isinstance(overall, float)
    assert within < 0.25 * overall


def test_more_trips_do_not_change_the_drivers() -> None:
    assert draw_drivers(10, seed=4) == draw_drivers(30, seed=4)[:10]


def conflict(ego: str, *, ttc: tuple[str, str, str], drac: tuple[str, str, str]) -> str:
    def measure(name: str, worst: tuple[str, str, str]) -> str:
        value, kind, speed = worst
        return f'<{name} time="1" position="0,0" type="{kind}" value="{value}" speed="{speed}"/>'

    return (
        f'<conflict begin="0" end="9" ego="{ego}" foe="x">{measure("minTTC", ttc)}{measure("maxDRAC", drac)}</conflict>'
    )


NONE = ("NA", "NA", "NA")


@pytest.mark.parametrize(
    ("ttc", "drac", "expected"),
    [
        (("1.2", "2", "10"), NONE, SafetyRecord(1, 1.2, None)),
        (NONE, ("4.0", "2", "10"), SafetyRecord(1, None, 4.0)),
        (("1.2", "2", "10"), ("4.0", "2", "10"), SafetyRecord(1, 1.2, 4.0)),
        (("1.5", "2", "10"), ("3.4", "2", "10"), SafetyRecord(0, 1.5, 3.4)),
        (("1.2", "7", "10"), NONE, SafetyRecord(1, 1.2, None)),
        (("1.2", "11", "10"), NONE, SafetyRecord(1, 1.2, None)),
        (("0.4", "3", "10"), ("9.0", "3", "10"), SafetyRecord(0, None, None)),
        (("0.4", "10", "10"), ("9.0", "6", "10"), SafetyRecord(0, None, None)),
        (("0.4", "2", "1"), ("9.0", "2", "1"), SafetyRecord(0, None, None)),
    ],
    ids=["ttc", "drac", "both-count-once", "at-threshold", "merging", "crossing", "tailgated", "first", "creeping"],
)
def test_only_the_one_who_has_to_act_has_a_conflict(
    tmp_path: Path, ttc: tuple[str, str, str], drac: tuple[str, str, str], expected: SafetyRecord
) -> None:
    safety = tmp_path / "safety.xml"
    safety.write_text(f"<log>{conflict('trip_000001', ttc=ttc, drac=drac)}</log>")
    assert read_safety(safety, tmp_path / "none.xml") == {"trip_000001": expected}


def test_a_collision_is_that_of_the_collider(tmp_path: Path) -> None:
    collisions = tmp_path / "collisions.xml"
    collisions.write_text('<collisions><collision collider="trip_000001" victim="trip_000002"/></collisions>')
    records = read_safety(tmp_path / "none.xml", collisions)
    assert records == {"trip_000001": SafetyRecord(collision=True)}


def circling_track(*, speed_mps: float, yaw_deg_s: float, seconds: int) -> pl.DataFrame:
    time_s = np.arange(0, seconds, STEP_S)
    return pl.DataFrame(
        {
            "trip_id": "trip_000001",
            "time_s": time_s,
            "x_m": np.zeros_like(time_s),
            "y_m": np.zeros_like(time_s),
            "heading_deg": (yaw_deg_s * time_s) % 360,
            "speed_mps": np.full_like(time_s, speed_mps),
            "acceleration_mps2": np.zeros_like(time_s),
            "lane": [":inner_0_0"] * 4 + ["road_1"] * (len(time_s) - 4),
        }
    )


def test_lateral_acceleration_is_speed_times_yaw_rate_also_across_north() -> None:
    motion = true_motion(circling_track(speed_mps=10.0, yaw_deg_s=9.0, seconds=120), {"road": 50.0})
    assert motion.lateral_mps2[2:-1] == pytest.approx(10.0 * np.radians(9.0))
    assert set(motion.limit_kmh.tolist()) == {50.0}
    assert len(motion.time_s) == 120


def test_the_dongle_reports_whole_kmh_and_nothing_else() -> None:
    trip = next(t for t in plan_trips(draw_drivers(60, seed=5), 1, seed=5) if t.driver.device == "obd")
    motion = true_motion(circling_track(speed_mps=13.3, yaw_deg_s=1.0, seconds=200), {"road": 50.0})
    events = observe(trip, motion, np.random.default_rng(1))
    assert set(events["speed_kmh"].drop_nulls().to_list()) == {48.0}
    for absent in ("acceleration_mps2", "lateral_acceleration_mps2", "heading_deg", "latitude", "longitude"):
        assert events[absent].null_count() == events.height


@pytest.mark.parametrize(("drivers", "trips"), [(0, 10), (-1, 1), (5, 0), (5, 85)])
def test_an_impossible_size_is_refused_before_anything_runs(tmp_path: Path, drivers: int, trips: int) -> None:
    with pytest.raises(FleetSizeError, match="1 to 84 trips"):
        simulate_fleet(tmp_path / "f.parquet", seed=1, drivers=drivers, trips_per_driver=trips)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_sumo_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SumoMissingError, match=r"pip install 'driver-score\[simulate\]'") as caught:
        simulate_fleet(tmp_path / "f.parquet", seed=1, drivers=1, trips_per_driver=1)
    assert isinstance(caught.value, DriverScoreError)


def test_a_failing_sumo_ends_the_message_with_its_last_words(tmp_path: Path) -> None:
    pytest.importorskip("sumo", reason="eclipse-sumo is not installed")
    with pytest.raises(SumoFailedError, match=r"netconvert stopped with status \d+: .*missing\.nod\.xml"):
        sumo.run_sumo("netconvert", ["--node-files=missing.nod.xml"], folder=tmp_path)
