"""Column maps from the words of a command line."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import (
    ColumnMap,
    FieldSource,
    Pivot,
    RowFilter,
    known_field,
    known_time_zone,
)
from scoring.trip_files.column_maps.units import EPOCH_UNITS_PER_MS, UNIT_FACTORS, UTC_WITHOUT_OFFSET

_EXAMPLES: Final = {
    "map": "--map speed_kmh=speed:mph",
    "unknown": "--unknown speed_kmh=-1",
    "value": "--value event_type:hardBraking=hard_brake",
    "where": "--where valid=1",
    "pivot": "--pivot PID=VALUE",
}


def parse_column_map(
    maps: Iterable[str] = (),
    *,
    unknown: Iterable[str] = (),
    values: Iterable[str] = (),
    where: Iterable[str] = (),
    pivot: str | None = None,
    time_zone: str | None = None,
    start: str | None = None,
    trip_gap_s: float | None = None,
    trip_pause_s: float | None = None,
    skip_lines: int | None = None,
    max_unreadable: float | None = None,
) -> ColumnMap:
    """Make a column map from the words of a command line.

    Parameters
    ----------
    maps
        ``field=column``, ``field=column:unit`` or, one constant for all rows, ``field==constant``.
    unknown
        ``field=text``: this text in the field's column means "unknown".
    values
        ``field:text=meaning``: this text in the field's column is read as the meaning.
    where
        ``column=text`` or ``column!=text``: only rows that have, or have not, this text in the column; of several
        words about one column, one has to fit.
    pivot
        ``column=column``: the columns of the readings' names and of their values.
    time_zone, start, trip_gap_s, trip_pause_s, skip_lines, max_unreadable
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
        origin = f"--map {word}"
        name, source = _split_word(word, kind="map", origin=origin)
        sources[known_field(name, origin=origin)] = parse_source(name, source, origin=origin)
    texts: dict[str, tuple[str, ...]] = {}
    for word in unknown:
        origin = f"--unknown {word}"
        name, text = _split_word(word, kind="unknown", origin=origin)
        texts[known_field(name, origin=origin)] = (*texts.get(name, ()), text)
    return ColumnMap(
        sources=sources,
        unknown=texts,
        texts=_meanings(values),
        where=_filters(where),
        pivot=None if pivot is None else Pivot(*_split_word(pivot, kind="pivot", origin=f"--pivot {pivot}")),
        time_zone=known_time_zone(time_zone),
        start=known_start(start, origin="--start"),
        trip_gap_s=known_gap(trip_gap_s, origin="--trip-gap-s"),
        trip_pause_s=known_gap(trip_pause_s, origin="--trip-pause-s", or_zero=True),
        skip_lines=skip_lines,
        max_unreadable=known_share(max_unreadable, origin="--max-unreadable"),
    )


def parse_source(name: str, source: str, *, origin: str) -> FieldSource:
    """Parse what a field is mapped to: ``column``, ``column:unit`` or ``=constant``.

    Raises
    ------
    InputFileError
        If there is no such field, or no such unit of it.
    """
    known_field(name, origin=origin)
    if source.startswith("="):
        return FieldSource(constant=source[1:])
    if name == "timestamp":
        column, colon, time_format = source.partition(":%")
        if colon:
            return FieldSource(column, f"%{time_format}")
        units: Iterable[str] = (*EPOCH_UNITS_PER_MS, UTC_WITHOUT_OFFSET)
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


def parse_filter(word: str, *, origin: str) -> RowFilter:
    """Parse ``column=text`` or ``column!=text``."""
    column, text = _split_word(word, kind="where", origin=origin)
    return RowFilter(column.removesuffix("!"), (text,), has=not column.endswith("!"))


def known_start(start: str | None, *, origin: str) -> str | None:
    """Return a start as it is, or refuse one that is not ISO 8601."""
    if start is not None:
        try:
            datetime.fromisoformat(start)
        except ValueError as error:
            raise InputFileError(
                origin, f"`{start}` is no date and time", remedy="Write for example 2026-03-02T07:15:00."
            ) from error
    return start


def known_gap(gap_s: object, *, origin: str, or_zero: bool = False) -> float | None:
    """Return a number of seconds, or refuse one that is not above zero."""
    if gap_s is None:
        return None
    if isinstance(gap_s, bool) or not isinstance(gap_s, int | float) or not (gap_s > 0 or (or_zero and gap_s == 0)):
        raise InputFileError(origin, f"a trip gap of {gap_s} s is none", remedy="Write for example 300.")
    return float(gap_s)


def known_share(share: object, *, origin: str) -> float | None:
    """Return a share, or refuse one that is not from 0 to 1."""
    if share is None:
        return None
    if isinstance(share, bool) or not isinstance(share, int | float) or math.isnan(share) or not 0 <= share <= 1:
        raise InputFileError(origin, f"{share} is no share of rows", remedy="Write for example 0.01, one in a hundred.")
    return float(share)


def join_filters(filters: Iterable[RowFilter]) -> tuple[RowFilter, ...]:
    """Join the filters of one column and direction into one."""
    joined: dict[tuple[str, bool], tuple[str, ...]] = {}
    for given in filters:
        key = (given.column, given.has)
        joined[key] = (*joined.get(key, ()), *given.texts)
    return tuple(RowFilter(column, texts, has) for (column, has), texts in joined.items())


def _filters(words: Iterable[str]) -> tuple[RowFilter, ...]:
    return join_filters(parse_filter(word, origin=f"--where {word}") for word in words)


def _meanings(words: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    meanings: dict[str, dict[str, str]] = {}
    for word in words:
        origin = f"--value {word}"
        name, colon, rest = word.partition(":")
        text, equals, meaning = rest.rpartition("=")
        if not colon or not equals or not text:
            raise InputFileError(
                origin, "there is no `field:text=meaning` in it", remedy=f"Write for example {_EXAMPLES['value']}."
            )
        meanings.setdefault(known_field(name, origin=origin), {})[text] = meaning
    return meanings


def _split_word(word: str, *, kind: str, origin: str) -> tuple[str, str]:
    name, equals, rest = word.partition("=")
    if not equals or not rest or not name:
        what = "field=column" if kind == "map" else "field=text" if kind == "unknown" else "column="
        raise InputFileError(origin, f"there is no `{what}` in it", remedy=f"Write for example {_EXAMPLES[kind]}.")
    return name, rest
