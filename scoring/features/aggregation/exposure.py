"""Exposure: time, distance, and the shares of them spent speeding, at night, idle or on the phone.

An interval between two neighbouring samples takes its speed limit and its local time from its later end.
"""

import math
from typing import Any, Final

import numpy as np

from scoring.events.compilation import kernel
from scoring.features.aggregation.aggregates import add_speeds
from scoring.features.aggregation.positions import extend_span
from scoring.features.parameters import KernelParameters

_MINUTES_A_DAY: Final = 1440


@kernel
def add_interval(sums: Any, sample: Any, interval_ms: int, parameters: KernelParameters) -> None:
    """Add an interval that is no gap, and ends with this sample."""
    sums.duration_ms += interval_ms
    minute = (sample.timestamp_ms // 60_000 + sample.utc_offset_min) % _MINUTES_A_DAY
    after = minute >= parameters.night_from_min
    before = minute < parameters.night_until_min
    spans_midnight = parameters.night_from_min > parameters.night_until_min
    if (spans_midnight and (after or before)) or (after and before):
        sums.night_ms += interval_ms


@kernel
def add_driven_interval(
    cursor: Any, sums: Any, sample: Any, speed_kmh: float, interval_ms: int, parameters: KernelParameters
) -> None:
    """Add an interval that is no gap, and whose two ends have a speed.

    Parameters
    ----------
    cursor
        Where the trip's sums have got to: its last speed, standstill and phone use.
    sums
        A row of ``WINDOW_AGGREGATES``.
    sample
        The later end.
    speed_kmh
        Its speed.
    interval_ms
        Time since the last sample with a speed.
    parameters
        Thresholds.
    """
    first_kmh, second_kmh = np.float64(cursor.speed_kmh), np.float64(speed_kmh)
    mean_kmh = (first_kmh + second_kmh) / 2.0
    add_speeds(sums, first_kmh, second_kmh, interval_ms)
    sums.distance_kmh_ms += mean_kmh * interval_ms
    extend_span(cursor, first_kmh, second_kmh, interval_ms)

    if mean_kmh < parameters.idle_kmh:
        sums.idle_ms += interval_ms
        sums.stop_count += cursor.standstill_ms < parameters.stop_ms <= cursor.standstill_ms + interval_ms
        cursor.standstill_ms += interval_ms
    else:
        end_standstill(cursor)

    if mean_kmh > parameters.moving_kmh:
        sums.moving_ms += interval_ms
        sums.phone_ms += cursor.phone_earlier_ms + _covered_ms(
            cursor.phone_from_ms, cursor.phone_until_ms, sample.timestamp_ms, interval_ms
        )

    _add_speeding(cursor, sums, sample, mean_kmh, interval_ms, parameters)


@kernel
def end_standstill(cursor: Any) -> None:
    """Start the next standstill afresh."""
    cursor.standstill_ms = 0


@kernel
def _covered_ms(from_ms: int, until_ms: int, end_ms: int, interval_ms: int) -> int:
    return max(0, min(until_ms, end_ms) - max(from_ms, end_ms - interval_ms))


@kernel
def _add_speeding(
    cursor: Any, sums: Any, sample: Any, mean_kmh: float, interval_ms: int, parameters: KernelParameters
) -> None:
    """Add the interval to the tier of its excess over the limit.

    Where no limit is known, what the device itself reported as speeding is moderate, and the rest is not speeding; a
    device that reports none is assumed not to detect it.
    """
    if not math.isnan(sample.speed_limit_kmh):
        sums.limit_ms += interval_ms
        excess_kmh = mean_kmh - sample.speed_limit_kmh
        if excess_kmh > parameters.over_severe_kmh:
            sums.over_severe_ms += interval_ms
        elif excess_kmh > parameters.over_serious_kmh:
            sums.over_serious_ms += interval_ms
        elif excess_kmh > parameters.over_moderate_kmh:
            sums.over_moderate_ms += interval_ms
    else:
        reported_ms = cursor.speeding_earlier_ms + _covered_ms(
            cursor.speeding_from_ms, cursor.speeding_until_ms, sample.timestamp_ms, interval_ms
        )
        sums.unlimited_ms += interval_ms
        sums.reported_speeding_ms += reported_ms
        sums.over_moderate_ms += reported_ms


@kernel
def report_phone_use(cursor: Any, sums: Any, at_ms: int, duration_ms: int) -> None:
    """Add a device's report of phone use; overlapping ones are merged."""
    sums.phone_reported += 1
    if at_ms > cursor.phone_until_ms:
        cursor.phone_earlier_ms += max(0, cursor.phone_until_ms - max(cursor.phone_from_ms, cursor.speed_ms))
        cursor.phone_from_ms = at_ms
    cursor.phone_until_ms = max(cursor.phone_until_ms, at_ms + duration_ms)


@kernel
def report_speeding(cursor: Any, at_ms: int, duration_ms: int) -> None:
    """Add a device's report of speeding; overlapping ones are merged."""
    if at_ms > cursor.speeding_until_ms:
        cursor.speeding_earlier_ms += max(0, cursor.speeding_until_ms - max(cursor.speeding_from_ms, cursor.speed_ms))
        cursor.speeding_from_ms = at_ms
    cursor.speeding_until_ms = max(cursor.speeding_until_ms, at_ms + duration_ms)
