import gzip
from pathlib import Path

import polars as pl
import pytest

from scoring.errors import InputFileError
from tests.support.examples.trip_tables import IDS, START_S, TIME_AND_SPEED, csv_text, drive, read_content

TEXT = csv_text(drive())
MAPS = (*IDS, *TIME_AND_SPEED)
SEMICOLONS = csv_text(
    [(time, f"{speed:.1f}".replace(".", ",")) for time, speed in drive()], header="ts;v", separator=";"
)


@pytest.mark.parametrize(
    ("content", "maps"),
    [
        (TEXT.encode("utf-8-sig"), MAPS),
        (TEXT.encode("utf-16"), MAPS),
        (TEXT.encode("utf-16-le"), MAPS),
        (TEXT.encode("utf-16-be"), MAPS),
        (gzip.compress(TEXT.encode("utf-16")), MAPS),
        (TEXT.replace("\n", "\r\n"), MAPS),
        (TEXT.replace("\n", "\r"), MAPS),
        (TEXT.replace(",", ", "), MAPS),
        (TEXT.replace(",", " , "), (*IDS, "timestamp= ts :s", "speed_kmh= v ")),
        (TEXT.replace(",", "\t"), MAPS),
        (TEXT.replace(",", "|"), MAPS),
        (TEXT.replace("\n", ",\n"), MAPS),
        ("\n\n" + TEXT, MAPS),
        ("Trip Data Log\nMar 2, 2026\n\n" + TEXT, MAPS),
        ("# logger 2\n# StartTime = 2026-03-02 07:15:00\n" + TEXT, MAPS),
        ("#" + TEXT, MAPS),
        (TEXT.replace("ts,v\n", "ts,v\ns,km/h\n"), MAPS),
        (TEXT + "# stopped\n", MAPS),
        ("sep=,\n" + TEXT, MAPS),
        ("sep=;\n" + SEMICOLONS, MAPS),
        ('"sep=;"\r\n' + SEMICOLONS, MAPS),
        (SEMICOLONS, MAPS),
        ("Fahrt;42,5 km;Straße\n" + SEMICOLONS, MAPS),
        ("\n".join(f'"{line.replace(",", chr(34) + "," + chr(34))}"' for line in TEXT.splitlines()), MAPS),
        (csv_text([(time, "Müller, Jürgen", speed) for time, speed in drive()], header="ts;n;v", separator=";"), MAPS),
        (csv_text([(time, speed, "Straße") for time, speed in drive()], header="ts,v,Ort").encode("cp1252"), MAPS),
    ],
    ids=[
        *("utf-8 bom", "utf-16 bom", "utf-16-le", "utf-16-be", "gzip utf-16", "crlf", "cr", "blank after comma"),
        *("blanks", "tabs", "bars", "separator at the end", "empty lines", "preamble", "comments", "comment header"),
        *("units", "comment at the end", "sep=,", "sep=;", "quoted sep=;", "decimal commas", "umlauts before"),
        *("quoted", "commas in a text", "windows-1252"),
    ],
)
def test_a_csv_file_is_read_whatever_is_around_its_rows(
    tmp_path: Path, content: str | bytes, maps: tuple[str, ...]
) -> None:
    trip_file = read_content(tmp_path, content, *maps)
    assert trip_file.events["timestamp_ms"].to_list() == [time * 1000 for time, _ in drive()]
    assert trip_file.events["speed_kmh"].to_list() == pytest.approx([speed for _, speed in drive()], abs=0.06)


@pytest.mark.parametrize(
    ("content", "dropped"),
    [
        (TEXT.encode() + b"\0" * 512, {"NUL characters": 1}),
        (TEXT.encode()[:-3] + b"\0" * 512, {"NUL characters": 1}),
        (TEXT.replace("\n", "\n\0\0\0", 90).encode(), {"NUL characters": 90}),
        (TEXT + TEXT.replace("177243", "177244"), {"the header again": 1}),
        (TEXT + "1,2,3,4\n", {"more columns than the header": 1}),
        (TEXT.replace("ts,v\n", "ts,v\ns,km/h\n"), {"units below the header": 1}),
        (TEXT + f"{START_S + 500}\n", {"nothing measured": 1}),
    ],
    ids=["nul tail", "nul in the last line", "nul in lines", "two logs", "too long", "units", "too short"],
)
def test_lines_that_are_no_rows_are_dropped_and_counted(
    tmp_path: Path, content: str | bytes, dropped: dict[str, int]
) -> None:
    summary = read_content(tmp_path, content, *MAPS).summary
    assert dict(summary.dropped) == dropped
    assert summary.rows_read == summary.events + sum(dropped.values())


def test_only_the_line_that_a_power_cut_ends_is_lost(tmp_path: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    content = "".join(lines[:50]).rstrip("\n").encode() + b"\0" * 64 + "".join(lines[50:]).encode()
    trip_file = read_content(tmp_path, content, *MAPS)
    assert trip_file.events["timestamp_ms"].to_list() == [t * 1000 for n, (t, _) in enumerate(drive()) if n != 48]


def test_a_damaged_quote_takes_no_rows_with_it(tmp_path: Path) -> None:
    damaged = TEXT.replace("36.0\n", '"36.0\n', 1)
    assert read_content(tmp_path, damaged, *MAPS).events.height == 180


def test_lines_before_the_header_can_be_counted_off(tmp_path: Path) -> None:
    content = "ts,v\n1,2\n" + TEXT
    assert read_content(tmp_path, content, *MAPS, skip_lines=2).events.height == 180
    with pytest.raises(InputFileError, match=r"has only .* lines. Correct --skip-lines"):
        read_content(tmp_path, content, *MAPS, skip_lines=500)


@pytest.mark.parametrize("bad", ["?", "ERR", "12x"])
def test_a_few_unreadable_values_are_unknown_and_counted(tmp_path: Path, bad: str) -> None:
    rows = [(time, bad if place == 70 else speed) for place, (time, speed) in enumerate(drive())]
    trip_file = read_content(tmp_path, csv_text(rows), *MAPS)
    assert trip_file.events.height == 179
    assert dict(trip_file.summary.changed) == {"unreadable speed_kmh": 1}


def test_many_unreadable_values_are_refused_unless_they_are_allowed(tmp_path: Path) -> None:
    rows = [(time, "x7" if place % 20 == 0 else speed) for place, (time, speed) in enumerate(drive())]
    with pytest.raises(InputFileError, match=r"9 values of column `v` are no speed_kmh, the first is `x7` in line 2"):
        read_content(tmp_path, csv_text(rows), *MAPS)
    assert read_content(tmp_path, csv_text(rows), *MAPS, max_unreadable=0.1).events.height == 171
    one = [(time, "x7" if place == 9 else speed) for place, (time, speed) in enumerate(drive())]
    with pytest.raises(InputFileError, match="1 values"):
        read_content(tmp_path, csv_text(one), *MAPS, max_unreadable=0.0)


@pytest.mark.parametrize(
    ("value", "remedy", "not_said"),
    [
        ("n.v.", "add --unknown speed_kmh=n.v.", "NUL"),
        ("no fix", "add --unknown 'speed_kmh=no fix'", "NUL"),
        ("0.0 km/h", "Correct the file, or the column or unit of the map", "--unknown"),
        ("\x01\x02\x03", r"`\x01\x02\x03`", "--unknown"),
        ("ß" * 900, "…", "ß" * 41),
    ],
)
def test_an_error_names_a_remedy_that_can_be_typed(tmp_path: Path, value: str, remedy: str, not_said: str) -> None:
    with pytest.raises(InputFileError) as caught:
        read_content(tmp_path, csv_text([(time, value) for time, _ in drive()]), *MAPS)
    assert remedy in str(caught.value)
    assert not_said not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)) * 40, b"\x1f\x8b\x08garbage", b"PK\x03\x04" + bytes(900), b"PAR1" + bytes(90), b"\0" * 99],
)
def test_a_file_that_is_no_text_is_one_printable_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputFileError) as caught:
        read_content(tmp_path, content, *MAPS)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["48,5", "49,25"], [48.5, 49.25]),
        (["1,234", "48,5"], [1.234, 48.5]),
    ],
)
def test_quoted_decimal_commas_are_read_in_a_file_with_commas(
    tmp_path: Path, values: list[str], read: list[float]
) -> None:
    text = csv_text([(START_S + n, f'"{value}"') for n, value in enumerate(values)])
    assert read_content(tmp_path, text, *MAPS).events["speed_kmh"].to_list() == pytest.approx(read)


@pytest.mark.parametrize("values", [["1,234", "1,235"], ["48,5", "49.5"]])
def test_commas_that_may_be_of_thousands_are_refused(tmp_path: Path, values: list[str]) -> None:
    text = csv_text([(START_S + n, f'"{value}"') for n, value in enumerate(values)])
    with pytest.raises(InputFileError, match="are no speed_kmh"):
        read_content(tmp_path, text, *MAPS)


def test_decimal_commas_that_separate_columns_too_are_refused(tmp_path: Path) -> None:
    text = csv_text([(time, f"{speed:.1f}".replace(".", ",")) for time, speed in drive()])
    with pytest.raises(InputFileError, match=r"180 lines have more columns than the header.*decimal comma"):
        read_content(tmp_path, text, *MAPS)


def test_a_column_that_is_there_twice_has_to_be_said(tmp_path: Path) -> None:
    text = csv_text([(time, speed, 99) for time, speed in drive()], header="ts,v,v")
    with pytest.raises(InputFileError, match=r"more than one column `v`.*`v#1` or `v#2`"):
        read_content(tmp_path, text, *MAPS)
    events = read_content(tmp_path, text, *IDS, "timestamp=ts:s", "speed_kmh=v#2").events
    assert events["speed_kmh"].unique().to_list() == [99]


def test_an_error_lists_the_columns_of_the_header_below_other_lines(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"no column `when` for timestamp.*Its columns are ts, v\."):
        read_content(tmp_path, "Trip Data Log\n" + TEXT, *IDS, "timestamp=when:s", "speed_kmh=speed")


def test_a_name_that_is_almost_right_is_named(tmp_path: Path) -> None:
    text = csv_text(drive(), header="ts,Speed (km/h)")
    with pytest.raises(InputFileError, match=r"Did you mean `Speed \(km/h\)`\?"):
        read_content(tmp_path, text, *IDS, "timestamp=ts:s", "speed_kmh=Speed(km/h)")


def readings(
    header: str = "SECONDS;PID;VALUE;UNITS", *, names: tuple[str, str] = ("Vehicle speed", "Engine RPM")
) -> str:
    rows = [
        row
        for time, speed in drive()
        for row in ((time, names[0], speed, "km/h"), (time + 0.4, names[1], 900 + 30 * speed, "rpm"))
    ]
    return csv_text(rows, header=header, separator=";")


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        (readings(), "VALUE", "Add --pivot PID=VALUE and map the reading: --map 'speed_kmh=Vehicle speed'"),
        (readings("SECONDS;signal;measured;unit"), "measured", "Add --pivot signal=measured"),
        (readings(names=("v", "n")), "VALUE", "Add --pivot PID=VALUE"),
        (readings("SECONDS;PID;VALUE;x", names=("13", "12")), "VALUE", "Add --pivot PID=VALUE"),
        (readings("SECONDS;what;r;u", names=("Tacho", "Drehzahl")), "r", "Add --pivot what=r"),
    ],
)
def test_readings_of_all_kinds_are_never_taken_for_speeds(tmp_path: Path, text: str, value: str, says: str) -> None:
    with pytest.raises(InputFileError) as caught:
        read_content(tmp_path, text, *IDS, "timestamp=SECONDS:s", f"speed_kmh={value}")
    assert says in str(caught.value)


def test_a_reading_becomes_a_column_by_its_name(tmp_path: Path) -> None:
    maps = [*IDS, "timestamp=SECONDS:s", "speed_kmh=Vehicle speed"]
    trip_file = read_content(tmp_path, readings(), *maps, pivot="PID=VALUE")
    assert trip_file.events["speed_kmh"].to_list() == pytest.approx([speed for _, speed in drive()], rel=1e-6)
    assert "180 other readings left out" in str(trip_file.summary)
    with pytest.raises(InputFileError, match="readings, which are Vehicle speed, Engine RPM"):
        read_content(tmp_path, readings(), *IDS, "timestamp=SECONDS:s", pivot="PID=VALUE")


def test_a_column_of_texts_beside_speeds_is_no_column_of_readings(tmp_path: Path) -> None:
    rows = [(time, speed, "speeding" if place % 9 == 0 else "ok") for place, (time, speed) in enumerate(drive())]
    assert read_content(tmp_path, csv_text(rows, header="ts,speed,road"), *IDS, "timestamp=ts:s", "speed_kmh=speed")


@pytest.mark.parametrize(
    ("where", "events"),
    [(["valid=1"], 90), (["valid!=1"], 90), (["valid=1", "valid=0"], 180), (["valid=1", "gps=FIX"], 45)],
)
def test_only_rows_that_pass_the_filters_are_read(tmp_path: Path, where: list[str], events: int) -> None:
    rows = [(time, speed, place % 2, "fix" if place % 4 < 2 else "no") for place, (time, speed) in enumerate(drive())]
    trip_file = read_content(tmp_path, csv_text(rows, header="ts,v,valid,gps"), *MAPS, where=where)
    assert trip_file.events.height == events
    assert events == 180 or f"{180 - events} rows left out by --where" in str(trip_file.summary)


def test_a_filter_that_lets_nothing_pass_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="not one of 180 rows passes --where"):
        read_content(tmp_path, TEXT, *MAPS, where=["v=none at all"])
    with pytest.raises(InputFileError, match="no column `valid` for --where"):
        read_content(tmp_path, TEXT, *MAPS, where=["valid=1"])


def test_texts_get_the_meaning_that_is_said(tmp_path: Path) -> None:
    rows = [(time, speed, {40: "hardBraking", 80: "t=1:x"}.get(place)) for place, (time, speed) in enumerate(drive())]
    values = ["event_type:hardBraking=hard_brake", "event_type:t=1:x=speeding"]
    text = csv_text(rows, header="ts,v,alarm")
    events = read_content(tmp_path, text, *MAPS, "event_type=alarm", values=values).events
    assert events["event_type"].value_counts().sort("event_type").rows() == [
        ("hard_brake", 1),
        ("sample", 178),
        ("speeding", 1),
    ]


def test_a_parquet_file_with_readings_is_pivoted_too(tmp_path: Path) -> None:
    path = tmp_path / "trips.parquet"
    pl.DataFrame(
        {"t": [START_S, START_S, START_S + 1], "name": ["speed", "rpm", "speed"], "value": [10.0, 900.0, 12.0]}
    ).write_parquet(path)
    maps = [*IDS, "timestamp=t:s", "speed_kmh=speed"]
    trip_file = read_content(
        tmp_path, path.read_bytes(), *maps, name="trips.parquet", file_format="parquet", pivot="name=value"
    )
    assert trip_file.events["speed_kmh"].to_list() == [10, 12]
