import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.event_frame import EVENT_SCHEMA
from scoring.errors import InputFileError
from scoring.trip_files import TripFile, parse_column_map, read_trip_file, read_trips

IDS = ["trip_id==trip_1", "vehicle_id==veh_1", "driver_id==drv_1", "client_id==client_1"]
MS_2026_03_02_0715 = int(datetime(2026, 3, 2, 7, 15, tzinfo=UTC).timestamp() * 1000)


def read_csv(tmp_path: Path, text: str, *maps: str, **options: Any) -> TripFile:
    path = tmp_path / "trips.csv"
    path.write_text(text, encoding="utf-8")
    return read_trip_file(path, file_format="csv", column_map=parse_column_map(maps, **options))


def read_parquet(tmp_path: Path, frame: pl.DataFrame, *maps: str, **options: Any) -> TripFile:
    path = tmp_path / "trips.parquet"
    frame.write_parquet(path)
    return read_trip_file(path, file_format="parquet", column_map=parse_column_map(maps, **options))


def test_a_csv_file_with_the_fields_own_names_needs_no_map(tmp_path: Path) -> None:
    path = tmp_path / "trips.csv"
    path.write_text(
        "trip_id,vehicle_id,driver_id,client_id,timestamp,speed_kmh,latitude,note\n"
        "trip_1,7,drv_1,client_1,2026-03-02T08:15:00+01:00,48.5,51.25,hello\n"
    )
    events = read_trips(path, file_format="csv")
    assert events.schema == EVENT_SCHEMA
    assert events.row(0, named=True) == {
        **dict.fromkeys(EVENT_SCHEMA),
        "trip_id": "trip_1",
        "vehicle_id": "7",
        "driver_id": "drv_1",
        "client_id": "client_1",
        "vehicle_class": "car",
        "timestamp_ms": MS_2026_03_02_0715,
        "utc_offset_min": 60,
        "event_type": "sample",
        "speed_kmh": 48.5,
        "latitude": 51.25,
    }


@pytest.mark.parametrize(
    ("field", "unit", "given", "expected"),
    [
        ("speed_kmh", "km/h", "50", 50.0),
        ("speed_kmh", "mph", "50", 80.4672),
        ("speed_kmh", "m/s", "10", 36.0),
        ("speed_kmh", "kn", "10", 18.52),
        ("speed_limit_kmh", "mph", "30", 48.28032),
        ("acceleration_mps2", "g", "-0.5", -4.903325),
        ("acceleration_mps2", "mg", "100", 0.980665),
        ("lateral_acceleration_mps2", "m/s2", "1.5", 1.5),
        ("heading_deg", "rad", "1.5707963267948966", 90.0),
        ("duration_s", "ms", "1500", 1.5),
    ],
)
def test_a_measurement_is_converted_from_its_unit(
    tmp_path: Path, field: str, unit: str, given: str, expected: float
) -> None:
    maps = [*IDS, f"{field}=x:{unit}", *([] if field == "speed_kmh" else ["speed_kmh==1"])]
    events = read_csv(tmp_path, f"timestamp,x\n2026-03-02T08:15:00Z,{given}\n", *maps).events
    assert events[field][0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "unit", "time_zone", "offset_min"),
    [
        ("2026-03-02T07:15:00Z", "", None, None),
        ("2026-03-02T07:15:00Z", "", "Europe/Berlin", 60),
        ("2026-03-02 07:15:00.000+00:00", "", "Europe/Berlin", 0),
        ("2026-03-02T08:15:00.000000+0100", "", None, 60),
        ("2026-03-02T02:45-04:30", "", None, -270),
        ("2026-03-02 08:15:00", "", "Europe/Berlin", 60),
        ("02.03.2026 08:15:00", ":%d.%m.%Y %H:%M:%S", "Europe/Berlin", 60),
        ("02.03.2026 08:15:00 +0100", ":%d.%m.%Y %H:%M:%S %z", None, 60),
        ("1772435700", ":s", None, None),
        ("1772435700.0", ":s", "Europe/Berlin", 60),
        ("1772435700000", ":ms", None, None),
        ("1772435700000000", ":us", None, None),
        ("1772435700000000000", ":ns", None, None),
    ],
)
def test_the_same_moment_in_every_way_to_write_it(
    tmp_path: Path, given: str, unit: str, time_zone: str | None, offset_min: int | None
) -> None:
    maps = [*IDS, "speed_kmh==1", f"timestamp=ts{unit}"]
    events = read_csv(tmp_path, f"ts\n{given}\n", *maps, time_zone=time_zone).events
    assert events.select("timestamp_ms", "utc_offset_min").row(0) == (MS_2026_03_02_0715, offset_min)


@pytest.mark.parametrize(
    ("dtype", "time_zone", "offset_min"),
    [
        (pl.Datetime("us", "UTC"), None, None),
        (pl.Datetime("ns", "Europe/Berlin"), None, 60),
        (pl.Datetime("us", "UTC"), "Europe/Berlin", 60),
    ],
)
def test_a_parquet_timestamp_with_a_zone_needs_no_more(
    tmp_path: Path, dtype: pl.Datetime, time_zone: str | None, offset_min: int | None
) -> None:
    moment = pl.Series("timestamp", [MS_2026_03_02_0715]).cast(pl.Datetime("ms", "UTC"))
    moment = moment.dt.convert_time_zone(dtype.time_zone or "UTC").dt.cast_time_unit(dtype.time_unit)
    events = read_parquet(tmp_path, moment.to_frame(), *IDS, "speed_kmh==1", time_zone=time_zone).events
    assert events.select("timestamp_ms", "utc_offset_min").row(0) == (MS_2026_03_02_0715, offset_min)


def test_a_naive_parquet_timestamp_is_read_in_the_time_zone(tmp_path: Path) -> None:
    frame = pl.DataFrame({"timestamp": [datetime(2026, 3, 2, 8, 15)]})  # noqa: DTZ001 - naive is the case
    events = read_parquet(tmp_path, frame, *IDS, "speed_kmh==1", time_zone="Europe/Berlin").events
    assert events["timestamp_ms"][0] == MS_2026_03_02_0715


def test_semicolons_decimal_commas_and_gzip_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "trips.csv.gz"
    path.write_bytes(gzip.compress(b"ts;v\n2026-03-02T08:15:00Z;48,5\n"))
    column_map = parse_column_map([*IDS, "timestamp=ts", "speed_kmh=v"])
    assert read_trips(path, file_format="csv", column_map=column_map)["speed_kmh"].to_list() == [48.5]


def test_texts_that_stand_for_unknown_become_null(tmp_path: Path) -> None:
    text = "timestamp,v,ax\n" + "".join(f"2026-03-02T08:15:0{n}Z,{v},0.1\n" for n, v in enumerate(["-1", "NA", "", 5]))
    trip_file = read_csv(tmp_path, text, *IDS, "speed_kmh=v", "acceleration_mps2=ax:g", unknown=["speed_kmh=-1"])
    assert trip_file.events["speed_kmh"].to_list() == [None, None, None, 5.0]


def test_numbers_that_stand_for_unknown_become_null_in_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"timestamp_ms": [MS_2026_03_02_0715] * 2, "v": [-1.0, float("nan")], "ax": [1, 2]})
    trip_file = read_parquet(tmp_path, frame, *IDS, "speed_kmh=v", "acceleration_mps2=ax", unknown=["speed_kmh=-1"])
    assert trip_file.events["speed_kmh"].to_list() == [None, None]


def test_rows_that_can_not_be_events_are_counted_by_cause(tmp_path: Path) -> None:
    text = (
        "timestamp,vehicle_id,speed_kmh,event_type\n"
        "2026-03-02T08:15:00Z,veh_1,50,sample\n"
        ",veh_1,50,sample\n"
        "1970-01-01T00:00:05Z,veh_1,50,sample\n"
        "2026-03-02T08:15:01Z,,50,sample\n"
        "2026-03-02T08:15:02Z,veh 1,50,sample\n"
        "2026-03-02T08:15:03Z,veh_1,9999,sample\n"
        "2026-03-02T08:15:04Z,veh_1,,sample\n"
        "2026-03-02T08:15:05Z,veh_1,,trip_end\n"
        "2026-03-02T08:15:06Z,veh_1,50,teleport\n"
        ",,9999,\n"
    )
    trip_file = read_csv(tmp_path, text, "trip_id==t", "driver_id==d", "client_id==c")
    assert trip_file.events["event_type"].to_list() == ["sample", "sample", "trip_end", "sample"]
    assert trip_file.summary.rows_read == 10
    assert dict(trip_file.summary.dropped) == {
        "no timestamp": 2,
        "timestamp before 2000": 1,
        "no vehicle_id": 1,
        "nothing measured: speed_kmh can't be used": 1,
        "nothing measured": 1,
    }
    assert "10 rows, 4 events, 6 dropped" in str(trip_file.summary)


def test_trips_are_made_of_gaps_per_vehicle_where_the_file_has_none(tmp_path: Path) -> None:
    rows = [("a", 0), ("b", 5), ("a", 300), ("a", 601), ("b", 100), ("a", 590)]
    text = "ts,vehicle_id,speed_kmh\n" + "".join(f"{1772435700 + second},{vehicle},1\n" for vehicle, second in rows)
    events = read_csv(tmp_path, text, "timestamp=ts:s", "client_id==c", trip_gap_s=300).events
    assert events["trip_id"].to_list() == [
        "trip_a_20260302T071500",
        "trip_b_20260302T071505",
        "trip_b_20260302T071505",
        "trip_a_20260302T071500",
        "trip_a_20260302T071500",
        "trip_a_20260302T071500",
    ]
    split = read_csv(tmp_path, text, "timestamp=ts:s", "client_id==c", trip_gap_s=280).events
    assert split["trip_id"].to_list()[3:5] == ["trip_a_20260302T072000", "trip_a_20260302T072450"]


def test_a_missing_driver_is_named_after_the_vehicle(tmp_path: Path) -> None:
    text = "timestamp,trip_id,vehicle_id,client_id,speed_kmh\n2026-03-02T08:15:00Z,t,veh_1,c,1\n"
    assert read_csv(tmp_path, text).events["driver_id"].to_list() == ["drv_veh_1"]


@pytest.mark.parametrize(
    ("text", "maps", "says"),
    [
        ("a,b\n1,2\n", ["speed_kmh=v"], "no column `v` for speed_kmh. Its columns are a, b"),
        ("a,v\n1,2\n", IDS, "no column for timestamp. Its columns are a, v. Add --map timestamp=COLUMN"),
        ("timestamp\n2026-03-02T08:15:00Z\n", IDS[1:], "no column for trip_id"),
        ("timestamp\n2026-03-02T08:15:00Z\n", IDS[:3], "--map client_id==client_acme"),
        ("timestamp,speed_kmh\n2026-03-02T08:15:00Z,fast\n", IDS, "the first is `fast` in line 2"),
        ("timestamp,speed_kmh\n2026-03-02T08:15:00Z,1\nsoon,1\n", IDS, "1 values of column `timestamp`"),
        ("timestamp,speed_kmh\n1772435700,1\n", IDS, "Say its unit: --map timestamp=timestamp:s"),
        ("timestamp,speed_kmh\n2026-03-02 08:15:00,1\n", IDS, "--time-zone Europe/Berlin"),
        ("timestamp,speed_kmh\n,1\n", IDS, "not one row is an event"),
        ("", IDS, "can't be read as CSV"),
        ("timestamp,speed_kmh\n1,2,3,4\n", IDS, "1 lines have more columns than the header"),
    ],
)
def test_a_file_that_does_not_fit_is_one_clear_error(tmp_path: Path, text: str, maps: list[str], says: str) -> None:
    with pytest.raises(InputFileError, match=r"trips\.csv: ") as caught:
        read_csv(tmp_path, text, *maps)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("time_format", ["%Q", "%H:%M"])
def test_a_time_format_that_does_not_fit_is_one_clear_error(tmp_path: Path, time_format: str) -> None:
    with pytest.raises(InputFileError, match=r"trips\.csv: .*column `ts`"):
        read_csv(tmp_path, "ts\n2026-03-02\n", *IDS, "speed_kmh==1", f"timestamp=ts:{time_format}", time_zone="UTC")


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pl.DataFrame({"timestamp": [[1, 2]]}), "is nested"),
        (pl.DataFrame({"timestamp": [True]}), "is no timestamp"),
        (pl.DataFrame({"timestamp": [1772435700]}), "Say its unit"),
    ],
)
def test_a_parquet_file_that_does_not_fit_is_one_clear_error(tmp_path: Path, frame: pl.DataFrame, says: str) -> None:
    with pytest.raises(InputFileError, match=r"trips\.parquet: ") as caught:
        read_parquet(tmp_path, frame, *IDS, "speed_kmh==1")
    assert says in str(caught.value)
