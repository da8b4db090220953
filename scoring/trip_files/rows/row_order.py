"""The order of a file's rows: which way it goes, and how many rows are out of it."""

from typing import Final

import polars as pl

_NEARLY_ALL: Final = 0.9
TRIP: Final = ("vehicle_id", "trip_id")
"""What identifies a trip."""


def is_newest_first(timestamp_ms: pl.Series, vehicle: pl.Series) -> bool:
    """Return whether nearly all rows are earlier than the row of their vehicle before them."""
    rows = pl.DataFrame({"time": timestamp_ms, "vehicle": vehicle})
    step = rows.select(pl.col("time").diff().over("vehicle")).to_series()
    earlier = int((step < 0).sum())
    return earlier > _NEARLY_ALL * (earlier + int((step > 0).sum()))


def out_of_order(events: pl.DataFrame) -> int:
    """Return how many rows are earlier than one of their trip that the file has before them."""
    time = pl.col("timestamp_ms")
    return int(events.select((time < time.cum_max().over(TRIP)).sum()).item())


def in_order_of_time(events: pl.DataFrame) -> pl.DataFrame:
    """Put the rows in the order of time; rows of one time keep the file's."""
    return events.sort("timestamp_ms", maintain_order=True)


def typical_interval_s(events: pl.DataFrame) -> float | None:
    """Return the median time between rows of a trip; null if no trip has two."""
    step_ms = events.sort("timestamp_ms").select(pl.col("timestamp_ms").diff().over(TRIP)).to_series()
    median_ms = step_ms.filter(step_ms > 0).median()
    return median_ms / 1000 if isinstance(median_ms, int | float) else None
