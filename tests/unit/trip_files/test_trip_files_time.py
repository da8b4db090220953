from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from scoring.errors import InputFileError
from scoring.trip_files import TripFile
from tests.support.examples.trip_tables import IDS, START_S, csv_text, drive, read_content, speeds

BERLIN = ZoneInfo("Europe/Berlin")


def local_rows(start: datetime, minutes: int, *, zone: ZoneInfo = BERLIN, step_s: int = 10) -> list[tuple[str, float]]:
    """What a clock of the zone shows from a moment on."""
    moments = [start + timedelta(seconds=second) for second in range(0, minutes * 60, step_s)]
    return [(f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}", 50.0) for moment in moments]


def read_local(folder: Path, rows: list[tuple[str, float]], zone: str = "Europe/Berlin") -> TripFile:
    return read_content(folder, csv_text(rows), *IDS, "timestamp=ts", "speed_kmh=v", time_zone=zone)


@pytest.mark.parametrize(
    ("text", "time_format", "offset_min"),
    [
        ("Wed Aug 05 23:10:00 GMT+01:00 2026", "%a %b %d %H:%M:%S GMT%z %Y", 60),
        ("05.08.2026 17:40:00 -0430", "%d.%m.%Y %H:%M:%S %z", -270),
        ("2026-08-06T03:40:00+05:30", "%Y-%m-%dT%H:%M:%S%:z", 330),
        ("08/05/2026 11:10:00.000 PM +0100", "%m/%d/%Y %I:%M:%S%.f %p %z", 60),
        ("+0100 23:10 5-Aug-26", "%z %H:%M %d-%b-%y", 60),
    ],
)
def test_an_offset_in_a_text_tells_the_local_time(tmp_path: Path, text: str, time_format: str, offset_min: int) -> None:
    trip_file = read_content(
        tmp_path, csv_text([(text, 1)]), *IDS, "speed_kmh=v", f"timestamp=ts:{time_format}", time_zone="Asia/Tokyo"
    )
    moment = int(datetime(2026, 8, 5, 22, 10, tzinfo=UTC).timestamp() * 1000)
    assert trip_file.events.select("timestamp_ms", "utc_offset_min").row(0) == (moment, offset_min)


def test_several_formats_are_tried_in_their_order(tmp_path: Path) -> None:
    rows = [("02.03.2026 07:15:00", 1), ("02.03.2026 07:16", 2), ("2026/03/02 07:17:00", 3)]
    maps = [*IDS, "speed_kmh=v", "timestamp=ts:%d.%m.%Y %H:%M:%S|%d.%m.%Y %H:%M|%Y/%m/%d %H:%M:%S"]
    events = read_content(tmp_path, csv_text(rows), *maps, time_zone="UTC").events
    assert [time // 1000 - START_S for time in events["timestamp_ms"]] == [0, 60, 120]


@pytest.mark.parametrize(
    ("header", "row", "maps", "says"),
    [
        ("day,v", "02.03.2026,1", ["timestamp=day:%d.%m.%Y"], "has no time of day. Map a column that has both"),
        ("day,Time,v", "02.03.2026,07:15,1", ["timestamp=day:%d.%m.%Y"], "'timestamp=day+Time:%d.%m.%Y %H:%M:%S'"),
        ("Date,Time,v", "02.03.2026,07:15:00,1", ["timestamp=Time:%H:%M:%S"], "'timestamp=Date+Time:%d"),
        ("clock,v", "07:15:00,1", ["timestamp=clock:%H:%M:%S"], "--start 2026-03-02"),
        ("t,v", "0.5,1", ["timestamp=t:s"], "--start 2026-03-02T07:15:00"),
        ("t,v", "26100,1", ["timestamp=t:s"], "it is elapsed time, or a time of day"),
        ("t,v", "1772435700,1", ["timestamp=t:ms"], "Say --map timestamp=t:s"),
        ("t,v", "1772435700000,1", ["timestamp=t:s"], "Say --map timestamp=t:ms"),
    ],
)
def test_a_time_that_tells_no_moment_is_refused_with_what_to_add(
    tmp_path: Path, header: str, row: str, maps: list[str], says: str
) -> None:
    with pytest.raises(InputFileError) as caught:
        read_content(tmp_path, f"{header}\n{row}\n", *IDS, "speed_kmh=v", *maps, time_zone="UTC")
    assert says in str(caught.value)


def test_times_that_are_all_midnights_are_refused(tmp_path: Path) -> None:
    rows = [("02.03.2026 00:00", v) for v in speeds(60)]
    maps = [*IDS, "speed_kmh=v", "timestamp=ts:%d.%m.%Y %H:%M"]
    with pytest.raises(InputFileError, match="has no time of day: all 60 are midnights"):
        read_content(tmp_path, csv_text(rows), *maps, time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("header", "rows", "source", "start"),
    [
        ("Date,Time,v", ["02.03.2026,07:15:00,1", "02.03.2026,07:15:01,2"], "Date+Time:%d.%m.%Y %H:%M:%S", None),
        ("Date, Time,v", ["2026-03-02, 07:15:00,1", "2026-03-02, 07:15:01,2"], "Date+Time", None),
        ("a+b,v", ["2026-03-02 07:15:00,1", "2026-03-02 07:15:01,2"], "a+b", None),
        ("t,v", ["0.0,1", "1.0,2"], "t:s", "2026-03-02T07:15:00"),
        ("t,v", ["0,1", "1000,2"], "t:ms", "2026-03-02 08:15:00+01:00"),
        ("t,v", ["26100,1", "26101,2"], "t:s", "2026-03-02"),
        ("t,v", ["07:15:00,1", "07:15:01,2"], "t:%H:%M:%S", "2026-03-02"),
    ],
)
def test_dates_and_times_in_parts_are_joined(
    tmp_path: Path, header: str, rows: list[str], source: str, start: str | None
) -> None:
    text = "\n".join([header, *rows])
    maps = [*IDS, "speed_kmh=v", f"timestamp={source}"]
    events = read_content(tmp_path, text, *maps, time_zone="UTC", start=start).events
    assert [time // 1000 - START_S for time in events["timestamp_ms"]] == [0, 1]


def test_times_of_day_go_on_after_midnight(tmp_path: Path) -> None:
    rows = [(f"{datetime.fromtimestamp(second, tz=UTC):%H:%M:%S}", v) for second, v in drive(600, start_s=86_100)]
    maps = [*IDS, "speed_kmh=v", "timestamp=ts:%H:%M:%S"]
    events = read_content(tmp_path, csv_text(rows), *maps, time_zone="UTC", start="2026-03-02").events
    assert events["timestamp_ms"].diff().drop_nulls().unique().to_list() == [1000]
    assert events["timestamp_ms"][0] == int(datetime(2026, 3, 2, 23, 55, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("minutes_before", [90, 30, 10])
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_files_order_tells_the_hour_that_exists_twice_apart(
    tmp_path: Path, minutes_before: int, *, newest_first: bool
) -> None:
    start = datetime(2026, 10, 25, 1, tzinfo=UTC) - timedelta(minutes=minutes_before)
    rows = local_rows(start, 180)
    trip_file = read_local(tmp_path, rows[::-1] if newest_first else rows)
    times = trip_file.events["timestamp_ms"]
    assert times[0] == int(start.timestamp() * 1000)
    assert times.diff().drop_nulls().unique().to_list() == [10_000]
    assert set(trip_file.events["utc_offset_min"]) == {120, 60}
    assert any("exists twice" in what for what in trip_file.summary.changed)


def test_each_vehicle_has_its_own_clock_in_the_hour_that_exists_twice(tmp_path: Path) -> None:
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    both = [(time, 50.0, veh) for time, _ in local_rows(start, 90) for veh in ("veh_1", "veh_2")]
    text = csv_text(both, header="ts,v,unit")
    maps = ["client_id==c", "vehicle_id=unit", "timestamp=ts", "speed_kmh=v"]
    events = read_content(tmp_path, text, *maps, time_zone="Europe/Berlin", trip_gap_s=300).events
    span_s = (pl.col("timestamp_ms").max() - pl.col("timestamp_ms").min()) // 1000
    assert events.group_by("trip_id").agg(span_s)["timestamp_ms"].to_list() == [5390, 5390]


@pytest.mark.parametrize(
    ("local_start", "offset_h"),
    [("02:30", 1), ("01:30", 2)],
    ids=["only the rows after it follow", "only the rows before it lead to it"],
)
def test_the_hour_that_exists_twice_is_told_by_the_rows_around_it(
    tmp_path: Path, local_start: str, offset_h: int
) -> None:
    start = datetime.fromisoformat(f"2026-10-25T{local_start}:00").replace(tzinfo=timezone(timedelta(hours=offset_h)))
    minutes = 60 if offset_h == 1 else 50
    trip_file = read_local(tmp_path, local_rows(start.astimezone(UTC), minutes))
    times = trip_file.events["timestamp_ms"]
    assert times[0] == int(start.timestamp() * 1000)
    assert times.diff().drop_nulls().unique().to_list() == [10_000]


def test_a_clock_that_is_set_late_in_spring_is_read_and_counted(tmp_path: Path) -> None:
    # Until 02:05 the clock shows winter time, then it is set to 03:05.
    before = [(f"2026-03-29 01:{minute:02}:00", 50.0) for minute in range(50, 60)]
    late = [(f"2026-03-29 02:0{minute}:00", 50.0) for minute in range(5)]
    after = [(f"2026-03-29 03:{minute:02}:00", 50.0) for minute in range(5, 20)]
    trip_file = read_local(tmp_path, [*before, *late, *after])
    assert trip_file.events["timestamp_ms"].diff().drop_nulls().unique().to_list() == [60_000]
    assert dict(trip_file.summary.changed) == {"in the hour that summer time skips, of a clock that was set late": 5}


def test_a_clock_that_shows_the_missing_hour_as_any_other_is_in_another_zone(tmp_path: Path) -> None:
    rows = [(f"2026-03-29 0{1 + minute // 60}:{minute % 60:02}:00", 50.0) for minute in range(30, 180)]
    with pytest.raises(InputFileError, match=r"60 times that do not exist in Europe/Berlin.*Etc/GMT-1"):
        read_local(tmp_path, rows)
    events = read_local(tmp_path, rows, zone="Etc/GMT-1").events
    assert events["timestamp_ms"].diff().drop_nulls().unique().to_list() == [60_000]


def test_utc_that_a_file_has_without_an_offset_gets_local_time_from_the_zone(tmp_path: Path) -> None:
    text = csv_text([("2026-08-05 22:10:00.000000", 1)])
    maps = [*IDS, "speed_kmh=v", "timestamp=ts:utc"]
    events = read_content(tmp_path, text, *maps, time_zone="Europe/Berlin").events
    moment = int(datetime(2026, 8, 5, 22, 10, tzinfo=UTC).timestamp() * 1000)
    assert events.select("timestamp_ms", "utc_offset_min").row(0) == (moment, 120)


def test_a_start_that_is_no_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"--start: `seven` is no date and time"):
        read_content(tmp_path, csv_text([(0, v) for v in speeds(3)]), start="seven")
