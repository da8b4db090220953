"""Which events are severe: what a device reports, or what a sensor measures that is believed."""

import math
from typing import Any, Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.aggregation.hard_events import HARD_ACCELERATION, HARD_BRAKE, HARD_CORNER
from scoring.features.aggregation.sensor_check import (
    CONTRADICTION_MPS2,
    MOST_OFFSET_MPS2,
    Sensor,
    contradicts,
    is_unknown,
    offset_mps2,
)
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import StateArrays

_HARD_EVENTS: Final = (HARD_BRAKE, HARD_ACCELERATION, HARD_CORNER)


@inlined_kernel
def may_be_severe(sample: Any, parameters: KernelParameters) -> bool:
    """Tell whether `severe_event` is to be asked: nearly never, and to call it takes long."""
    least_mps2 = parameters.severe_mps2 - MOST_OFFSET_MPS2
    return (
        sample.event_type in _HARD_EVENTS
        or abs(sample.acceleration_mps2) >= least_mps2
        or abs(sample.lateral_acceleration_mps2) >= least_mps2
    )


@kernel
def severe_event(arrays: StateArrays, slot: int, sample: Any, parameters: KernelParameters) -> tuple[float, int]:
    """Give the largest acceleration of a severe event, m/s², and its type; 0 where it is none.

    What a device reports counts as it is. What a sensor measures counts up to ``fault_mps2``, less its offset, unless
    the sensor contradicts speed or heading: by the ticks so far, or, as the trip begins, by the pending samples.
    """
    along = _measured(arrays, slot, sample.acceleration_mps2, Sensor.ALONG, parameters)
    across = _measured(arrays, slot, sample.lateral_acceleration_mps2, Sensor.ACROSS, parameters)
    peak = along if abs(along) >= abs(across) else across
    event_type = HARD_CORNER if abs(across) > abs(along) else HARD_BRAKE if along < 0 else HARD_ACCELERATION
    if sample.event_type in _HARD_EVENTS:
        event_type = sample.event_type
        if abs(sample.peak_mps2) > abs(peak):
            peak = np.float64(sample.peak_mps2)
    if abs(peak) < parameters.severe_mps2 or peak == 0:
        return 0.0, event_type
    return peak, event_type


@kernel
def _measured(arrays: StateArrays, slot: int, measured: float, sensor: int, parameters: KernelParameters) -> float:
    check = arrays.sensor_checks[slot, sensor]
    if not abs(measured) <= parameters.fault_mps2 or contradicts(check):
        return 0.0
    believed = np.float64(measured) - offset_mps2(check)
    if abs(believed) < parameters.severe_mps2:
        return 0.0
    if is_unknown(check) and _pending_contradict(arrays, slot, sensor, parameters):
        return 0.0
    return believed


@kernel
def _pending_contradict(arrays: StateArrays, slot: int, sensor: int, parameters: KernelParameters) -> bool:
    """Tell whether the sensor contradicts the speed in the pending samples: their mean, the newest one not included.

    Of one across the mean of some seconds should be small. The newest sample alone contradicts the speed where the
    vehicle stands still.
    """
    head = arrays.heads[slot]
    newest = arrays.pool[head.pending_last]
    total, count = 0.0, 0
    first_ms, first_kmh, last_ms, last_kmh = np.int64(0), math.nan, np.int64(0), math.nan
    index = head.pending_first
    while index != 0:
        if index == head.pending_last:
            break
        sample = arrays.pool[index]
        measured = sample.acceleration_mps2 if sensor == Sensor.ALONG else sample.lateral_acceleration_mps2
        if not math.isnan(sample.speed_kmh) and abs(measured) <= parameters.fault_mps2:
            total += measured
            count += 1
            if count == 1:
                first_ms, first_kmh = sample.timestamp_ms, np.float64(sample.speed_kmh)
            last_ms, last_kmh = sample.timestamp_ms, np.float64(sample.speed_kmh)
        index = sample.following
    if count == 0:
        return newest.speed_kmh < parameters.idle_kmh
    slope = 0.0
    if sensor == Sensor.ALONG:
        if last_ms > first_ms:
            slope = (last_kmh - first_kmh) / 3.6 / ((last_ms - first_ms) / 1000.0)
        elif not last_kmh < parameters.idle_kmh:
            return False
    return abs(total / count - slope) > CONTRADICTION_MPS2
