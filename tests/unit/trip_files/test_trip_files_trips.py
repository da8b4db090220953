import json
from pathlib import Path

import polars as pl
import pytest

from schemas.messages.trip_event import ID_PATTERN
from scoring.trip_files import TripFile, read_trip_file
from tests.support.examples.trip_tables import IDS, START_S, TIME_AND_SPEED, csv_text, drive, read_content

VEHICLE = ("vehicle_id==veh_1", "client_id==client_1")
HOUR_S = 3600


def trips(trip_file: TripFile) -> list[tuple[str, str, int, int]]:
    """Id, driver, first second and last second of each trip."""
    first, last = (pl.col("timestamp_ms").min() // 1000, pl.col("timestamp_ms").max() // 1000)
    frame = trip_file.events.group_by("trip_id", "driver_id").agg(first=first - START_S, last=last - START_S)
    return frame.sort("first").rows()


def standing(first_s: int, last_s: int, every_s: int, speed: float = 0.0) -> list[tuple[int, float]]:
    return [(START_S + second, speed) for second in range(first_s, last_s, every_s)]


@pytest.mark.parametrize("every_s", [5, 30, 120, 600])
@pytest.mark.parametrize("speed", [0.0, 1.5])
def test_a_vehicle_that_reports_that_it_stands_is_on_no_trip(tmp_path: Path, every_s: int, speed: float) -> None:
    rows = [
        *drive(360),
        *standing(360 + every_s, 4 * HOUR_S, every_s, speed),
        *drive(360, start_s=START_S + 4 * HOUR_S),
    ]
    trip_file = read_content(tmp_path, csv_text(rows), *VEHICLE, *TIME_AND_SPEED, trip_gap_s=300)
    (_, _, first, last), (_, _, second_first, second_last) = trips(trip_file)
    assert (first, second_last) == (0, 4 * HOUR_S + 359)
    assert 345 <= last <= 345 + 60
    assert 4 * HOUR_S - 10 <= second_first <= 4 * HOUR_S
    dropped = trip_file.summary.dropped["standing still between trips"]
    assert trip_file.summary.events + dropped == len(rows)


def test_a_stop_for_fuel_is_no_new_trip(tmp_path: Path) -> None:
    rows = [*drive(360), *standing(360, 600, 30), *drive(360, start_s=START_S + 600)]
    trip_file = read_content(tmp_path, csv_text(rows), *VEHICLE, *TIME_AND_SPEED, trip_gap_s=300)
    assert [trip[2:] for trip in trips(trip_file)] == [(0, 959)]
    assert trip_file.summary.dropped == {}


def test_a_vehicle_without_speeds_has_trips_by_gaps_of_rows(tmp_path: Path) -> None:
    rows = [(START_S + second, 0.1) for second in (*range(100), *range(1000, 1100))]
    text = csv_text(rows, header="ts,ax")
    trip_file = read_content(tmp_path, text, *VEHICLE, "timestamp=ts:s", "acceleration_mps2=ax", trip_gap_s=300)
    assert [trip[2:] for trip in trips(trip_file)] == [(0, 99), (1000, 1099)]


def test_a_trip_id_that_is_used_again_later_is_another_trip(tmp_path: Path) -> None:
    later = START_S + 3 * 24 * HOUR_S
    rows = [*((*row, 12) for row in drive(360)), *((*row, 12) for row in drive(360, start_s=later))]
    text = csv_text(rows, header="ts,v,trip")
    maps = (*VEHICLE, *TIME_AND_SPEED, "trip_id=trip")
    trip_file = read_content(tmp_path, text, *maps)
    assert [trip[0] for trip in trips(trip_file)] == ["12", "12.2"]
    assert "1 trips begin where a trip_id is used again after 1800 s without driving" in str(trip_file.summary)
    assert [trip[0] for trip in trips(read_content(tmp_path, text, *maps, trip_pause_s=0))] == ["12"]
    assert len(trips(read_content(tmp_path, text, *maps, trip_pause_s=4 * 24 * HOUR_S))) == 1


def test_a_new_trip_gets_no_id_that_the_file_has(tmp_path: Path) -> None:
    later = START_S + 24 * HOUR_S
    rows = [
        *((*row, "12") for row in drive(90)),
        *((*row, "12.2") for row in drive(90, start_s=START_S + 200)),
        *((*row, "12") for row in drive(90, start_s=later)),
    ]
    trip_file = read_content(tmp_path, csv_text(rows, header="ts,v,trip"), *VEHICLE, *TIME_AND_SPEED, "trip_id=trip")
    assert [trip[0] for trip in trips(trip_file)] == ["12", "12.2", "12..2"]


@pytest.mark.parametrize("nobody", ["", "none", "0", "unknown", "UnknownDriverId", "NULL"])
def test_rows_before_a_login_are_of_the_driver_who_logs_in(tmp_path: Path, nobody: str) -> None:
    rows = [(*row, nobody if place < 40 or place > 150 else "drv_7") for place, row in enumerate(drive())]
    trip_file = read_content(tmp_path, csv_text(rows, header="ts,v,drv"), *IDS, *TIME_AND_SPEED, "driver_id=drv")
    assert trips(trip_file) == [("trip_1", "drv_7", 0, 179)]
    assert "69 rows without a driver" in str(trip_file.summary)


def test_a_trip_without_a_driver_is_of_the_vehicles_own(tmp_path: Path) -> None:
    rows = [(*row, "") for row in drive()]
    trip_file = read_content(tmp_path, csv_text(rows, header="ts,v,drv"), *IDS, *TIME_AND_SPEED, "driver_id=drv")
    assert trips(trip_file) == [("trip_1", "drv_veh_1", 0, 179)]


def test_a_trip_begins_where_one_driver_follows_another(tmp_path: Path) -> None:
    rows = [(*row, "drv_1" if place < 90 else "drv_2") for place, row in enumerate(drive())]
    text = csv_text(rows, header="ts,v,drv")
    trip_file = read_content(tmp_path, text, *IDS, *TIME_AND_SPEED, "driver_id=drv")
    assert trips(trip_file) == [("trip_1", "drv_1", 0, 89), ("trip_1.2", "drv_2", 90, 179)]
    assert "1 trips begin where the driver changes" in str(trip_file.summary)
    by_gaps = read_content(tmp_path, text, *VEHICLE, *TIME_AND_SPEED, "driver_id=drv", trip_gap_s=300)
    assert [trip[1:] for trip in trips(by_gaps)] == [("drv_1", 0, 89), ("drv_2", 90, 179)]


@pytest.mark.parametrize(
    "plates",
    [
        ("X CD 34", "X_CD_34"),
        ("B-MÜ 1", "B-MO 1"),
        ("京A 12345", "京B 12345"),
        ("Иван", "Анна"),
        ("v" * 80, "v" * 79 + "w"),
        ("a/b", "a\\b"),
    ],
)
@pytest.mark.parametrize("field", ["vehicle_id", "driver_id"])
def test_an_id_that_an_event_can_not_have_is_replaced_by_one_of_its_own(
    tmp_path: Path, plates: tuple[str, str], field: str
) -> None:
    rows = [(*row, plates[place % 2]) for place, row in enumerate(drive())]
    other = [source for source in VEHICLE if not source.startswith(field)]
    maps = (*other, *TIME_AND_SPEED, f"{field}=unit")
    trip_file = read_content(tmp_path, csv_text(rows, header="ts,v,unit"), *maps, trip_gap_s=300)
    assert trip_file.events[field].n_unique() == 2
    assert trip_file.events.height == 180
    for column in ("trip_id", "vehicle_id", "driver_id"):
        assert trip_file.events[column].str.contains(ID_PATTERN).all()
    assert f"{field} replaced (" in str(trip_file.summary)
    again = read_content(tmp_path, csv_text(rows[::-1], header="ts,v,unit"), *maps, trip_gap_s=300)
    assert set(again.events[field]) == set(trip_file.events[field])


def test_a_long_vehicle_id_leaves_its_trips_an_id_that_fits(tmp_path: Path) -> None:
    rows = [(*row, "v" * 64) for row in drive()]
    text = csv_text(rows, header="ts,v,unit")
    trip_file = read_content(tmp_path, text, "client_id==c", *TIME_AND_SPEED, "vehicle_id=unit", trip_gap_s=300)
    assert trip_file.events["trip_id"].str.contains(ID_PATTERN).all()
    assert trip_file.events["vehicle_id"].unique().to_list() == ["v" * 64]


def test_a_driver_who_takes_over_again_goes_on_with_their_own_trip(tmp_path: Path) -> None:
    rows = [(*row, "drv_2" if 60 <= place < 90 else "drv_1") for place, row in enumerate(drive())]
    trip_file = read_content(tmp_path, csv_text(rows, header="ts,v,drv"), *IDS, *TIME_AND_SPEED, "driver_id=drv")
    assert trips(trip_file) == [("trip_1", "drv_1", 0, 179), ("trip_1.2", "drv_2", 60, 89)]


def test_messages_of_a_file_are_of_the_drivers_that_a_worker_gives_them(tmp_path: Path) -> None:
    ids = {"trip_id": "trip_1", "vehicle_id": "veh_1", "client_id": "c_1"}
    drivers = ["unknown"] * 40 + ["drv_7"] * 60 + [None] * 20 + ["drv_8"] * 60
    lines = [
        json.dumps({**ids, "driver_id": driver, "timestamp": 1000 * (START_S + second), "speed_kmh": 50.0})
        for second, driver in enumerate(drivers)
    ]
    path = tmp_path / "messages.jsonl"
    path.write_text("\n".join(lines[::-1]))
    trip_file = read_trip_file(path, file_format="jsonl")
    assert trips(trip_file) == [("trip_1", "drv_7", 0, 119), ("trip_1.2", "drv_8", 120, 179)]
    assert "1 trips begin where the driver changes" in str(trip_file.summary)
