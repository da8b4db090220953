"""Which rows of a file are events: the limits of `schemas.messages.trip_event.TripEvent`, applied to whole columns."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from schemas.event_frame import EVENT_SCHEMA, EVENT_TYPES, ID_COLUMNS, MEASUREMENT_COLUMNS, VEHICLE_CLASSES
from schemas.messages.trip_event import ID_PATTERN, MIN_TIMESTAMP, Sample

MIN_TIMESTAMP_MS: Final = int(MIN_TIMESTAMP.timestamp() * 1000)
"""Earliest possible event, UTC epoch milliseconds."""

MAX_TIMESTAMP_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: later ones can't be written as ISO 8601."""

_RANGED_COLUMNS: Final = (*MEASUREMENT_COLUMNS, "latitude", "longitude")


def _range_of(field: str) -> tuple[float, float]:
    limits = Sample.model_fields[field].metadata
    lowest = next(limit.ge for limit in limits if hasattr(limit, "ge"))
    highest = next(limit.le for limit in limits if hasattr(limit, "le"))
    return lowest, highest


MEASUREMENT_RANGES: Final[dict[str, tuple[float, float]]] = {field: _range_of(field) for field in _RANGED_COLUMNS}
"""Lowest and highest legal value of each measurement, as the message's model has them."""


def keep_events(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Split off the rows that can't be events, and count them by cause.

    A row with several faults counts under the first: time, ids, classes, ranges, nothing measured.

    Parameters
    ----------
    rows
        Columns and types of `EVENT_SCHEMA`; every column may be null.

    Returns
    -------
    tuple of DataFrame and dict
        The events in the order of the rows, exactly `EVENT_SCHEMA`; dropped rows by cause.
    """
    rows = rows.select(
        pl.col(name).fill_nan(None) if dtype.is_float() else pl.col(name) for name, dtype in EVENT_SCHEMA.items()
    ).with_columns(
        pl.col("vehicle_class").fill_null(VEHICLE_CLASSES[0]),
        pl.col("event_type").fill_null(EVENT_TYPES[0]),
    )
    checked = rows.with_columns(pl.coalesce(_causes(rows)).alias("_cause"))
    dropped = (
        checked.filter(pl.col("_cause").is_not_null()).group_by("_cause").len().sort("len", "_cause", descending=True)
    )
    return checked.filter(pl.col("_cause").is_null()).drop("_cause"), dict(dropped.iter_rows())


def _causes(rows: pl.DataFrame) -> list[pl.Expr]:
    """Return one expression a rule: the cause's text where a row breaks it, else null."""

    def cause(text: str, broken: pl.Expr) -> pl.Expr:
        return pl.when(broken).then(pl.lit(text))

    timestamp = pl.col("timestamp_ms")
    rules = [
        cause("no timestamp", timestamp.is_null()),
        cause("timestamp before 2000", timestamp < MIN_TIMESTAMP_MS),
        cause("timestamp after 9999", timestamp > MAX_TIMESTAMP_MS),
    ]
    for name in ("vehicle_id", *(name for name in ID_COLUMNS if name != "vehicle_id")):
        rules.append(cause(f"no {name}", pl.col(name).is_null()))
        rules.append(cause(f"illegal {name}", _illegal_id(rows, name)))
    rules.append(cause("illegal event_id", _illegal_id(rows, "event_id")))
    rules.append(cause("unknown vehicle_class", ~pl.col("vehicle_class").is_in(VEHICLE_CLASSES)))
    rules.append(cause("unknown event_type", ~pl.col("event_type").is_in(EVENT_TYPES)))
    rules.append(cause("utc_offset_min of a day or more", pl.col("utc_offset_min").abs() >= _MINUTES_PER_DAY))
    for name, (lowest, highest) in MEASUREMENT_RANGES.items():
        outside = ~pl.col(name).is_between(lowest, highest)
        rules.append(cause(f"{name} outside {lowest:g} to {highest:g}", outside))
    rules.append(cause("nothing measured", nothing_measured()))
    return rules


_MINUTES_PER_DAY: Final = timedelta(days=1) // timedelta(minutes=1)


def nothing_measured() -> pl.Expr:
    """Return the rule that a plain sample needs a speed or an acceleration."""
    sensors = ("speed_kmh", "acceleration_mps2", "lateral_acceleration_mps2")
    return (pl.col("event_type") == "sample") & pl.all_horizontal(pl.col(sensor).is_null() for sensor in sensors)


def _illegal_id(rows: pl.DataFrame, name: str) -> pl.Expr:
    # Ids repeat: the pattern is tried once for each, not for each row.
    distinct = rows[name].unique().drop_nulls()
    return pl.col(name).is_in(distinct.filter(~distinct.str.contains(ID_PATTERN)).implode())


def with_all_columns(rows: pl.DataFrame, *, unknown: Sequence[str] = ()) -> pl.DataFrame:
    """Cast to `EVENT_SCHEMA`, adding as null the columns in ``unknown`` or those that may be null.

    Parameters
    ----------
    rows
        Some of the columns of `EVENT_SCHEMA`, of any type that can be cast; others are left out.
    unknown
        Columns that are null although the schema never has them null: `keep_events` fills or counts them.
    """
    present = [
        pl.col(name).cast(dtype) if name in rows.columns and name not in unknown else pl.lit(None, dtype).alias(name)
        for name, dtype in EVENT_SCHEMA.items()
    ]
    return rows.select(present)
