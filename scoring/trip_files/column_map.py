"""Column maps: which column of somebody's file is which field of an event, and in which unit."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from schemas.event_frame import ID_COLUMNS
from scoring.errors import InputFileError
from scoring.trip_files.units import EPOCH_UNITS_PER_MS, UNIT_FACTORS

TEXT_FIELDS: Final = (*ID_COLUMNS, "vehicle_class", "event_type", "event_id")
"""Fields that are taken as text, as they are."""

EVENT_FIELDS: Final = (*TEXT_FIELDS, "timestamp", "utc_offset_min", *UNIT_FACTORS)
"""Every field that a column can be mapped to."""


@dataclass(frozen=True)
class FieldSource:
    """Where a field comes from: a column, in a unit, or one constant for all rows.

    For ``timestamp``, the unit is one of `EPOCH_UNITS_PER_MS`, or a strptime format that begins with ``%``;
    none means ISO 8601.
    """

    column: str | None = None
    unit: str | None = None
    constant: str | None = None


@dataclass(frozen=True)
class ColumnMap:
    """How a CSV or Parquet file of any shape is read.

    A field that is not mapped is taken from the column of its own name, in the event frame's unit, if the file
    has one.

    Attributes
    ----------
    sources
        Field to its source.
    unknown
        Field to the texts that stand for "unknown" in its column, beside an empty one: ``{"speed_kmh": ("-1",)}``.
    time_zone
        IANA name: the zone of timestamps without an offset, and of local time where the file only has UTC.
    trip_gap_s
        Where the file has no trips: a vehicle's trip ends where no row follows for longer than this.
    """

    sources: Mapping[str, FieldSource] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    time_zone: str | None = None
    trip_gap_s: float | None = None


def parse_column_map(
    maps: Iterable[str] = (),
    *,
    unknown: Iterable[str] = (),
    time_zone: str | None = None,
    trip_gap_s: float | None = None,
) -> ColumnMap:
    """Make a column map from the words of a command line.

    Parameters
    ----------
    maps
        ``field=column``, ``field=column:unit`` or, one constant for all rows, ``field==constant``.
    unknown
        ``field=text``: this text in the field's column means "unknown".
    time_zone, trip_gap_s
        As in `ColumnMap`.

    Raises
    ------
    InputFileError
        If a word can't be understood, or names a field or unit that does not exist.

    Examples
    --------
    >>> column_map = parse_column_map(["speed_kmh=v:mph", "client_id==client_acme"])
    >>> column_map.sources["speed_kmh"]
    FieldSource(column='v', unit='mph', constant=None)
    """
    sources: dict[str, FieldSource] = {}
    for word in maps:
        name, source = _split_word(word, origin=f"--map {word}")
        sources[name] = _parse_source(name, source, origin=f"--map {word}")
    texts: dict[str, tuple[str, ...]] = {}
    for word in unknown:
        name, text = _split_word(word, origin=f"--unknown {word}")
        texts[name] = (*texts.get(name, ()), text)
    return ColumnMap(sources, texts, _time_zone(time_zone), _trip_gap(trip_gap_s, origin="--trip-gap-s"))


def read_column_map(path: Path) -> ColumnMap:
    """Read a column map from a TOML file.

    Its keys are ``time_zone`` and ``trip_gap_s`` and the tables ``[map]`` (field to ``"column"``,
    ``"column:unit"`` or ``"=constant"``) and ``[unknown]`` (field to a list of texts).

    Raises
    ------
    InputFileError
        If the file can't be read, is not TOML, or says what no column map can say.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(path, f"can't be read as TOML ({error})", remedy="See docs/replay.md.") from error
    unexpected = sorted(content.keys() - {"map", "unknown", "time_zone", "trip_gap_s"})
    if unexpected:
        raise InputFileError(
            path, f"unknown key {unexpected[0]}", remedy="Keys are map, unknown, time_zone and trip_gap_s."
        )
    sources = {
        name: _parse_source(name, _text(source, path, f"map.{name}"), origin=f"{path}, map.{name}")
        for name, source in _table(content, "map", path).items()
    }
    unknown = {
        _known_field(name, origin=f"{path}, unknown.{name}"): tuple(
            _text(text, path, f"unknown.{name}") for text in (texts if isinstance(texts, list) else [texts])
        )
        for name, texts in _table(content, "unknown", path).items()
    }
    time_zone = content.get("time_zone")
    return ColumnMap(
        sources,
        unknown,
        None if time_zone is None else _time_zone(_text(time_zone, path, "time_zone")),
        _trip_gap(content.get("trip_gap_s"), origin=str(path)),
    )


def merge_column_maps(base: ColumnMap, over: ColumnMap) -> ColumnMap:
    """Return ``base`` with everything that ``over`` says put over it."""
    return ColumnMap(
        {**base.sources, **over.sources},
        {**base.unknown, **over.unknown},
        over.time_zone or base.time_zone,
        base.trip_gap_s if over.trip_gap_s is None else over.trip_gap_s,
    )


def _split_word(word: str, *, origin: str) -> tuple[str, str]:
    name, equals, rest = word.partition("=")
    if not equals or not rest:
        raise InputFileError(
            origin, "there is no `field=column` in it", remedy="Write for example --map speed_kmh=speed:mph."
        )
    return _known_field(name, origin=origin), rest


def _known_field(name: str, *, origin: str) -> str:
    if name not in EVENT_FIELDS:
        raise InputFileError(origin, f"there is no field {name}", remedy=f"Fields are {', '.join(EVENT_FIELDS)}.")
    return name


def _parse_source(name: str, source: str, *, origin: str) -> FieldSource:
    _known_field(name, origin=origin)
    if source.startswith("="):
        return FieldSource(constant=source[1:])
    if name == "timestamp":
        column, colon, time_format = source.partition(":%")
        if colon:
            return FieldSource(column, f"%{time_format}")
        units: Iterable[str] = EPOCH_UNITS_PER_MS
    elif name in UNIT_FACTORS:
        units = UNIT_FACTORS[name]
    else:
        return FieldSource(source)
    column, colon, unit = source.rpartition(":")
    if not colon:
        return FieldSource(source)
    if unit not in units:
        or_format = ", or a format such as %d.%m.%Y %H:%M:%S" if name == "timestamp" else ""
        raise InputFileError(
            origin, f"{name} has no unit `{unit}`", remedy=f"Units of {name} are {', '.join(units)}{or_format}."
        )
    return FieldSource(column, unit)


def _table(content: Mapping[str, Any], key: str, path: Path) -> dict[str, object]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise InputFileError(path, f"{key} is no table", remedy=f"Write [{key}] and its fields below.")
    return table


def _text(given: object, path: Path, key: str) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int | float) and not isinstance(given, bool):
        return str(given)
    raise InputFileError(path, f"{key} is no text", remedy="Put it in quotes.")


def _time_zone(name: str | None) -> str | None:
    # Polars brings the zones; Python's own would need a package or the system's files.
    if name is not None:
        try:
            pl.select(pl.datetime(2026, 1, 1).dt.replace_time_zone(name))
        except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
            raise InputFileError(
                f"time zone {name}", "there is none of this name", remedy="Write for example Europe/Berlin."
            ) from error
    return name


def _trip_gap(gap_s: object, *, origin: str) -> float | None:
    if gap_s is None:
        return None
    if isinstance(gap_s, bool) or not isinstance(gap_s, int | float) or not gap_s > 0:
        raise InputFileError(origin, f"a trip gap of {gap_s} s is none", remedy="Write for example 300.")
    return float(gap_s)
