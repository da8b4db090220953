"""One file of a fleet in which each vehicle's logger has another fault, through the whole demo."""

import io
import json
from pathlib import Path

import polars as pl
import pytest

from tests.support.examples.field_cases import FIELD_CASES, FieldCase, arguments, differences
from tests.support.servers.demo_run import run_demo

pytestmark = pytest.mark.e2e

COLUMNS = ("ts", "unit", "trip", "driver", "v", "ax", "course", "limit", "alarm")
MAPS = (
    "timestamp=ts:s",
    "vehicle_id=unit",
    "trip_id=trip",
    "driver_id=driver",
    "speed_kmh=v",
    "acceleration_mps2=ax",
    "heading_deg=course",
    "speed_limit_kmh=limit",
    "event_type=alarm",
)
FAULTS = (
    *("held-speed", "newest-first", "clock-ahead", "limit-zero", "driver-login-late", "gravity", "speed-spike"),
    *("heading-zero", "trip-id-again", "alarm-names", "week-rollover", "every-30s"),
)
CASES = [case for case in FIELD_CASES if case.name in FAULTS]


def rows_of(case: FieldCase) -> pl.DataFrame:
    """Give the rows of a file with all columns, as texts, in the file's order."""
    content = case.content.encode() if isinstance(case.content, str) else case.content
    table = pl.read_csv(io.BytesIO(content), infer_schema=False)
    given = table.with_columns(unit=pl.lit(f"veh_{case.name}"))
    if "trip" not in given.columns:
        given = given.with_columns(trip=pl.lit("trip_1"))
    missing = [pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in given.columns]
    return given.with_columns(missing).select(COLUMNS)


def test_each_vehicle_gets_the_score_that_is_right_and_all_faults_are_said(tmp_path: Path) -> None:
    data, scores = tmp_path / "fleet.csv", tmp_path / "scores.jsonl"
    rows = pl.concat(rows_of(case) for case in CASES)
    rows.write_csv(data)
    outcome, said, report = run_demo(data, *arguments(*MAPS, options=("--scores", str(scores))))
    found = sorted(map(json.loads, scores.read_text().splitlines()), key=lambda row: row["window_start"])
    for case in CASES:
        trips = [row for row in found if row["vehicle_id"] == f"veh_{case.name}"]
        assert [differences(row, right) for row, right in zip(trips, case.trips, strict=True)] == [{} for _ in trips]
    assert (outcome["trips"], outcome["late"], outcome["rejected"], outcome["unscored"]) == (len(CASES) + 1, 0, 0, {})
    assert outcome["file"]["rows"] == rows.height
    assert outcome["device_faults"] == {"spike": 7, "held_speed": 1, "sensor_contradicted": 1}
    for one in (
        "trips have an acceleration sensor that contradicts the speed",
        "trips have a speed that stays the same for seconds before it changes",
        "rows of the file were put in order of time",
        "events count without speed_limit_kmh",
        "events count without event_type",
        "events count without their speed",
    ):
        assert one in said
        assert one[0].upper() + one[1:] in report, "a row of the table of losses"
