from pathlib import Path
from typing import Any

import pytest

from scoring.errors import InputFileError
from scoring.trip_files import ColumnMap, FieldSource, RowFilter, merge_column_maps, parse_column_map, read_column_map


@pytest.mark.parametrize(
    ("word", "field", "source"),
    [
        ("trip_id=trip", "trip_id", FieldSource("trip")),
        ("trip_id=a:b", "trip_id", FieldSource("a:b")),
        ("speed_kmh=v", "speed_kmh", FieldSource("v")),
        ("speed_kmh=v:mph", "speed_kmh", FieldSource("v", "mph")),
        ("speed_kmh=OBD: v:m/s", "speed_kmh", FieldSource("OBD: v", "m/s")),
        ("timestamp=ts:us", "timestamp", FieldSource("ts", "us")),
        ("timestamp=ts:%d.%m.%Y %H:%M:%S", "timestamp", FieldSource("ts", "%d.%m.%Y %H:%M:%S")),
        ("client_id==client_acme", "client_id", FieldSource(constant="client_acme")),
    ],
)
def test_a_word_of_the_command_line_says_column_unit_or_constant(word: str, field: str, source: FieldSource) -> None:
    assert parse_column_map([word]).sources == {field: source}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("speed_kmh", "field=column"),
        ("speed_kmh=", "field=column"),
        ("velocity=v", "no field velocity"),
        ("speed_kmh=v:furlong", "no unit `furlong`. Units of speed_kmh are km/h, mph, m/s, kn"),
        ("acceleration_mps2=ax:mph", "Units of acceleration_mps2 are m/s2, g, mg"),
        ("timestamp=ts:days", "Units of timestamp are s, ms, us, ns, utc, or a format"),
    ],
)
def test_a_word_that_can_not_be_understood_is_one_clear_error(word: str, says: str) -> None:
    with pytest.raises(InputFileError, match=f"--map {word}.*") as caught:
        parse_column_map([word])
    assert says in str(caught.value)


@pytest.mark.parametrize("gap_s", [0, -1, float("nan")])
def test_a_trip_gap_that_is_none_is_refused(gap_s: float) -> None:
    with pytest.raises(InputFileError, match="trip gap"):
        parse_column_map(trip_gap_s=gap_s)


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputFileError, match=r"Europe/Atlantis.*Europe/Berlin"):
        parse_column_map(time_zone="Europe/Atlantis")


def test_a_toml_file_says_the_same_as_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        """
        time_zone = "Europe/Berlin"
        trip_gap_s = 300
        where = ["valid=1", "valid=2", "fix!=no"]
        pivot = "PID=VALUE"
        start = "2026-03-02T07:15:00"
        trip_pause_s = 0
        skip_lines = 2
        max_unreadable = 0.05
        [map]
        speed_kmh = "v:mph"
        client_id = "=client_acme"
        [unknown]
        speed_kmh = ["-1", "n/k"]
        [value.event_type]
        hardBraking = "hard_brake"
        """
    )
    assert read_column_map(path) == parse_column_map(
        ["speed_kmh=v:mph", "client_id==client_acme"],
        unknown=["speed_kmh=-1", "speed_kmh=n/k"],
        values=["event_type:hardBraking=hard_brake"],
        where=["valid=1", "valid=2", "fix!=no"],
        pivot="PID=VALUE",
        time_zone="Europe/Berlin",
        start="2026-03-02T07:15:00",
        trip_gap_s=300,
        trip_pause_s=0,
        skip_lines=2,
        max_unreadable=0.05,
    )


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("map = 1", "map is no table"),
        ("speed = 'v'", "unknown key speed"),
        ("[map]\nspeed_kmh = ['v']", "map.speed_kmh is no text"),
        ("[map]\nspeed_kmh = 'v:furlong'", "no unit `furlong`"),
        ("trip_gap_s = 'long'", "trip gap"),
        ("[map", "can't be read as TOML"),
        ("pivot = 'PID'", "pivot `PID` is none"),
        ("skip_lines = -1", "skip_lines of -1 is none"),
        ("max_unreadable = 2", "2 is no share of rows"),
        ("start = 'seven'", "`seven` is no date and time"),
        ("value.event_type = 'hard_brake'", "event_type is no table"),
    ],
)
def test_a_toml_file_that_says_something_else_is_refused(tmp_path: Path, toml: str, says: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(toml)
    with pytest.raises(InputFileError, match=r"map\.toml") as caught:
        read_column_map(path)
    assert says in str(caught.value)


def test_the_command_line_goes_over_the_file() -> None:
    file_map = parse_column_map(["speed_kmh=v", "trip_id=t"], time_zone="UTC", trip_gap_s=300)
    over = parse_column_map(["speed_kmh=w:kn"], trip_gap_s=60)
    assert merge_column_maps(file_map, over) == ColumnMap(
        {"speed_kmh": FieldSource("w", "kn"), "trip_id": FieldSource("t")}, {}, "UTC", 60.0
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"values": ["event_type:hardBraking"]}, "Write for example --value event_type:hardBraking=hard_brake"),
        ({"values": ["speed:x=1"]}, "no field speed"),
        ({"where": ["valid"]}, "Write for example --where valid=1"),
        ({"pivot": "PID"}, "Write for example --pivot PID=VALUE"),
        ({"unknown": ["speed_kmh"]}, "Write for example --unknown speed_kmh=-1"),
        ({"trip_pause_s": -1}, "trip gap"),
        ({"max_unreadable": 1.5}, "1.5 is no share of rows"),
    ],
)
def test_an_option_that_can_not_be_understood_is_one_clear_error(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputFileError) as caught:
        parse_column_map(**options)
    assert says in str(caught.value)


def test_filters_about_one_column_are_alternatives() -> None:
    assert parse_column_map(where=["fix=2d", "fix=3d", "valid!=0"]).where == (
        RowFilter("fix", ("2d", "3d")),
        RowFilter("valid", ("0",), has=False),
    )
