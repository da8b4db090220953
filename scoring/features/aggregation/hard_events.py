"""Hard brakes, accelerations and corners: threshold, minimum duration, hysteresis, refractory time.

An event begins at the first tick at or beyond the threshold, counts once it has lasted ``min_event_s``, ends when
acceleration falls below ``release_share`` of the threshold, and the next can begin only ``refractory_s`` later
(hysteresis, a minimum time and a second event only after dropping below are the rules of Digital Matter's devices).
An event that the device itself detected is merged with ours where they overlap.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np

from schemas.event_frame import EVENT_TYPES
from scoring.events.compilation import kernel
from scoring.features.parameters import KernelParameters

HARD_BRAKE: Final = EVENT_TYPES.index("hard_brake")
HARD_ACCELERATION: Final = EVENT_TYPES.index("hard_acceleration")
HARD_CORNER: Final = EVENT_TYPES.index("hard_corner")
"""Codes of the event types that a device reports."""

HARD_EVENT: Final = np.dtype(
    [("ended_ms", np.int64), ("lasted_ms", np.int32), ("active", np.int16), ("counted", np.int16)], align=True
)
"""What is remembered of one kind of event of one trip; zeros mean that there was none."""


class HardEventKind(IntEnum):
    """Place of a kind of hard event among those of a trip."""

    BRAKE = 0
    ACCELERATION = 1
    CORNER = 2


@kernel
def end_event(event: Any, at_ms: int) -> None:
    """End the event, if there is one, where it can't be followed further."""
    if event.active == 1:
        event.active = 0
        event.ended_ms = max(event.ended_ms, at_ms)


@kernel
def observe(
    event: Any, strength_mps2: float, threshold_mps2: float, from_ms: int, until_ms: int, parameters: KernelParameters
) -> int:
    """Update an event with one tick; return 1 where the event counts with it, else 0.

    Parameters
    ----------
    event
        A row of `HARD_EVENT`.
    strength_mps2
        Acceleration in the direction of the event; NaN ends an event, as nothing is known.
    threshold_mps2
        Where the event begins.
    from_ms, until_ms
        The tick.
    parameters
        Thresholds.
    """
    if event.active == 1:
        if not strength_mps2 >= parameters.release_share * threshold_mps2:
            end_event(event, from_ms)
            return 0
        event.lasted_ms += until_ms - from_ms
    elif strength_mps2 >= threshold_mps2 and from_ms - event.ended_ms >= parameters.refractory_ms:
        event.active = 1
        event.counted = 0
        event.lasted_ms = until_ms - from_ms
    else:
        return 0
    if event.counted == 0 and event.lasted_ms >= parameters.min_event_ms:
        event.counted = 1
        return 1
    return 0


@kernel
def observe_detected(event: Any, at_ms: int, duration_ms: int, parameters: KernelParameters) -> int:
    """Merge an event that the device detected; return 1 where it overlaps none that has counted, else 0."""
    if event.active == 1:
        counts = 1 - event.counted
        event.counted = 1
    else:
        counts = 1 if at_ms - event.ended_ms >= parameters.refractory_ms else 0
    event.ended_ms = max(event.ended_ms, at_ms + duration_ms)
    return counts
