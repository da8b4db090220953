"""Column maps: which column of somebody's file is which field of an event, and in which unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import polars as pl

from schemas.event_frame import ID_COLUMNS
from scoring.errors import InputFileError
from scoring.trip_files.column_maps.units import UNIT_FACTORS

TEXT_FIELDS: Final = (*ID_COLUMNS, "vehicle_class", "event_type", "event_id")
"""Fields that are taken as text, as they are."""

EVENT_FIELDS: Final = (*TEXT_FIELDS, "timestamp", "utc_offset_min", *UNIT_FACTORS)
"""Every field that a column can be mapped to."""

DEFAULT_TRIP_PAUSE_S: Final = 1800.0
"""A trip's id that is used again after this long without driving is another trip's.

Half an hour of standing is longer than a fuel stop and shorter than a night.
"""

DEFAULT_MAX_UNREADABLE: Final = 0.01
"""One row in a hundred: power cuts leave fewer, a wrong column, unit or format leaves more."""


@dataclass(frozen=True)
class FieldSource:
    """Where a field comes from: a column, in a unit, or one constant for all rows.

    For ``timestamp``, the unit is one of `EPOCH_UNITS_PER_MS`, ``utc`` (ISO 8601 in UTC, even without an offset), or
    strptime formats that begin with ``%``, of which the first that fits is taken; none means ISO 8601. Its column may
    be two that are joined by a blank, ``Date+Time``.
    """

    column: str | None = None
    unit: str | None = None
    constant: str | None = None


@dataclass(frozen=True)
class RowFilter:
    """Which rows are read: those whose column has one of the texts, or has none of them."""

    column: str
    texts: tuple[str, ...]
    has: bool = True


@dataclass(frozen=True)
class Pivot:
    """Where a row is one reading: the column of the reading's name, and that of its value."""

    names: str
    readings: str


@dataclass(frozen=True)
class ColumnMap:
    """How a CSV or Parquet file of any shape is read.

    A field that is not mapped is taken from the column of its own name, in the event frame's unit, if the file
    has one.

    Attributes
    ----------
    sources
        Field to its source.
    candidates
        Field to sources of which the first that the file has is taken, where ``sources`` does not have the field.
    unknown
        Field to the texts that stand for "unknown" in its column, beside an empty one: ``{"speed_kmh": ("-1",)}``.
    texts
        Field to texts of its column and what they are read as: ``{"event_type": {"hardBraking": "hard_brake"}}``.
    where
        Only rows that pass all filters are read.
    pivot
        Where the file has a row for each reading.
    time_zone
        IANA name: the zone of timestamps without an offset, and of local time where the file only has UTC.
    start
        ISO 8601: what timestamps are counted from that are elapsed time, or the day of those that are times of day.
    trip_gap_s
        Where the file has no trips: a vehicle's trip ends where it does not drive for longer than this.
    trip_pause_s
        Where the file has trips: an id that is used again after a longer time without driving is another trip;
        0 for never.
    skip_lines
        Lines before the header; null to find it by the names of the columns.
    max_unreadable
        Highest share of rows with an unreadable value that are left out; above, the file is refused.
    """

    sources: Mapping[str, FieldSource] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    time_zone: str | None = None
    trip_gap_s: float | None = None
    candidates: Mapping[str, tuple[FieldSource, ...]] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    where: tuple[RowFilter, ...] = ()
    pivot: Pivot | None = None
    start: str | None = None
    trip_pause_s: float | None = None
    skip_lines: int | None = None
    max_unreadable: float | None = None


def merge_column_maps(base: ColumnMap, over: ColumnMap) -> ColumnMap:
    """Return ``base`` with everything that ``over`` says put over it."""
    merged: dict[str, Any] = {}
    for attribute in fields(ColumnMap):
        below, above = getattr(base, attribute.name), getattr(over, attribute.name)
        if isinstance(below, Mapping):
            merged[attribute.name] = {**below, **above}
        else:
            merged[attribute.name] = below if above is None or above == () else above
    return ColumnMap(**merged)


def known_field(name: str, *, origin: str) -> str:
    """Return the name of a field, or refuse one that there is not."""
    if name not in EVENT_FIELDS:
        raise InputFileError(origin, f"there is no field {name}", remedy=f"Fields are {', '.join(EVENT_FIELDS)}.")
    return name


def known_time_zone(name: str | None) -> str | None:
    """Return an IANA name, or refuse one that there is not."""
    # Polars brings the zones; Python's own would need a package or the system's files.
    if name is not None:
        try:
            pl.select(pl.datetime(2026, 1, 1).dt.replace_time_zone(name))
        except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
            raise InputFileError(
                f"time zone {name}", "there is none of this name", remedy="Write for example Europe/Berlin."
            ) from error
    return name
