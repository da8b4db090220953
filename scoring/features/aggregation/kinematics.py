"""Accelerations: from sensors, averaged, or from speeds, differenced over a second; and from headings.

Differencing noisy 10 Hz speed from row to row finds 100 times too many hard events. So acceleration is rated at
ticks, at least ``averaging_s`` apart: a sensor's values are averaged over the tick, and without a sensor the speed
is compared with the newest tick that is at least ``min_difference_s`` and at most ``max_difference_s`` old. Three
ticks are remembered, which is enough for ticks half a second apart.
"""

import math
from typing import Any

import numpy as np

from scoring.events.compilation import kernel
from scoring.features.parameters import KernelParameters


@kernel
def start_ticks(cursor: Any, sample: Any) -> None:
    """Begin rating at this sample, as the first of a trip or after a gap."""
    cursor.tick_0_ms = 0
    cursor.tick_1_ms = 0
    cursor.acceleration_rated = 0
    _remember_tick(cursor, sample)


@kernel
def _remember_tick(cursor: Any, sample: Any) -> None:
    cursor.tick_2_ms, cursor.tick_2_kmh, cursor.tick_2_deg = cursor.tick_1_ms, cursor.tick_1_kmh, cursor.tick_1_deg
    cursor.tick_1_ms, cursor.tick_1_kmh, cursor.tick_1_deg = cursor.tick_0_ms, cursor.tick_0_kmh, cursor.tick_0_deg
    cursor.tick_0_ms, cursor.tick_0_kmh, cursor.tick_0_deg = sample.timestamp_ms, sample.speed_kmh, sample.heading_deg
    cursor.acceleration_sum = 0.0
    cursor.acceleration_values = 0
    cursor.lateral_sum = 0.0
    cursor.lateral_values = 0


@kernel
def collect(cursor: Any, sample: Any, parameters: KernelParameters) -> bool:
    """Add a sample's accelerations to the tick; tell whether the tick ends with it.

    Values beyond ``fault_mps2`` are faults of the sensor and count as missing.
    """
    if abs(sample.acceleration_mps2) <= parameters.fault_mps2:
        cursor.acceleration_sum += sample.acceleration_mps2
        cursor.acceleration_values += 1
    if abs(sample.lateral_acceleration_mps2) <= parameters.fault_mps2:
        cursor.lateral_sum += sample.lateral_acceleration_mps2
        cursor.lateral_values += 1
    return sample.timestamp_ms - cursor.tick_0_ms >= parameters.averaging_ms


@kernel
def rate_tick(cursor: Any, sample: Any, parameters: KernelParameters) -> tuple[float, float]:
    """Rate the tick that ends with this sample.

    Returns
    -------
    tuple of float
        Longitudinal and lateral acceleration, m/s²; NaN where they can't be rated.
    """
    span_ms = sample.timestamp_ms - cursor.tick_0_ms
    reference_ms, reference_kmh, reference_deg = _reference_tick(cursor, sample.timestamp_ms, parameters)
    elapsed_s = (sample.timestamp_ms - reference_ms) / 1000.0

    acceleration = math.nan
    if span_ms <= parameters.max_difference_ms and cursor.acceleration_values > 0:
        acceleration = cursor.acceleration_sum / cursor.acceleration_values
    elif reference_ms >= 0:
        acceleration = (sample.speed_kmh - reference_kmh) / 3.6 / elapsed_s

    lateral = math.nan
    if span_ms <= parameters.max_difference_ms and cursor.lateral_values > 0:
        lateral = cursor.lateral_sum / cursor.lateral_values
    elif reference_ms >= 0:
        mean_kmh = (sample.speed_kmh + reference_kmh) / 2.0
        turn_deg = (sample.heading_deg - reference_deg + 540.0) % 360.0 - 180.0
        if mean_kmh >= parameters.corner_min_speed_kmh:
            lateral = mean_kmh / 3.6 * math.radians(turn_deg) / elapsed_s

    _remember_tick(cursor, sample)
    return (
        acceleration if abs(acceleration) <= parameters.fault_mps2 else math.nan,
        lateral if abs(lateral) <= parameters.fault_mps2 else math.nan,
    )


@kernel
def _reference_tick(cursor: Any, timestamp_ms: int, parameters: KernelParameters) -> tuple[int, float, float]:
    """Find the newest tick that is old enough to difference with; -1 where there is none."""
    if timestamp_ms - cursor.tick_0_ms >= parameters.min_difference_ms:
        reference = (cursor.tick_0_ms, cursor.tick_0_kmh, cursor.tick_0_deg)
    elif timestamp_ms - cursor.tick_1_ms >= parameters.min_difference_ms:
        reference = (cursor.tick_1_ms, cursor.tick_1_kmh, cursor.tick_1_deg)
    else:
        reference = (cursor.tick_2_ms, cursor.tick_2_kmh, cursor.tick_2_deg)
    if timestamp_ms - reference[0] < parameters.min_difference_ms:
        return (-1, math.nan, math.nan)
    if timestamp_ms - reference[0] > parameters.max_difference_ms:
        return (-1, math.nan, math.nan)
    return (reference[0], np.float64(reference[1]), np.float64(reference[2]))


@kernel
def add_accelerations(
    cursor: Any, sums: Any, acceleration: float, lateral: float, now_ms: int, span_ms: int, parameters: KernelParameters
) -> None:
    """Add a rated tick to the sums: squares, peaks, and jerk against the tick before."""
    if not math.isnan(acceleration):
        sums.rated_ms += span_ms
        sums.acceleration_square_ms += acceleration * acceleration * span_ms
        sums.peak_deceleration_mps2 = max(sums.peak_deceleration_mps2, -acceleration)
        sums.peak_acceleration_mps2 = max(sums.peak_acceleration_mps2, acceleration)
        elapsed_ms = now_ms - cursor.acceleration_ms
        if cursor.acceleration_rated == 1 and elapsed_ms <= parameters.max_difference_ms:
            jerk = (acceleration - cursor.acceleration_mps2) / (elapsed_ms / 1000.0)
            sums.jerk_ms += elapsed_ms
            sums.jerk_square_ms += jerk * jerk * elapsed_ms
        cursor.acceleration_rated = 1
        cursor.acceleration_ms = now_ms
        cursor.acceleration_mps2 = acceleration
    if not math.isnan(lateral):
        sums.lateral_ms += span_ms
        sums.lateral_square_ms += lateral * lateral * span_ms
        sums.peak_lateral_mps2 = max(sums.peak_lateral_mps2, abs(lateral))
