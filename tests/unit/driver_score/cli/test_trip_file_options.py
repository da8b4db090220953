from pathlib import Path

import pytest
from rich.console import Console

from driver_score.cli.trips.trip_file_options import (
    MapOptions,
    format_of,
    report_summary,
    time_order_of,
    with_sampling_warning,
)
from schemas.thresholds import ThresholdProfile
from scoring.trip_files import ReadSummary
from tests.support.examples.trip_tables import IDS, TIME_AND_SPEED, csv_text, drive, read_content


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("a.csv.gz", "csv"), ("a.TSV", "csv"), ("a.gpx", "gpx"), ("a.nmea", "nmea"), ("a.ndjson", "jsonl")],
)
def test_the_format_follows_from_the_name(name: str, file_format: str) -> None:
    assert format_of(Path(name)) == file_format


def test_no_option_is_no_map() -> None:
    assert MapOptions().column_map() is None
    assert MapOptions(skip_lines=0).column_map() is not None


def test_an_option_goes_over_the_map_file(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('pivot = "a=b"\nwhere = ["x=1"]\n[map]\nspeed_kmh = "v"\n')
    column_map = MapOptions(map_file=path, pivot="PID=VALUE", maps=["trip_id=t"]).column_map()
    assert column_map is not None
    assert column_map.pivot is not None
    assert (column_map.pivot.names, column_map.pivot.readings) == ("PID", "VALUE")
    assert sorted(column_map.sources) == ["speed_kmh", "trip_id"]
    assert column_map.where[0].column == "x"


@pytest.mark.parametrize(("file_order", "time_order"), [(None, None), (True, False), (False, True)])
def test_the_order_is_the_formats_own_unless_it_is_said(*, file_order: bool | None, time_order: bool | None) -> None:
    assert time_order_of(file_order=file_order) is time_order


def test_what_concerns_more_than_one_row_in_a_hundred_is_a_warning() -> None:
    console = Console(record=True, width=200, file=None, stderr=True)
    dropped = {"no timestamp": 11, "no vehicle_id": 9}
    summary = ReadSummary(1000, 980, dropped, {"put in order of time": 500}, ("a [b] c",))
    with console.capture() as capture:
        report_summary(console, Path("trips.csv"), summary)
    lines = capture.get().splitlines()
    assert lines[0] == (
        "trips.csv: 1,000 rows, 980 events, 20 dropped (11 no timestamp, 9 no vehicle_id); "
        "500 put in order of time; a [b] c"
    )
    assert lines[1:] == [
        "warning: 11 of 1,000 rows (1%) dropped: no timestamp",
        "warning: 500 of 1,000 rows (50%) put in order of time",
    ]


@pytest.mark.parametrize(("every_s", "warns"), [(1, False), (30, False), (120, True)])
def test_rows_that_are_too_far_apart_to_count_are_a_warning(tmp_path: Path, every_s: int, *, warns: bool) -> None:
    trip_file = read_content(tmp_path, csv_text(drive(600)[::every_s]), *IDS, *TIME_AND_SPEED)
    warnings = with_sampling_warning(trip_file, ThresholdProfile()).summary.warnings
    assert any("DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240" in warning for warning in warnings) is warns
