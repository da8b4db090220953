"""Speeds from positions over time, for tracks whose device wrote none."""

import math
from typing import Final

import polars as pl

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

SPAN_MS: Final = 4_000
"""Time over which a speed is measured: positions of a phone err by some 3 m, so over 1 s a speed would err by 4 m/s and
look like hard braking, over 4 s by 1 m/s."""

_MAX_SPAN_MS: Final = 120_000
"""Over a longer time, the way between two positions is not known."""

_MAX_SPEED_MPS: Final = 300 / 3.6
"""Faster is a jump of the position."""


def with_speeds(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Fill in speeds from positions where not one row has a speed.

    A speed is the distance from the position two seconds or one row before to the one two seconds or one row after,
    by the time between them; unknown where that is over two minutes, and where it would be over 300 km/h.

    Parameters
    ----------
    rows
        ``timestamp`` (Datetime in ms), ``latitude`` and ``longitude`` (degrees), ``speed_mps``; oldest first.

    Returns
    -------
    tuple of DataFrame and tuple of str
        The rows, and a sentence if speeds were filled in.
    """
    if rows["speed_mps"].count() or not rows["latitude"].count():
        return rows, ()
    order = rows.with_row_index("_row").sort("timestamp", maintain_order=True)
    time_ms = pl.col("timestamp").dt.epoch("ms")
    typical_ms = order.select(time_ms.diff().median()).item() or SPAN_MS
    reach = max(1, math.ceil(SPAN_MS / 2 / max(typical_ms, 1)))
    measured = order.with_columns(speed_mps=_speed(time_ms, reach))
    for nearer in range(reach - 1, 0, -1):  # at both ends
        measured = measured.with_columns(pl.col("speed_mps").fill_null(_speed(time_ms, nearer)))
    filled = measured.with_columns(pl.col("speed_mps").fill_null(strategy="backward", limit=1))
    filled = filled.with_columns(pl.col("speed_mps").fill_null(strategy="forward", limit=1))
    remark = f"the file has no speeds: {filled['speed_mps'].count():,} were computed from positions"
    return filled.sort("_row").drop("_row"), (remark,)


def _speed(time_ms: pl.Expr, reach: int) -> pl.Expr:
    span_ms = time_ms.shift(-reach) - time_ms.shift(reach)
    speed = _distance_m(reach) / span_ms * 1000
    is_known = span_ms.is_between(1, _MAX_SPAN_MS) & (speed <= _MAX_SPEED_MPS)
    return pl.when(is_known).then(speed)


def _distance_m(reach: int) -> pl.Expr:
    """Haversine distance from the row ``reach`` before to the one ``reach`` after."""
    latitude, longitude = pl.col("latitude").radians(), pl.col("longitude").radians()
    north = (latitude.shift(-reach) - latitude.shift(reach)) / 2
    east = (longitude.shift(-reach) - longitude.shift(reach)) / 2
    half = north.sin() ** 2 + latitude.shift(reach).cos() * latitude.shift(-reach).cos() * east.sin() ** 2
    return 2 * EARTH_RADIUS_M * half.sqrt().arcsin()
