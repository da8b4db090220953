"""Local times around the change of clocks: the hour that exists twice in autumn, the one that is missing in spring."""

from typing import Final

import polars as pl

_MS_PER_MINUTE: Final = 60_000
_BACK_MS: Final = 5 * _MS_PER_MINUTE
"""A clock that goes back by more, in the hour that exists twice, was set back; loggers' own disorder is below."""

_NEXT_MS: Final = 10 * _MS_PER_MINUTE
"""Rows that are closer follow each other without a break."""

_SET_MS: Final = 30 * _MS_PER_MINUTE
"""A clock that goes on by more after the missing hour was set late; changes of clocks are half an hour at least."""

_HOUR: Final = pl.duration(hours=1)


def zoned_ms(local_time: pl.Series, vehicle: pl.Series, time_zone: str) -> tuple[pl.Series, dict[str, int]]:
    """Return UTC epoch milliseconds of a vehicle's local times in the file's order.

    In the hour that exists twice, rows after the one at which the clock goes back are in the second; where it does
    not go back, the hour is the second if only the rows after it follow without a break, else the first. A time in
    the hour that is missing is of a clock that was not yet set forward, if it is set forward afterwards; null if
    it is not, because that clock is not in this zone.

    Returns
    -------
    tuple of Series and dict
        Int64, and how many rows were taken so, by what they were.
    """
    rows = pl.DataFrame({"local": local_time.cast(pl.Datetime("ms")), "vehicle": vehicle}).with_row_index("row")
    rows = rows.with_columns(
        first=_utc_ms(pl.col("local"), time_zone, "earliest"), second=_utc_ms(pl.col("local"), time_zone, "latest")
    )
    counts: dict[str, int] = {}
    if (rows["first"] != rows["second"]).any():
        rows, counts = _tell_hours_apart(rows)
    missing = rows["local"].is_not_null() & rows["first"].is_null()
    if missing.any():
        rows = _read_missing_hour(rows, time_zone)
        taken = int((missing & rows["first"].is_not_null()).sum())
        counts |= {"in the hour that summer time skips, of a clock that was set late": taken} if taken else {}
    return rows["first"], counts


def _utc_ms(local_time: pl.Expr, time_zone: str, ambiguous: str) -> pl.Expr:
    zoned = local_time.dt.replace_time_zone(time_zone, ambiguous=pl.lit(ambiguous), non_existent="null")
    return zoned.dt.epoch("ms")


def _tell_hours_apart(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    step = pl.col("local").dt.epoch("ms").diff().over("vehicle")
    twice = pl.col("first") != pl.col("second")
    night = ["vehicle", pl.col("local").dt.date()]
    marked = rows.with_columns(
        twice=twice.fill_null(value=False),
        step=step,
        next_step=pl.col("local").dt.epoch("ms").shift(-1).over("vehicle") - pl.col("local").dt.epoch("ms"),
        twice_before=twice.shift(1).over("vehicle").fill_null(value=False),
        twice_after=twice.shift(-1).over("vehicle").fill_null(value=False),
    )
    went_back = pl.col("twice") & (pl.col("step") < -_BACK_MS) & pl.col("twice_before")
    follows = pl.col("twice") & ~pl.col("twice_before") & pl.col("step").is_between(0, _NEXT_MS)
    is_followed = pl.col("twice") & ~pl.col("twice_after") & pl.col("next_step").is_between(0, _NEXT_MS)
    is_second = (
        pl.when(went_back.any().over(night))
        .then(went_back.cum_sum().over(night) > 0)
        .otherwise(is_followed.any().over(night) & ~follows.any().over(night))
    )
    told = marked.with_columns(is_second=pl.col("twice") & is_second, is_told=went_back.any().over(night))
    by_order = int((told["twice"] & told["is_told"]).sum())
    counts = {
        "in the hour that exists twice, told apart by the file's order": by_order,
        "in the hour that exists twice, taken as the second": int((told["is_second"] & ~told["is_told"]).sum()),
        "in the hour that exists twice, taken as the first": int(
            (told["twice"] & ~told["is_second"] & ~told["is_told"]).sum()
        ),
    }
    chosen = told.with_columns(first=pl.when("is_second").then("second").otherwise("first")).select(rows.columns)
    return chosen, {what: count for what, count in counts.items() if count}


def _read_missing_hour(rows: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    is_missing = pl.col("local").is_not_null() & pl.col("first").is_null()
    local_ms = pl.col("local").dt.epoch("ms")
    after_ms = pl.when(~is_missing).then(local_ms).backward_fill().over("vehicle")
    last_ms = pl.when(is_missing & ~is_missing.shift(-1).over("vehicle").fill_null(value=False)).then(local_ms)
    is_set_late = after_ms.is_null() | (after_ms - last_ms.backward_fill().over("vehicle") > _SET_MS)
    before_change = _utc_ms(pl.col("local") - _HOUR, time_zone, "latest") + 60 * _MS_PER_MINUTE
    read = pl.when(is_missing & is_set_late).then(before_change).otherwise("first")
    return rows.with_columns(first=read)
