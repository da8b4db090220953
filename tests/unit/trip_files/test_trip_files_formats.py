import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from schemas.event_frame import EVENT_SCHEMA
from scoring.errors import InputFileError
from scoring.trip_files import FILE_FORMATS, ColumnMap, read_lines, read_trip_file, read_trips

IDS = {"trip_id": "trip_1", "vehicle_id": "veh_1", "driver_id": "drv_1", "client_id": "client_1"}

NOTHING = "nothing_measured: a sample needs speed_kmh or an acceleration"
UNUSABLE = f"{NOTHING}, and what it has can't be used:"


def epoch_ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() * 1000)


def clips(**columns: list[object]) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    one: dict[str, object] = {
        "event_id": 8300, "vehicle": "12", "driver": "34", "time_s": 0.0,
        "speed_mph": 10.0, "accel_long_g": 0.0, "accel_lat_g": 0.0, "severity": "Crash",
    }  # fmt: skip
    return pl.DataFrame({name: columns.get(name, [value] * rows) for name, value in one.items()})


def test_a_100car_clip_is_a_trip_at_noon_of_a_day_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    clips(event_id=[8300, 8300, 8302], time_s=[0.1, 0.2, 3600.0]).write_parquet(path)
    events = read_trips(path, file_format="100car")
    assert events.schema == EVENT_SCHEMA
    assert events["trip_id"].to_list() == ["clip_8300", "clip_8300", "clip_8302"]
    assert events["timestamp_ms"].to_list() == [
        epoch_ms(2003, 1, 1, 12) + 100,
        epoch_ms(2003, 1, 1, 12) + 200,
        epoch_ms(2003, 1, 3, 13),
    ]


def test_100car_ids_get_letters_and_unknown_drivers_the_name_of_their_vehicle(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    clips(driver=["34", ".", " "]).write_parquet(path)
    events = read_trips(path, file_format="100car")
    assert events["vehicle_id"].unique().to_list() == ["veh_12"]
    assert events["driver_id"].to_list() == ["drv_34", "drv_unknown_12", "drv_unknown_12"]


def test_100car_units_are_converted_and_impossible_values_unknown(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    clips(speed_mph=[-1.0, 100.0], accel_long_g=[34.0, -0.5], accel_lat_g=[-50.0, 0.1]).write_parquet(path)
    events = read_trips(path, file_format="100car")
    assert events["speed_kmh"].to_list() == [None, pytest.approx(160.9344)]
    assert events["acceleration_mps2"].to_list() == pytest.approx([34 * 9.80665, -0.5 * 9.80665])
    assert events["lateral_acceleration_mps2"].to_list() == [None, pytest.approx(0.980665)]


def kit_file(folder: Path, *rows: str) -> Path:
    path = folder / "kit.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["trip,date,time,speed_kmh,engine_rpm", *rows, ""]).encode()))
    return path


def test_kit_times_are_local_and_their_offset_known(tmp_path: Path) -> None:
    path = kit_file(tmp_path, "summer,2017-07-05,07:16:31.075,0.0,1", "winter,2018-02-14,07:06:35.006,3.0,1")
    events = read_trips(path, file_format="kit-obd2")
    assert events["timestamp_ms"].to_list() == [
        epoch_ms(2017, 7, 5, 5, 16, 31) + 75,
        epoch_ms(2018, 2, 14, 6, 6, 35) + 6,
    ]
    assert events["utc_offset_min"].to_list() == [120, 60]
    assert events["trip_id"].to_list() == ["trip_summer", "trip_winter"]


def test_a_kit_trip_goes_on_after_midnight_and_small_steps_back_stay(tmp_path: Path) -> None:
    times = ["23:59:58.500", "23:59:59.500", "23:59:59.400", "00:00:00.500", "00:00:01.500"]
    path = kit_file(tmp_path, *[f"late,2017-07-05,{time},50.0,1" for time in times])
    steps = read_trips(path, file_format="kit-obd2")["timestamp_ms"].diff().to_list()[1:]
    assert steps == [1000, -100, 1100, 1000]


def test_kit_rows_before_the_first_speed_are_counted(tmp_path: Path) -> None:
    path = kit_file(tmp_path, "a,2017-07-05,07:16:30.000,,", "a,2017-07-05,07:16:31.000,5.0,900")
    summary = read_trip_file(path, file_format="kit-obd2").summary
    assert (summary.rows_read, summary.events, dict(summary.dropped)) == (2, 1, {"nothing measured": 1})


def test_a_fleet_may_have_narrower_types_and_further_columns(tmp_path: Path) -> None:
    path = tmp_path / "fleet.parquet"
    pl.DataFrame(
        {
            **{name: pl.Series([given], dtype=pl.Categorical) for name, given in IDS.items()},
            "vehicle_class": pl.Series(["van"], dtype=pl.Enum(["car", "van"])),
            "timestamp_ms": pl.Series([epoch_ms(2026, 3, 2)], dtype=pl.Int64),
            "utc_offset_min": pl.Series([60], dtype=pl.Int8),
            "event_type": ["sample"],
            "speed_kmh": pl.Series([48.5], dtype=pl.Float64),
            "conflicts": [3],
        }
    ).write_parquet(path)
    events = read_trips(path, file_format="fleet")
    assert events.schema == EVENT_SCHEMA
    assert events.select("vehicle_class", "utc_offset_min", "speed_kmh", "latitude").row(0) == ("van", 60, 48.5, None)


def write_lines(folder: Path, *lines: object, name: str = "events.jsonl") -> Path:
    path = folder / name
    encoded = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(gzip.compress(encoded) if name.endswith(".gz") else encoded)
    return path


def test_json_lines_are_events_and_envelopes_of_which_the_good_samples_count(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path,
        {**IDS, "timestamp": "2026-03-02T08:15:00.250+01:00", "speed_kmh": 48.5, "firmware": "new"},
        {**IDS, "timestamp": "2026-03-02T07:15:01Z", "speed_kmh": 48.5},
        {**IDS, "samples": [{"timestamp": 1772435702000, "speed_kmh": 1}, {"timestamp": 0, "speed_kmh": 2}]},
        name="events.jsonl.gz",
    )
    trip_file = read_trip_file(path, file_format="jsonl")
    assert trip_file.events.schema == EVENT_SCHEMA
    assert trip_file.events["timestamp_ms"].to_list() == [1772435700250, 1772435701000, 1772435702000]
    assert trip_file.events["utc_offset_min"].to_list() == [60, None, None]
    assert (trip_file.summary.rows_read, trip_file.summary.events) == (4, 3)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"not json", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no JSON object"),
        ({**IDS, "timestamp": 0, "speed_kmh": 1}, "timestamp: greater_than_equal"),
        ({**IDS, "timestamp": 1772435702000, "speed_kmh": 9999}, f"{UNUSABLE} speed_kmh"),
        ({**IDS, "timestamp": 1772435702000, "event_type": "x"}, f"{UNUSABLE} event_type"),
        ({**IDS, "timestamp": 1772435702000}, NOTHING),
        ({"timestamp": 1772435702000, "speed_kmh": 1}, "trip_id: missing"),
        ({**IDS, "samples": []}, "samples: no list, or an empty one"),
        ({**IDS, "samples": [17]}, "model_type"),
        ({"samples": [{}]}, "trip_id: missing"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_json_line_that_is_no_event_is_counted_by_its_cause(tmp_path: Path, line: object, cause: str) -> None:
    good = {**IDS, "timestamp": 1772435702000, "speed_kmh": 1}
    summary = read_trip_file(write_lines(tmp_path, line, good), file_format="jsonl").summary
    assert (summary.events, summary.rows_read) == (1, 2)
    assert dict(summary.dropped) == {cause: 1}


def test_raw_lines_are_handed_on_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a": 1}\r\n\n \xff bad\n{"b"')
    assert list(read_lines(path)) == [b'{"a": 1}', b" \xff bad", b'{"b"']


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_missing_file_is_one_clear_error(tmp_path: Path, file_format: str) -> None:
    with pytest.raises(InputFileError, match="there is no such file"):
        read_trips(tmp_path / "nothing", file_format=file_format)


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_file_of_another_kind_is_one_clear_error(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(b"\x1f\x8b\x08\x00garbage" * 10)
    with pytest.raises(InputFileError, match=r"garbage: .*") as caught:
        read_trips(path, file_format=file_format)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file_format", ["100car", "fleet"])
def test_the_error_for_a_parquet_file_of_another_shape_names_its_columns(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "other.parquet"
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(path)
    with pytest.raises(InputFileError, match="Its columns are a, b"):
        read_trips(path, file_format=file_format)


def test_the_error_for_a_csv_file_of_another_shape_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputFileError, match="Its columns are a, b"):
        read_trips(path, file_format="kit-obd2")


def test_the_error_for_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"there is no format xml\. Formats are fleet, jsonl"):
        read_trips(tmp_path / "a.xml", file_format="xml")


def test_a_fixed_format_takes_no_column_map(tmp_path: Path) -> None:
    path = write_lines(tmp_path, {})
    with pytest.raises(InputFileError, match="takes no column map"):
        read_trips(path, file_format="jsonl", column_map=ColumnMap())
