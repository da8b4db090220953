"""Clocks of devices that are wrong: weeks of GPS that began again, single rows out of line, seconds without parts."""

from typing import Final

import polars as pl

from schemas.event_frame import EVENT_SCHEMA, MOTION_COLUMNS
from scoring.trip_files.rows.row_order import TRIP
from scoring.trip_files.rows.trip_split import NO_TRIP

ROLLOVER_MS: Final = 1024 * 7 * 86_400_000
"""GPS counts weeks in ten bits: a receiver that takes the count for an earlier one is 1,024 weeks behind."""

_MS_PER_DAY: Final = 86_400_000
_NEAR_MS: Final = 10 * 60_000
"""Rows that are further from each other have a break between them. Where the rows before and after others are closer,
and those others are not, the clock was wrong: no vehicle is elsewhere in time and back."""

_MAX_WRONG_SHARE: Final = 0.05
"""Where more rows than this are out of line, the file is in another order, not its clock wrong."""

_YEAR_MS: Final = 365 * _MS_PER_DAY
_ALONE_ROWS: Final = 2
_ALONE_MS: Final = 30 * 60_000

_MINUTE_MS: Final = 60_000
_DUPLICATED_SHARE: Final = 0.95
_JITTERING_ROWS: Final = 1.5
"""Rows a second on average: below, a logger of one row a second that now and then has two in one."""


def undo_week_rollover(timestamp_ms: pl.Series, vehicle: pl.Series) -> tuple[pl.Series, int]:
    """Move rows that are 1,024 or 2,048 weeks before the vehicle's others to them.

    Only rows that then are within a day of the others' time are moved: a file that is behind as a whole stays.

    Returns
    -------
    tuple of Series and int
        The timestamps, and how many were moved.
    """
    latest = pl.col("time").max().over("vehicle")
    is_behind = pl.col("time") < latest - ROLLOVER_MS // 2
    rows = pl.DataFrame({"time": timestamp_ms, "vehicle": vehicle})
    if not rows.select(is_behind.any()).item():
        return timestamp_ms, 0
    good = pl.when(~is_behind).then("time")
    first, last = good.min().over("vehicle") - _MS_PER_DAY, good.max().over("vehicle") + _MS_PER_DAY
    moved = pl.col("time")
    for times in (1, 2):
        there = pl.col("time") + times * ROLLOVER_MS
        moved = pl.when(is_behind & there.is_between(first, last)).then(there).otherwise(moved)
    put_right = rows.select(moved).to_series()
    return put_right, int((put_right != timestamp_ms).sum())


def drop_clock_outliers(events: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Drop the rows of a trip whose clock was minutes or more ahead or behind of the rows around them.

    The first or last rows of a trip are dropped if they are against the order, more than a year from the others (a
    clock that was not yet set), or, in a trip that the file has an id for, at most two and more than half an hour away.
    Only few rows are dropped: in a file of another order, many look like that.

    Parameters
    ----------
    events
        In the order of the file, oldest first; further columns are left as they are.
    """
    before_ms = pl.col("first") - pl.col("last").shift(1).over(TRIP)
    after_ms = pl.col("first").shift(-1).over(TRIP) - pl.col("last")
    around_ms = pl.col("first").shift(-1).over(TRIP) - pl.col("last").shift(1).over(TRIP)
    kept = _without_runs(events, around_ms.is_between(0, _NEAR_MS))
    edge_ms = pl.when(before_ms.is_null()).then(after_ms).when(after_ms.is_null()).then(before_ms)
    is_alone = (pl.col("rows") <= _ALONE_ROWS) & (edge_ms > _ALONE_MS) & (pl.col("trip_id") != NO_TRIP)
    kept = _without_runs(kept, (edge_ms < 0) | (edge_ms > _YEAR_MS) | is_alone)
    return kept, events.height - kept.height


def _without_runs(events: pl.DataFrame, is_wrong: pl.Expr) -> pl.DataFrame:
    """Drop wrong runs of rows between breaks, of ``first`` and ``last`` time and ``rows``, if they are few rows."""
    step = pl.col("timestamp_ms").diff().over(TRIP)
    marked = events.with_columns(_run=(step.abs() > _NEAR_MS).fill_null(value=False).cum_sum().over(TRIP))
    if not (marked["_run"] > 0).any():
        return events
    run = [*TRIP, "_run"]
    runs = marked.group_by(run, maintain_order=True).agg(
        first=pl.col("timestamp_ms").first(), last=pl.col("timestamp_ms").last(), rows=pl.len()
    )
    few = (pl.col("rows").sum().over(TRIP) * _MAX_WRONG_SHARE).clip(1)
    runs = runs.with_columns(wrong=is_wrong.fill_null(value=False) & (pl.col("rows") <= few))
    wrong_rows = pl.when("wrong").then("rows").otherwise(0).sum().over(TRIP)
    wrong = runs.filter(pl.col("wrong") & (wrong_rows <= few))
    return marked.join(wrong.select(run), on=run, how="anti", maintain_order="left").drop("_run")


def spread_seconds(events: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Spread a trip's rows of one second evenly over it, in the order of the file, where all times are whole seconds.

    Where all times are whole minutes, rows are spread over the minute likewise.

    The rows of a second with n of them are at 0, 1/n, 2/n, … of the second, in a trip's first and last one as far apart
    as in the others, at its end or beginning; if most seconds have one row, of the time
    up to the next row's, since that clock only jitters. Rows that are equal in all fields are duplicates and stay at
    one time, if a second has no others or most rows of the trip are there more than once; else they are samples that
    happen to be equal. Rows that complete each other, none with a sensor that another has, stay at one time too.

    Parameters
    ----------
    events
        In the order of the file, oldest first; further columns are left as they are.

    Returns
    -------
    tuple of DataFrame and int
        The events in the same order, and how many were moved.
    """
    second = [*TRIP, "timestamp_ms"]
    time = pl.col("timestamp_ms")
    is_whole = (time % 1000 == 0).all().over(TRIP)
    has_minutes = (time % _MINUTE_MS == 0).all().over(TRIP)
    is_crowded = pl.max_horizontal(pl.col(sensor).count().over(second) for sensor in MOTION_COLUMNS) > 1
    sensors = (
        events.group_by(second).agg(pl.col(MOTION_COLUMNS).count()).select(pl.max_horizontal(MOTION_COLUMNS).max())
    )
    if (sensors.item() or 0) <= 1 or not events.select((is_whole & is_crowded).any()).item():
        return events, 0
    fields = EVENT_SCHEMA.names()
    rows = events.with_columns(
        _crowded=is_whole & is_crowded,
        _is_first=pl.struct(fields).is_first_distinct(),
        _copied=pl.len().over(fields) > 1,
        _later=time.shift(-1).over(TRIP),
        _per_second=pl.len().over(second),
        _unit=pl.when(has_minutes).then(_MINUTE_MS).otherwise(1000),
    )
    is_alone = pl.col("_is_first").cast(pl.Int64).sum().over(second) == 1
    is_copied = pl.col("_copied").mean().over(TRIP) > _DUPLICATED_SHARE
    rows = rows.with_columns(_counts=pl.when(is_copied | is_alone).then("_is_first").otherwise(pl.lit(value=True)))
    counted = pl.col("_counts").cast(pl.Int64)
    next_time = pl.when(pl.col("_later") > time).then("_later").max().over(second)
    rows = rows.with_columns(
        _place=counted.cum_sum().over(second) - 1, _of=counted.sum().over(second), _next=next_time.fill_null(time)
    )
    jitters = 1 / (1 / pl.col("_per_second")).mean().over(TRIP) < _JITTERING_ROWS
    span_ms = (
        pl.when(jitters)
        .then((pl.col("_next") - time).clip("_unit", pl.col("_of") * pl.col("_unit")))
        .otherwise("_unit")
    )
    # A trip's first second begins within it and its last one ends within it: their rows are as far apart as the others.
    typical = pl.col("_of").median().over(TRIP)
    full_ms = span_ms * (pl.col("_of") / typical).clip(0, 1)
    is_first, is_last = time == time.min().over(TRIP), time == time.max().over(TRIP)
    is_cut = (is_first | is_last) & ~(is_first & is_last)
    rows = rows.with_columns(_span=pl.when(is_cut).then(full_ms).otherwise(span_ms))
    rows = rows.with_columns(_begin=pl.when(is_first & is_cut).then(span_ms - pl.col("_span")).otherwise(0))
    # Each copy is at the place of the first of its kind.
    place = pl.when("_counts").then("_place").otherwise(pl.when("_counts").then("_place").max().over(fields))
    part_ms = (pl.col("_begin") + place * pl.col("_span") / pl.col("_of")).round().cast(pl.Int64)
    rows = rows.with_columns(_part=pl.when("_crowded").then(part_ms).otherwise(0))
    spread = rows.with_columns(time + pl.col("_part")).select(events.columns)
    return spread, int((rows["_part"] > 0).sum())
