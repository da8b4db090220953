"""Fold one sample after another, in order of time, into a trip's sums."""

import math
from typing import Any, Final

from schemas.event_frame import EVENT_TYPES
from scoring.events.compilation import kernel
from scoring.features.aggregation.exposure import (
    add_driven_interval,
    add_interval,
    end_standstill,
    report_phone_use,
    report_speeding,
)
from scoring.features.aggregation.hard_events import (
    HARD_ACCELERATION,
    HARD_BRAKE,
    HARD_CORNER,
    HardEventKind,
    end_event,
    observe,
    observe_detected,
)
from scoring.features.aggregation.kinematics import add_accelerations, collect, rate_tick, start_ticks
from scoring.features.aggregation.positions import end_span
from scoring.features.aggregation.sensor_check import Sensor, contradicts
from scoring.features.parameters import KernelParameters

_PHONE_USE: Final = EVENT_TYPES.index("phone_use")
_SPEEDING: Final = EVENT_TYPES.index("speeding")

_MOST_COUNTED: Final = 30_000
"""Fits the columns; the trip's sensor is known by then."""

SPARSE_FACTOR: Final = 3
"""Two intervals may be lost in a row."""


@kernel
def fold(
    cursor: Any,
    checks: Any,
    hard_events: Any,
    sums: Any,
    sample: Any,
    speed_kmh: float,
    vehicle_class: int,
    parameters: KernelParameters,
) -> None:
    """Add one sample to the sums of its window.

    Parameters
    ----------
    cursor, checks, hard_events, sums
        The trip's row of ``CURSOR``, its two rows of ``SENSOR_CHECK`` and three of ``HARD_EVENT``, and the window's row
        of ``WINDOW_AGGREGATES``.
    sample
        A row of ``SAMPLE``, not older than any folded before.
    speed_kmh
        Its speed; NaN where it is unknown, or a spike.
    vehicle_class
        Code of the vehicle class.
    parameters
        Thresholds.
    """
    interval_ms = sample.timestamp_ms - cursor.sample_ms
    is_gap = interval_ms > longest_interval_ms(cursor.interval_ms, parameters)
    if is_gap:
        for kind in range(3):
            end_event(hard_events[kind], cursor.sample_ms)
    sums.event_count += 1
    _fold_report(cursor, hard_events, sums, sample, parameters)
    has_speed = not math.isnan(speed_kmh)
    if not has_speed and math.isnan(sample.acceleration_mps2) and math.isnan(sample.lateral_acceleration_mps2):
        return

    driven_ms = sample.timestamp_ms - cursor.speed_ms
    is_driven = has_speed and driven_ms <= longest_interval_ms(cursor.speed_interval_ms, parameters)
    if has_speed:
        _note_change(cursor, sums, sample.timestamp_ms, speed_kmh, is_driven, parameters)
    held_ms = sample.timestamp_ms - cursor.speed_since_ms

    if cursor.sample_ms == 0 or is_gap:
        start_ticks(cursor, sample, speed_kmh, held_ms)
    else:
        if interval_ms > 0:
            add_interval(sums, sample, interval_ms, parameters)
        if collect(cursor, sample, parameters):
            _fold_tick(cursor, checks, hard_events, sums, sample, speed_kmh, held_ms, vehicle_class, parameters)
    if cursor.sample_ms != 0 and interval_ms > 0:
        cursor.interval_ms = min(interval_ms, parameters.max_sparse_gap_ms)
    cursor.sample_ms = sample.timestamp_ms
    if has_speed:
        _fold_speed(cursor, sums, sample, speed_kmh, driven_ms, is_driven, parameters)


@kernel
def _fold_speed(
    cursor: Any,
    sums: Any,
    sample: Any,
    speed_kmh: float,
    driven_ms: int,
    is_driven: bool,
    parameters: KernelParameters,
) -> None:
    if not is_driven:
        end_standstill(cursor)
        end_span(cursor)
    elif driven_ms > 0:
        add_driven_interval(cursor, sums, sample, speed_kmh, driven_ms, parameters)
    if cursor.speed_ms != 0 and driven_ms > 0:
        cursor.speed_interval_ms = min(driven_ms, parameters.max_sparse_gap_ms)
    sums.max_speed_kmh = max(sums.max_speed_kmh, speed_kmh)
    cursor.speed_ms = sample.timestamp_ms
    cursor.speed_kmh = speed_kmh
    cursor.phone_earlier_ms = 0
    cursor.speeding_earlier_ms = 0


@kernel
def longest_interval_ms(before_ms: int, parameters: KernelParameters) -> int:
    """Give the longest interval that counts, by the one before it; 0 for none.

    A tracker that sends each 30 s has many like it; the gap of a denser one is longer than all before.
    """
    return max(parameters.max_gap_ms, min(SPARSE_FACTOR * before_ms, parameters.max_sparse_gap_ms))


@kernel
def _note_change(
    cursor: Any, sums: Any, at_ms: int, speed_kmh: float, is_driven: bool, parameters: KernelParameters
) -> None:
    """Note since when the speed is this one, and count large changes: of all, and after it was held for long."""
    if is_driven and speed_kmh == cursor.speed_kmh:
        cursor.speed_repeats = min(cursor.speed_repeats + 1, _MOST_COUNTED)
        return
    if is_driven and abs(speed_kmh - cursor.speed_kmh) >= parameters.held_step_kmh:
        sums.step_count += 1
        if cursor.speed_repeats == 0:
            cursor.direct_steps = min(cursor.direct_steps + 1, _MOST_COUNTED)
        else:
            cursor.repeated_steps = min(cursor.repeated_steps + 1, _MOST_COUNTED)
            was_held = at_ms - cursor.speed_since_ms > parameters.max_difference_ms
            sums.held_step_count += 1 if was_held and cursor.speed_kmh >= parameters.idle_kmh else 0
    cursor.speed_repeats = 0
    cursor.speed_since_ms = at_ms


@kernel
def _fold_tick(
    cursor: Any,
    checks: Any,
    hard_events: Any,
    sums: Any,
    sample: Any,
    speed_kmh: float,
    held_ms: int,
    vehicle_class: int,
    parameters: KernelParameters,
) -> None:
    from_ms = cursor.tick_0_ms
    until_ms = sample.timestamp_ms
    is_measured = cursor.acceleration_values > 0 and not contradicts(checks[Sensor.ALONG])
    acceleration, lateral = rate_tick(
        cursor, checks, sample, speed_kmh, held_ms, parameters.acceleration_mps2[vehicle_class], parameters
    )
    if is_measured and not math.isnan(acceleration):
        sums.measured_ms += until_ms - from_ms
    sums.brake_count += observe(
        hard_events[HardEventKind.BRAKE],
        -acceleration,
        parameters.brake_mps2[vehicle_class],
        from_ms,
        until_ms,
        parameters,
    )
    sums.acceleration_count += observe(
        hard_events[HardEventKind.ACCELERATION],
        acceleration,
        parameters.acceleration_mps2[vehicle_class],
        from_ms,
        until_ms,
        parameters,
    )
    sums.corner_count += observe(
        hard_events[HardEventKind.CORNER],
        abs(lateral),
        parameters.corner_mps2[vehicle_class],
        from_ms,
        until_ms,
        parameters,
    )
    add_accelerations(cursor, sums, acceleration, lateral, until_ms, until_ms - from_ms, parameters)


@kernel
def _fold_report(cursor: Any, hard_events: Any, sums: Any, sample: Any, parameters: KernelParameters) -> None:
    """Add an event that the device detected by itself."""
    at_ms = sample.timestamp_ms
    if sample.event_type == HARD_BRAKE:
        sums.brake_count += observe_detected(hard_events[HardEventKind.BRAKE], at_ms, sample.duration_ms, parameters)
        sums.peak_deceleration_mps2 = _higher_peak(sums.peak_deceleration_mps2, sample.peak_mps2)
    elif sample.event_type == HARD_ACCELERATION:
        sums.acceleration_count += observe_detected(
            hard_events[HardEventKind.ACCELERATION], at_ms, sample.duration_ms, parameters
        )
        sums.peak_acceleration_mps2 = _higher_peak(sums.peak_acceleration_mps2, sample.peak_mps2)
    elif sample.event_type == HARD_CORNER:
        sums.corner_count += observe_detected(hard_events[HardEventKind.CORNER], at_ms, sample.duration_ms, parameters)
        sums.peak_lateral_mps2 = _higher_peak(sums.peak_lateral_mps2, sample.peak_mps2)
    elif sample.event_type == _PHONE_USE:
        report_phone_use(cursor, sums, at_ms, sample.duration_ms)
    elif sample.event_type == _SPEEDING:
        report_speeding(cursor, at_ms, sample.duration_ms)


@kernel
def _higher_peak(peak_mps2: float, reported_mps2: float) -> float:
    return peak_mps2 if math.isnan(reported_mps2) else max(peak_mps2, abs(reported_mps2))
