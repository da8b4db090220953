"""Speeds of a single sample that no vehicle can have had: reached and left again at once."""

import math
from typing import Any, Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.parameters import KernelParameters

UNSETTLED: Final = -1.0
"""In place of a speed: it can't be told yet."""

ALL_EVENTS: Final = np.int64(2**62)
"""A time after all events."""


@inlined_kernel
def believed_speed(cursor: Any, pool: Any, index: int, until_ms: int, parameters: KernelParameters) -> float:
    """Give the speed of a pending sample, km/h: NaN for a spike.

    A spike differs from the speed before and from the one after by at least ``spike_kmh``, both times in the same
    direction, and would need at least ``spike_mps2`` to be reached, and again to be left. Without a neighbour on either
    side, none longer ago than ``max_gap_s``, the speed is believed.

    Parameters
    ----------
    cursor
        A row of ``CURSOR``, with the last speed that was believed.
    pool, index
        Pending samples, linked in order of time, and the place of this one.
    until_ms
        No other sample can arrive that is as old as this or older.
    parameters
        Thresholds.

    Returns
    -------
    float
        `UNSETTLED` where it depends on samples that may still arrive.
    """
    sample = pool[index]
    speed_kmh = np.float64(sample.speed_kmh)
    step_kmh = speed_kmh - cursor.speed_kmh
    if not abs(step_kmh) >= parameters.spike_kmh or cursor.speed_ms == 0:
        return speed_kmh
    if not _is_too_fast(step_kmh, sample.timestamp_ms - cursor.speed_ms, parameters):
        return speed_kmh
    return _compare_with_next(pool, index, step_kmh, until_ms, parameters)


@kernel
def _is_too_fast(step_kmh: float, elapsed_ms: int, parameters: KernelParameters) -> bool:
    return (
        0 < elapsed_ms <= parameters.max_gap_ms
        and abs(step_kmh) >= parameters.spike_kmh
        and abs(step_kmh) / 3.6 >= parameters.spike_mps2 * (elapsed_ms / 1000.0)
    )


@kernel
def _compare_with_next(pool: Any, index: Any, step_kmh: float, until_ms: int, parameters: KernelParameters) -> float:
    sample = pool[index]
    following = sample.following
    while following != 0 and (
        math.isnan(pool[following].speed_kmh) or pool[following].timestamp_ms == sample.timestamp_ms
    ):
        following = pool[following].following
    speed_kmh = np.float64(sample.speed_kmh)
    is_settled = following != 0 and pool[following].timestamp_ms <= until_ms
    if not is_settled and until_ms < sample.timestamp_ms + parameters.max_gap_ms:
        return UNSETTLED
    if following == 0:
        return speed_kmh
    back_kmh = np.float64(pool[following].speed_kmh) - speed_kmh
    elapsed_ms = pool[following].timestamp_ms - sample.timestamp_ms
    if back_kmh * step_kmh < 0 and _is_too_fast(back_kmh, elapsed_ms, parameters):
        return math.nan
    return speed_kmh
