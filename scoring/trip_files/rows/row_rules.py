"""Which rows of a file are events, and which of their values count as unknown: the rules of messages, by columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from schemas.event_frame import EVENT_SCHEMA, EVENT_TYPES, ID_COLUMNS, MOTION_COLUMNS, VEHICLE_CLASSES
from schemas.messages.optional_fields import NUMBER_RULES, FieldFault
from schemas.messages.trip_event import ID_PATTERN, MIN_TIMESTAMP

MIN_TIMESTAMP_MS: Final = int(MIN_TIMESTAMP.timestamp() * 1000)
"""Earliest possible event, UTC epoch milliseconds."""

MAX_TIMESTAMP_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: later ones can't be written as ISO 8601."""

MEASUREMENT_RANGES: Final[dict[str, tuple[float, float]]] = {
    name: (rule.lowest, rule.highest) for name, rule in NUMBER_RULES.items()
}
"""Lowest and highest legal value of each measurement."""

_MINUTES_PER_DAY: Final = timedelta(days=1) // timedelta(minutes=1)


@dataclass(frozen=True)
class JudgedRows:
    """What became of rows.

    Attributes
    ----------
    events
        The rows that are events, in their order, exactly `EVENT_SCHEMA`; faulty values of optional fields are null,
        an unknown type is ``sample`` and an unknown class ``car``.
    dropped
        Rows that can't be events, by cause.
    faults
        Events by field and fault of their optional fields.
    """

    events: pl.DataFrame
    dropped: dict[str, int]
    faults: dict[tuple[str, FieldFault], int]


def judge_rows(rows: pl.DataFrame) -> JudgedRows:
    """Split off the rows that can't be events, and take away the values of optional fields that can't be.

    A row with several causes counts under the first: time, ids, nothing measured. NaN is unknown and no fault: data
    frames write it for a missing number.

    Parameters
    ----------
    rows
        Columns and types of `EVENT_SCHEMA`; every column may be null.
    """
    rows = rows.select(
        pl.col(name).fill_nan(None) if dtype.is_float() else pl.col(name) for name, dtype in EVENT_SCHEMA.items()
    )
    faults = _present_faults(rows)
    noted = rows.with_columns(is_faulty.alias(_noted(*key)) for key, is_faulty in faults.items())
    fields = dict.fromkeys(name for name, _ in faults)
    usable = noted.with_columns(
        pl.when(~pl.any_horizontal(_noted(*key) for key in faults if key[0] == name)).then(pl.col(name))
        for name in fields
    ).with_columns(
        pl.col("vehicle_class").fill_null(VEHICLE_CLASSES[0]),
        pl.col("event_type").fill_null(EVENT_TYPES[0]),
    )
    checked = usable.with_columns(pl.coalesce(_causes(usable, list(faults))).alias("_cause"))
    dropped = (
        checked.filter(pl.col("_cause").is_not_null()).group_by("_cause").len().sort("len", "_cause", descending=True)
    )
    kept = checked.filter(pl.col("_cause").is_null())
    counts = {key: int(kept[_noted(*key)].sum()) for key in faults}
    return JudgedRows(
        kept.select(EVENT_SCHEMA.names()),
        dict(dropped.iter_rows()),
        {key: count for key, count in counts.items() if count},
    )


def _noted(name: str, fault: FieldFault) -> str:
    """Name the column that tells which rows have a fault."""
    return f"_{name}_{fault}"


def _present_faults(rows: pl.DataFrame) -> dict[tuple[str, FieldFault], pl.Expr]:
    """Return where each field and fault is that is in any row; of a row's field there is at most one."""
    rules = {key: is_faulty.fill_null(False) for key, is_faulty in _fault_rules(rows).items()}
    found = rows.select(is_faulty.any().alias(_noted(*key)) for key, is_faulty in rules.items())
    return {key: is_faulty for key, is_faulty in rules.items() if found[_noted(*key)].item()}


def _fault_rules(rows: pl.DataFrame) -> dict[tuple[str, FieldFault], pl.Expr]:
    rules: dict[tuple[str, FieldFault], pl.Expr] = {
        ("vehicle_class", FieldFault.UNKNOWN_CHOICE): ~pl.col("vehicle_class").is_in(VEHICLE_CLASSES),
        ("event_id", FieldFault.ILLEGAL_ID): _illegal_id(rows, "event_id"),
        ("event_type", FieldFault.UNKNOWN_CHOICE): ~pl.col("event_type").is_in(EVENT_TYPES),
        ("utc_offset_min", FieldFault.OUT_OF_RANGE): pl.col("utc_offset_min").abs() >= _MINUTES_PER_DAY,
    }
    null_island = (_kept("latitude") == 0) & (_kept("longitude") == 0)
    for name, rule in NUMBER_RULES.items():
        placeholder = _kept(name).is_in(pl.Series(rule.placeholders, dtype=pl.Float32).implode()).fill_null(False)
        if name in ("latitude", "longitude"):
            placeholder |= null_island.fill_null(False)
        is_finite = pl.col(name).is_finite()
        outside = is_finite & ~_kept(name).is_between(rule.lowest, rule.highest)
        rules[name, FieldFault.PLACEHOLDER] = placeholder
        rules[name, FieldFault.NOT_FINITE] = ~is_finite
        rules[name, FieldFault.OUT_OF_RANGE] = outside & ~placeholder
    return rules


def _kept(name: str) -> pl.Expr:
    """Return a number as the columns of the core keep it."""
    return pl.col(name).cast(pl.Float32)


def _causes(rows: pl.DataFrame, faults: list[tuple[str, FieldFault]]) -> list[pl.Expr]:
    """Return one expression a rule: the cause's text where a row breaks it, else null."""

    def cause(text: str | pl.Expr, broken: pl.Expr) -> pl.Expr:
        return pl.when(broken).then(pl.lit(text) if isinstance(text, str) else text)

    timestamp = pl.col("timestamp_ms")
    rules = [
        cause("no timestamp", timestamp.is_null()),
        cause("timestamp before 2000", timestamp < MIN_TIMESTAMP_MS),
        cause("timestamp after 9999", timestamp > MAX_TIMESTAMP_MS),
    ]
    for name in ("vehicle_id", *(name for name in ID_COLUMNS if name != "vehicle_id")):
        rules.append(cause(f"no {name}", pl.col(name).is_null()))
        rules.append(cause(f"illegal {name}", _illegal_id(rows, name)))
    rules.append(cause(_nothing_measured_cause(faults), nothing_measured()))
    return rules


def _nothing_measured_cause(faults: list[tuple[str, FieldFault]]) -> pl.Expr:
    """Return the cause of a row without measurements, with those of its fields whose values can't be used."""
    text = pl.lit("nothing measured")
    names = []
    for name in ("event_type", *MOTION_COLUMNS):
        noted = [_noted(*key) for key in faults if key[0] == name]
        if noted:
            names.append(pl.when(pl.any_horizontal(noted)).then(pl.lit(name)))
    if not names:
        return text
    listed = pl.concat_str(names, separator=", ", ignore_nulls=True)
    return pl.when(listed == "").then(text).otherwise(pl.format("nothing measured: {} can't be used", listed))


def nothing_measured() -> pl.Expr:
    """Return the rule that a plain sample needs a speed or an acceleration."""
    return (pl.col("event_type") == "sample") & pl.all_horizontal(pl.col(sensor).is_null() for sensor in MOTION_COLUMNS)


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
        Columns that are null although the schema never has them null: `judge_rows` fills or counts them.
    """
    present = [
        pl.col(name).cast(dtype) if name in rows.columns and name not in unknown else pl.lit(None, dtype).alias(name)
        for name, dtype in EVENT_SCHEMA.items()
    ]
    return rows.select(present)
