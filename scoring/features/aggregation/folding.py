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
from scoring.features.aggregation.hard_events import HardEventKind, end_event, observe, observe_detected
from scoring.features.aggregation.kinematics import add_accelerations, collect, rate_tick, start_ticks
from scoring.features.parameters import KernelParameters

_HARD_BRAKE: Final = EVENT_TYPES.index("hard_brake")
_HARD_ACCELERATION: Final = EVENT_TYPES.index("hard_acceleration")
_HARD_CORNER: Final = EVENT_TYPES.index("hard_corner")
_PHONE_USE: Final = EVENT_TYPES.index("phone_use")
_SPEEDING: Final = EVENT_TYPES.index("speeding")


@kernel
def fold(
    cursor: Any, hard_events: Any, sums: Any, sample: Any, vehicle_class: int, parameters: KernelParameters
) -> None:
    """Add one sample to the sums of its window.

    Parameters
    ----------
    cursor, hard_events, sums
        The trip's row of ``CURSOR``, its three rows of ``HARD_EVENT``, and the window's row of
        ``WINDOW_AGGREGATES``.
    sample
        A row of ``SAMPLE``, not older than any folded before.
    vehicle_class
        Code of the vehicle class.
    parameters
        Thresholds.
    """
    interval_ms = sample.timestamp_ms - cursor.sample_ms
    if interval_ms > parameters.max_gap_ms:
        for kind in range(3):
            end_event(hard_events[kind], cursor.sample_ms)
    sums.event_count += 1
    _fold_report(cursor, hard_events, sums, sample, parameters)
    has_speed = not math.isnan(sample.speed_kmh)
    if not has_speed and math.isnan(sample.acceleration_mps2) and math.isnan(sample.lateral_acceleration_mps2):
        return

    if cursor.sample_ms == 0 or interval_ms > parameters.max_gap_ms:
        start_ticks(cursor, sample)
    else:
        if interval_ms > 0:
            add_interval(sums, sample, interval_ms, parameters)
        if collect(cursor, sample, parameters):
            _fold_tick(cursor, hard_events, sums, sample, vehicle_class, parameters)
    cursor.sample_ms = sample.timestamp_ms

    if has_speed:
        driven_ms = sample.timestamp_ms - cursor.speed_ms
        if cursor.speed_ms == 0 or driven_ms > parameters.max_gap_ms:
            end_standstill(cursor)
        elif driven_ms > 0:
            add_driven_interval(cursor, sums, sample, driven_ms, parameters)
        sums.max_speed_kmh = max(sums.max_speed_kmh, sample.speed_kmh)
        cursor.speed_ms = sample.timestamp_ms
        cursor.speed_kmh = sample.speed_kmh
        cursor.phone_earlier_ms = 0
        cursor.speeding_earlier_ms = 0


@kernel
def _fold_tick(
    cursor: Any, hard_events: Any, sums: Any, sample: Any, vehicle_class: int, parameters: KernelParameters
) -> None:
    from_ms = cursor.tick_0_ms
    until_ms = sample.timestamp_ms
    acceleration, lateral = rate_tick(cursor, sample, parameters)
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
    if sample.event_type == _HARD_BRAKE:
        sums.brake_count += observe_detected(hard_events[HardEventKind.BRAKE], at_ms, sample.duration_ms, parameters)
        sums.peak_deceleration_mps2 = _higher_peak(sums.peak_deceleration_mps2, sample.peak_mps2)
    elif sample.event_type == _HARD_ACCELERATION:
        sums.acceleration_count += observe_detected(
            hard_events[HardEventKind.ACCELERATION], at_ms, sample.duration_ms, parameters
        )
        sums.peak_acceleration_mps2 = _higher_peak(sums.peak_acceleration_mps2, sample.peak_mps2)
    elif sample.event_type == _HARD_CORNER:
        sums.corner_count += observe_detected(hard_events[HardEventKind.CORNER], at_ms, sample.duration_ms, parameters)
        sums.peak_lateral_mps2 = _higher_peak(sums.peak_lateral_mps2, sample.peak_mps2)
    elif sample.event_type == _PHONE_USE:
        report_phone_use(cursor, sums, at_ms, sample.duration_ms)
    elif sample.event_type == _SPEEDING:
        report_speeding(cursor, at_ms, sample.duration_ms)


@kernel
def _higher_peak(peak_mps2: float, reported_mps2: float) -> float:
    return peak_mps2 if math.isnan(reported_mps2) else max(peak_mps2, abs(reported_mps2))
