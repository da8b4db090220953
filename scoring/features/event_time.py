"""The time of a trip, by the times of its events: one wrong clock must not move it.

An event that is ahead of all others by more than the grace period does not move the trip's time until another event
confirms it: one that is near it, or later. So the trip's time is that of its newest event, or of the second newest
where the newest is ahead. It depends on the events only, not on their order.
"""

from typing import Any, Final

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import StateArrays, TripStatus
from scoring.features.state.pending import take_first

ROLLOVER_MS: Final = 1024 * 7 * 86_400_000
"""GPS counts weeks modulo 1,024: receivers with old firmware are behind by exactly this."""

_FIRST_AND_AHEAD: Final = 2

ROLLOVER_TOLERANCE_MS: Final = 86_400_000
"""Between the time of a device that uploads late and that of the others."""


@inlined_kernel
def correct_rollover(arrays: StateArrays, sample: Any) -> None:
    """Add 1,024 weeks to an event's time if that makes it the time of the partition's other trips."""
    partition = arrays.partition[0]
    behind_ms = partition.epoch_ms + partition.clock_ms - sample.timestamp_ms
    if abs(behind_ms - ROLLOVER_MS) < ROLLOVER_TOLERANCE_MS:
        sample.timestamp_ms += ROLLOVER_MS
        partition.rollover_count += 1


@inlined_kernel
def confirmed_time(head: Any, timestamp_ms: int, parameters: KernelParameters) -> tuple[int, int]:
    """Give a trip's time with one more event, and the time of an event that is ahead of it, 0 for none."""
    if head.ahead_ms == 0 and timestamp_ms <= head.newest_ms + parameters.grace_ms:
        return max(head.newest_ms, timestamp_ms), 0
    return _with_one_ahead(head, timestamp_ms, parameters)


@kernel
def _with_one_ahead(head: Any, timestamp_ms: int, parameters: KernelParameters) -> tuple[int, int]:
    newest_ms, ahead_ms = head.newest_ms, head.ahead_ms
    if timestamp_ms <= newest_ms + parameters.grace_ms:
        newest_ms = max(newest_ms, timestamp_ms)
    elif ahead_ms in (0, timestamp_ms):
        return newest_ms, timestamp_ms
    else:
        newest_ms = min(timestamp_ms, ahead_ms)
        ahead_ms = max(timestamp_ms, ahead_ms)
    if ahead_ms - newest_ms <= parameters.grace_ms:
        return ahead_ms, 0
    return newest_ms, ahead_ms


@inlined_kernel
def has_wrong_first_time(head: Any, timestamp_ms: int, parameters: KernelParameters) -> bool:
    """Tell whether the trip's only event so far is ahead of this one by more than the grace period."""
    return (
        head.event_count == 1
        and timestamp_ms < head.newest_ms - parameters.grace_ms
        and head.status == TripStatus.OPEN
        and head.folded_ms == 0
        and head.revision == 0
    )


@kernel
def leave_out_first(arrays: StateArrays, slot: int, newest_ms: int, parameters: KernelParameters) -> None:
    """Leave out a trip's first event if all others are later by more than the retention: its time was wrong."""
    head = arrays.heads[slot]
    is_alone = (
        head.event_count == _FIRST_AND_AHEAD
        and head.folded_ms == 0
        and head.revision == 0
        and head.status == TripStatus.OPEN
    )
    if is_alone and newest_ms - head.newest_ms > parameters.retention_ms:
        take_first(arrays, slot)
        head.event_count -= 1
        head.late_event_count += 1
        arrays.partition[0].clock_jump_count += 1
        head.first_ms = newest_ms
        head.live_end_ms = (newest_ms // parameters.window_ms + 1) * parameters.window_ms
