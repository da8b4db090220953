import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scoring.trip_files import TripFile
from tests.support.examples.trip_tables import IDS, START_S, TIME_AND_SPEED, csv_text, drive, read_content

ROLLOVER_S = 1024 * 7 * 86_400


def read_rows(folder: Path, rows: Sequence[tuple[float, float]], *maps: str, **options: Any) -> TripFile:
    return read_content(folder, csv_text(rows), *(maps or (*IDS, *TIME_AND_SPEED)), **options)


def seconds(trip_file: TripFile) -> list[float]:
    return [(time - START_S * 1000) / 1000 for time in trip_file.events["timestamp_ms"]]


def test_a_file_that_is_newest_first_is_put_in_order_and_says_so(tmp_path: Path) -> None:
    trip_file = read_rows(tmp_path, drive()[::-1])
    assert seconds(trip_file) == list(range(180))
    assert dict(trip_file.summary.changed) == {"put in order of time (the file is newest first)": 179}
    assert "179 of 180 rows (99%) put in order of time" in trip_file.summary.warnings[0]


def test_rows_in_any_order_are_put_in_order(tmp_path: Path) -> None:
    rows = drive()
    random.Random(7).shuffle(rows)
    trip_file = read_rows(tmp_path, rows)
    assert seconds(trip_file) == list(range(180))
    assert trip_file.events["speed_kmh"].to_list() == pytest.approx([speed for _, speed in drive()], rel=1e-6)
    assert trip_file.summary.changed["put in order of time"] > 150


def test_the_files_order_is_kept_if_it_is_asked_for(tmp_path: Path) -> None:
    rows = [*drive(60)[:40], *drive(60)[50:], *drive(60)[40:50]]
    trip_file = read_rows(tmp_path, rows, time_order=False)
    assert seconds(trip_file) == [*range(40), *range(50, 60), *range(40, 50)]
    assert dict(trip_file.summary.changed) == {"out of order, kept so": 10}
    newest_first = read_rows(tmp_path, drive(60)[::-1], time_order=False)
    assert seconds(newest_first) == list(range(59, -1, -1))


def test_a_file_in_order_says_nothing_of_order(tmp_path: Path) -> None:
    assert dict(read_rows(tmp_path, drive()).summary.changed) == {}


@pytest.mark.parametrize("off_s", [7200, -7200, 86_400, -40 * 86_400])
@pytest.mark.parametrize("rows_off", [1, 3])
def test_single_rows_with_a_wrong_clock_are_dropped(tmp_path: Path, off_s: int, rows_off: int) -> None:
    wrong = range(50, 50 + rows_off)
    rows = [(time + off_s if place in wrong else time, speed) for place, (time, speed) in enumerate(drive())]
    trip_file = read_rows(tmp_path, rows)
    assert seconds(trip_file) == [second for second in range(180) if second not in wrong]
    assert dict(trip_file.summary.dropped) == {"clock out of line with the rows around": rows_off}


@pytest.mark.parametrize(
    ("places", "off_s"),
    [([0], 7200), ([179], -7200), ([0, 1, 2], -20 * 365 * 86_400), ([0], -7200), ([179], 7200), ([178, 179], 9000)],
    ids=["first ahead", "last behind", "clock not set yet", "first behind", "last ahead", "two ahead"],
)
def test_a_wrong_clock_at_either_end_is_dropped_too(tmp_path: Path, places: list[int], off_s: int) -> None:
    rows = [(time + off_s if place in places else time, speed) for place, (time, speed) in enumerate(drive())]
    trip_file = read_rows(tmp_path, rows)
    assert seconds(trip_file) == [second for second in range(180) if second not in places]
    assert trip_file.events["trip_id"].unique().to_list() == ["trip_1"]
    assert dict(trip_file.summary.dropped) == {"clock out of line with the rows around": len(places)}


def test_rows_of_an_uploads_gap_that_come_later_are_not_taken_for_a_wrong_clock(tmp_path: Path) -> None:
    rows = drive(3600)
    late = [*rows[:600], *rows[1800:], *rows[600:1800]]
    trip_file = read_rows(tmp_path, late)
    assert seconds(trip_file) == list(range(3600))


@pytest.mark.parametrize("weeks", [1, 2])
def test_rows_that_are_behind_by_the_week_count_of_gps_are_put_right(tmp_path: Path, weeks: int) -> None:
    moved = [(time - (weeks * ROLLOVER_S if place < 30 else 0), v) for place, (time, v) in enumerate(drive())]
    if weeks == 2:
        moved = [(time + 10 * 365 * 86_400, v) for time, v in moved]  # after 2000 still
    trip_file = read_rows(tmp_path, moved)
    assert trip_file.events["timestamp_ms"].diff().drop_nulls().unique().to_list() == [1000]
    assert dict(trip_file.summary.changed) == {"1,024 weeks behind (GPS week rollover), put right": 30}


def test_old_trips_beside_new_ones_stay_old(tmp_path: Path) -> None:
    rows = [*drive(start_s=START_S - ROLLOVER_S - 30 * 86_400), *drive()]
    trip_file = read_rows(tmp_path, rows)
    assert trip_file.summary.changed == {}
    assert trip_file.events["timestamp_ms"].n_unique() == 360


def test_rows_of_one_second_are_spread_over_it(tmp_path: Path) -> None:
    rows = [(START_S + place // 5, place, 0.1 * place) for place in range(50)]
    text = csv_text(rows, header="ts,v,ax")
    trip_file = read_content(tmp_path, text, *IDS, *TIME_AND_SPEED, "acceleration_mps2=ax")
    assert seconds(trip_file) == [place / 5 for place in range(50)]
    assert trip_file.events["speed_kmh"].to_list() == list(range(50))
    assert dict(trip_file.summary.changed) == {"of one second or minute, spread over it": 40}


def test_rows_of_one_minute_are_spread_over_it(tmp_path: Path) -> None:
    rows = [(START_S + second - second % 60, speed) for second, speed in enumerate(range(180))]
    assert seconds(read_rows(tmp_path, rows)) == list(range(180))


@pytest.mark.parametrize(("first", "last"), [(2, 0), (0, 3), (3, 1)])
def test_a_second_that_a_trip_cuts_has_rows_as_far_apart_as_the_others(tmp_path: Path, first: int, last: int) -> None:
    places = range(first, 50 - last)
    spread = seconds(read_rows(tmp_path, [(START_S + place // 5, place) for place in places]))
    assert spread == [place / 5 for place in places]


def test_a_file_that_may_be_behind_as_a_whole_is_read_with_a_warning(tmp_path: Path) -> None:
    trip_file = read_rows(tmp_path, drive(start_s=START_S - ROLLOVER_S))
    assert trip_file.summary.changed == {}
    assert "of 2006-07-17: a receiver of GPS that is 1,024 weeks behind says so on 2026-03-02" in str(
        trip_file.summary.warnings
    )


def test_equal_samples_of_a_fast_logger_are_spread_too(tmp_path: Path) -> None:
    rows = [(START_S + place // 4, min(place, 10)) for place in range(20)]
    spread = seconds(read_rows(tmp_path, rows))
    assert spread[:12] == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75]


@pytest.mark.parametrize("together", [True, False])
def test_a_file_that_has_each_row_twice_has_duplicates(tmp_path: Path, *, together: bool) -> None:
    rows = drive(60)
    twice = [row for row in rows for _ in range(2)] if together else rows * 2
    trip_file = read_rows(tmp_path, twice)
    assert sorted(seconds(trip_file)) == sorted([*range(60), *range(60)])
    assert "of one second or minute, spread over it" not in trip_file.summary.changed


def test_a_few_duplicates_stay_duplicates(tmp_path: Path) -> None:
    rows = drive(60)
    trip_file = read_rows(tmp_path, [*rows[:20], rows[19], *rows[20:]])
    assert seconds(trip_file) == [*range(20), *range(19, 60)]


def test_a_logger_that_jitters_has_a_row_a_second_still(tmp_path: Path) -> None:
    rows = [(START_S + second - (second % 10 == 5), float(second)) for second in range(60)]
    assert seconds(read_rows(tmp_path, rows)) == list(range(60))


def test_rows_that_complete_each_other_stay_at_one_time(tmp_path: Path) -> None:
    rows = [(START_S + n // 2, n if n % 2 else None, None if n % 2 else 0.1) for n in range(20)]
    text = csv_text(rows, header="ts,v,ax")
    trip_file = read_content(tmp_path, text, *IDS, *TIME_AND_SPEED, "acceleration_mps2=ax")
    assert seconds(trip_file) == [n // 2 for n in range(20)]


def test_times_with_parts_of_a_second_are_left_as_they_are(tmp_path: Path) -> None:
    rows = [(START_S + place / 10, place) for place in range(20)] + [(START_S + 1.9, 99)]
    trip_file = read_content(tmp_path, csv_text(rows), *IDS, *TIME_AND_SPEED)
    assert pl.Series(seconds(trip_file)).n_unique() == 20
