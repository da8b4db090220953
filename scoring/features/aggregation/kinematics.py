"""Accelerations: from sensors, averaged, or from speeds, differenced over a second; and from headings.

Differencing noisy 10 Hz speed from row to row finds 100 times too many hard events. So acceleration is rated at
ticks, at least ``averaging_s`` apart: a sensor's values are averaged over the tick, and without a sensor the speed
is compared with the newest tick that is at least ``min_difference_s`` and at most ``max_difference_s`` old. Three
ticks are remembered, which is enough for ticks half a second apart.
"""

import math
from typing import Any, Final

import numpy as np

from scoring.events.compilation import kernel
from scoring.features.aggregation.sensor_check import Sensor, believed_acceleration
from scoring.features.parameters import KernelParameters

_LONGEST_HELD_MS: Final = 3_600_000
"""Longer ones are no different; fits the column."""


@kernel
def start_ticks(cursor: Any, sample: Any, speed_kmh: float, held_ms: int) -> None:
    """Begin rating at this sample, as the first of a trip or after a gap."""
    cursor.tick_0_ms = 0
    cursor.tick_1_ms = 0
    cursor.acceleration_rated = 0
    _remember_tick(cursor, sample, speed_kmh, held_ms)


@kernel
def _remember_tick(cursor: Any, sample: Any, speed_kmh: float, held_ms: int) -> None:
    cursor.tick_2_ms, cursor.tick_2_kmh, cursor.tick_2_deg = cursor.tick_1_ms, cursor.tick_1_kmh, cursor.tick_1_deg
    cursor.tick_1_ms, cursor.tick_1_kmh, cursor.tick_1_deg = cursor.tick_0_ms, cursor.tick_0_kmh, cursor.tick_0_deg
    cursor.tick_0_ms, cursor.tick_0_kmh, cursor.tick_0_deg = sample.timestamp_ms, speed_kmh, _heading_deg(sample)
    cursor.tick_2_held_ms, cursor.tick_1_held_ms = cursor.tick_1_held_ms, cursor.tick_0_held_ms
    cursor.tick_0_held_ms = 0 if _is_refreshed_each_time(cursor) else min(held_ms, _LONGEST_HELD_MS)
    cursor.acceleration_sum = 0.0
    cursor.acceleration_values = 0
    cursor.lateral_sum = 0.0
    cursor.lateral_values = 0


@kernel
def _is_refreshed_each_time(cursor: Any) -> bool:
    """Tell whether a speed that came twice was measured twice: most large changes of the trip follow without that."""
    return cursor.speed_repeats == 1 and cursor.direct_steps > cursor.repeated_steps


@kernel
def _heading_deg(sample: Any) -> Any:
    """Give the heading; exactly 0 is unknown, as many devices send it where they know none."""
    return sample.heading_deg if sample.heading_deg != 0 else np.float32(math.nan)


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
def rate_tick(
    cursor: Any,
    checks: Any,
    sample: Any,
    speed_kmh: float,
    held_ms: int,
    launch_mps2: float,
    parameters: KernelParameters,
) -> tuple[float, float]:
    """Rate the tick that ends with this sample.

    Parameters
    ----------
    cursor
        The ticks before.
    checks
        Two rows of ``SENSOR_CHECK``, of the sensors.
    sample
        A row of ``SAMPLE``.
    speed_kmh
        Its speed; NaN where it is unknown.
    held_ms
        For how long the speed has been this one.
    launch_mps2
        Above this the first tick after a standstill is not rated.
    parameters
        Thresholds.

    Returns
    -------
    tuple of float
        Longitudinal and lateral acceleration, m/s²; NaN where they can't be rated.
    """
    span_ms = sample.timestamp_ms - cursor.tick_0_ms
    reference_ms, reference_kmh, reference_deg, reference_held_ms = _reference_tick(
        cursor, sample.timestamp_ms, parameters
    )
    elapsed_s = (sample.timestamp_ms - reference_ms) / 1000.0

    acceleration = turn = math.nan
    mean_kmh = (np.float64(speed_kmh) + reference_kmh) / 2.0
    if reference_ms >= 0:
        acceleration = _slope_mps2(
            np.float64(speed_kmh) - reference_kmh,
            sample.timestamp_ms - reference_ms,
            reference_held_ms - held_ms,
            launch_mps2 if reference_kmh < parameters.idle_kmh else -math.inf,
            parameters,
        )
        turn_deg = _turn_deg(reference_deg, np.float64(_heading_deg(sample)))
        if mean_kmh >= parameters.corner_min_speed_kmh:
            turn = mean_kmh / 3.6 * math.radians(turn_deg) / elapsed_s
    acceleration, turn = _faultless(acceleration, parameters), _faultless(turn, parameters)

    lateral = turn
    if span_ms <= parameters.max_difference_ms:
        if cursor.acceleration_values > 0:
            measured = cursor.acceleration_sum / cursor.acceleration_values
            acceleration = believed_acceleration(checks[Sensor.ALONG], measured, acceleration, span_ms, Sensor.ALONG)
        if cursor.lateral_values > 0:
            measured = cursor.lateral_sum / cursor.lateral_values
            straight = 0.0 if mean_kmh < parameters.idle_kmh else math.nan
            lateral = believed_acceleration(
                checks[Sensor.ACROSS], measured, straight if math.isnan(turn) else turn, span_ms, Sensor.ACROSS
            )

    _remember_tick(cursor, sample, speed_kmh, held_ms)
    return _faultless(acceleration, parameters), _faultless(lateral, parameters)


@kernel
def _turn_deg(before_deg: float, after_deg: float) -> float:
    """Give the shorter way from one heading to another, -180 to 180; ``%`` would take ten times as long."""
    turn_deg = after_deg - before_deg
    return turn_deg - 360.0 * math.floor((turn_deg + 180.0) / 360.0)


@kernel
def _faultless(acceleration: float, parameters: KernelParameters) -> float:
    return acceleration if abs(acceleration) <= parameters.fault_mps2 else math.nan


@kernel
def _slope_mps2(
    change_kmh: float, elapsed_ms: int, longer_held_ms: int, launch_mps2: float, parameters: KernelParameters
) -> float:
    """Divide a change of speed by the time since the earlier speed first appeared, if that is longer.

    A sensor that is refreshed more slowly than it is logged repeats a value and then steps: the step is a change over
    the time for which the value was held. Beyond ``max_difference_s`` it can't be rated, but for a vehicle that stood
    still, which pulls away by less than ``launch_mps2``, or where it is as small as the steps of a coarse sensor.
    """
    since_ms = max(elapsed_ms, elapsed_ms + longer_held_ms)
    if since_ms <= parameters.max_difference_ms or abs(change_kmh) < parameters.held_step_kmh:
        return change_kmh / 3.6 / (since_ms / 1000.0)
    slope = change_kmh / 3.6 / (elapsed_ms / 1000.0)
    return slope if slope < launch_mps2 else math.nan


@kernel
def _reference_tick(cursor: Any, timestamp_ms: int, parameters: KernelParameters) -> tuple[Any, Any, Any, Any]:
    """Find the newest tick that is old enough to difference with; -1 where there is none."""
    if timestamp_ms - cursor.tick_0_ms >= parameters.min_difference_ms:
        reference = (cursor.tick_0_ms, cursor.tick_0_kmh, cursor.tick_0_deg, cursor.tick_0_held_ms)
    elif timestamp_ms - cursor.tick_1_ms >= parameters.min_difference_ms:
        reference = (cursor.tick_1_ms, cursor.tick_1_kmh, cursor.tick_1_deg, cursor.tick_1_held_ms)
    else:
        reference = (cursor.tick_2_ms, cursor.tick_2_kmh, cursor.tick_2_deg, cursor.tick_2_held_ms)
    if timestamp_ms - reference[0] < parameters.min_difference_ms:
        return (-1, math.nan, math.nan, 0)
    if timestamp_ms - reference[0] > parameters.max_difference_ms:
        return (-1, math.nan, math.nan, 0)
    return (reference[0], np.float64(reference[1]), np.float64(reference[2]), np.int64(reference[3]))


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
