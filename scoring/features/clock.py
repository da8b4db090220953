"""The clock of a partition, by which trips that go silent are closed.

It advances by the mean progress, in event time, of the active vehicles::

    reach of one trip     ─────────────────────►|      up to where its events reach: the trip is active until the
    reach of another one  ──────────►|                 clock has passed its reach by `_ACTIVE_MS`
                                          ▲ clock: advanced by progress beyond it, divided among the active vehicles

A vehicle drives one trip at a time, so one trip of each is **counted**: the one that reaches furthest. Another trip of
the vehicle advances the clock only by how far it reaches beyond that, and is then counted instead. A trip that begins
while its vehicle is counted continues the vehicle's progress. So a device that begins a trip each second, or alternates
between two, weighs as much as one vehicle, and so do all vehicles that share an id.

Devices upload many seconds at once, at times of their own. So each trip has a **reach**: its newest event time, on the
partition's clock. Most devices have the right time, so a trip begins at its event time on the clock, and its uploads
advance the clock only beyond the events of others; the clock never passes all reaches. A trip whose time differs from
that of the others begins at the clock itself: a vehicle with a wrong date, or that uploads hours of backlog, advances
the clock by little. With few active trips, one of them advances it by much; then another trip counts as silent only if
the newest event time is later than its own, too.
"""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.state.arrays import StateArrays, TripStatus, mark_changed

_ACTIVE_MS: Final = 30_000.0
"""A trip is active until the clock has passed its reach and its last progress by this: more than the usual gap.
A trip whose events are older than its newest one makes no progress: its device's clock was set back, or stopped."""

_MAX_STEP_MS: Final = 10_000.0
"""One event advances the clock by at most this while other trips are active. It is less than `_ACTIVE_MS`: otherwise
one event of a device whose clock runs fast could make all other trips inactive, and that trip the only active one."""

_MAX_AWAY_MS: Final = 300_000.0
"""A trip this far ahead of the clock no longer advances it: it uploads a backlog, or its device's clock runs fast. A
trip that begins this far from the clock has a time that differs from the others'. After a gap this long, a trip's reach
is computed again."""

_CATCH_UP_PER_MS: Final = 1 / 300_000.0
_MOST_CATCH_UP: Final = 0.5
"""Progress is weighted more, the further a trip is ahead, as the clock lags: trips that have vanished are counted as
active for a while. The weight stays below 2, or one of two trips could advance the clock as fast as its own time."""

_FEW_TRIPS: Final = 3
"""While no more than these are active, all of them may be uploading a backlog."""

_LONGEST_BACKLOG_MS: Final = 8 * 3_600_000.0
"""A working shift. Beyond it a trip is closed by the clock alone, or one ahead of all others would stay open."""

_STANDSTILL_EVENTS: Final = 10
"""A vehicle with so many events in a row whose time stands still, or is long past, is not counted until it goes on.
More than a vehicle sends of one moment. Otherwise many devices that stand still would stop the clock."""

_MOST_VOTES: Final = 3
"""Most trips that can agree with the epoch: after a night without traffic, the first few trips of the morning set a new
one."""


@kernel
def _counted_trip(arrays: StateArrays, slot: Any) -> Any:
    """Find the trip that is counted among this one and the older ones of its vehicle; 0 for none."""
    while slot != 0 and arrays.heads[slot].counted == 0:
        slot = np.int64(arrays.heads[slot].older)
    return slot


@inlined_kernel
def _set_counted(arrays: StateArrays, slot: int, counted: int) -> None:
    head = arrays.heads[slot]
    if head.counted != counted:
        head.counted = counted
        mark_changed(arrays, slot)


@kernel
def stop_counting(arrays: StateArrays, slot: int) -> None:
    """Let a trip no longer share the clock."""
    if arrays.heads[slot].counted == 1:
        _set_counted(arrays, slot, 0)
        arrays.partition[0].active_trips -= 1


@inlined_kernel
def _advance(arrays: StateArrays, slot: int, before_ms: float, timestamp_ms: int) -> None:
    """Advance the clock by how far a trip reaches beyond it, and beyond what its vehicle reached before."""
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    clock_ms = partition.clock_ms
    ahead_ms = max(before_ms - clock_ms, 0.0)
    if ahead_ms < _MAX_AWAY_MS:
        partition.mover_ms = max(partition.mover_ms, timestamp_ms)
        beyond_ms = head.reach_ms - clock_ms - ahead_ms
        if beyond_ms > 0:
            step_ms = beyond_ms * (1 + min(ahead_ms * _CATCH_UP_PER_MS, _MOST_CATCH_UP))
            if partition.active_trips > 1:
                step_ms = min(step_ms / partition.active_trips, _MAX_STEP_MS)
            partition.clock_ms = min(clock_ms + step_ms, head.reach_ms)
    head.moved_ms = partition.clock_ms


@kernel
def enter_clock(arrays: StateArrays, slot: int, timestamp_ms: int) -> None:
    """Set the reach of a trip that begins; it is first in the list of its vehicle's trips."""
    head = arrays.heads[slot]
    counted = _counted_trip(arrays, np.int64(head.older))
    before = counted if counted != 0 else np.int64(head.older)
    if before != 0 and _continues(arrays, slot, before, counted, timestamp_ms):
        return
    partition = arrays.partition[0]
    head.reach_ms = partition.clock_ms + _away_ms(arrays, slot, timestamp_ms)
    head.moved_ms = partition.clock_ms
    if before != 0:
        head.standstill = min(arrays.heads[before].standstill + 1, _STANDSTILL_EVENTS)
    if counted != 0:
        stop_counting(arrays, counted)
    if head.standstill < _STANDSTILL_EVENTS:
        head.counted = 1
        partition.active_trips += 1


@inlined_kernel
def _away_ms(arrays: StateArrays, slot: int, timestamp_ms: int) -> float:
    """Give how far an event time is from the clock; 0 if it differs from that of most trips that began.

    Trips vote about the event time at which the clock was 0, but not the third trip of a vehicle and later ones: a
    device with a wrong date that begins many trips has no more votes than others.
    """
    partition = arrays.partition[0]
    older = arrays.heads[slot].older
    votes = older == 0 or arrays.heads[older].older == 0
    away_ms = timestamp_ms - partition.epoch_ms - partition.clock_ms
    if abs(away_ms) < _MAX_AWAY_MS:
        if votes:
            partition.epoch_votes = min(partition.epoch_votes + 1, _MOST_VOTES)
        return away_ms
    if votes:
        partition.epoch_votes -= 1
        if partition.epoch_votes < 0:
            partition.epoch_votes = 1
            partition.epoch_ms = timestamp_ms - partition.clock_ms
    return 0.0


@inlined_kernel
def _continues(arrays: StateArrays, slot: int, before: int, counted: int, timestamp_ms: int) -> bool:
    """Let a trip that begins continue the progress of its vehicle's trip before, if their event times are close."""
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    earlier = arrays.heads[before]
    clock_ms = partition.clock_ms
    progress_ms = np.float64(timestamp_ms - earlier.newest_ms)
    is_ahead = earlier.reach_ms - clock_ms >= _MAX_AWAY_MS
    has_uploaded_backlog = is_ahead and abs(timestamp_ms - partition.epoch_ms - clock_ms) < _MAX_AWAY_MS
    if abs(progress_ms) > _MAX_AWAY_MS or has_uploaded_backlog:
        return False
    if progress_ms <= 0:
        head.reach_ms = earlier.reach_ms + progress_ms
        head.moved_ms = earlier.moved_ms
        if progress_ms == 0:
            earlier.standstill = min(earlier.standstill + 1, _STANDSTILL_EVENTS)
            mark_changed(arrays, before)
        head.standstill = earlier.standstill
        if head.standstill == _STANDSTILL_EVENTS:
            stop_counting(arrays, before)
        return True
    if counted == 0 and not is_ahead:
        return False
    before_ms = max(earlier.reach_ms, clock_ms - _MAX_AWAY_MS)
    head.reach_ms = before_ms + progress_ms
    if counted != 0:
        _set_counted(arrays, before, 0)
        head.counted = 1
    _advance(arrays, slot, before_ms, timestamp_ms)
    return True


@inlined_kernel
def advance_clock(arrays: StateArrays, slot: int, timestamp_ms: int) -> None:
    """Advance the partition's clock by one trip's progress, divided among the active vehicles."""
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    clock_ms = partition.clock_ms
    progress_ms = np.float64(timestamp_ms - head.newest_ms)
    if progress_ms > _MAX_AWAY_MS:
        away_ms = timestamp_ms - partition.epoch_ms - clock_ms
        head.reach_ms = clock_ms + (away_ms if abs(away_ms) < _MAX_AWAY_MS else -_ACTIVE_MS)
        return
    before_ms = max(head.reach_ms, clock_ms - _MAX_AWAY_MS)
    head.reach_ms = before_ms + progress_ms
    if head.standstill != 0:
        _go_on(arrays, slot)
    if head.counted == 0 and head.older != 0:
        before_ms = _vehicle_reach_ms(arrays, slot, before_ms)
    _advance(arrays, slot, before_ms, timestamp_ms)


@kernel
def _vehicle_reach_ms(arrays: StateArrays, slot: int, before_ms: float) -> float:
    """Give how far a trip's vehicle reached before an event, and count the trip instead if it now reaches further."""
    head = arrays.heads[slot]
    clock_ms = arrays.partition[0].clock_ms
    counted = _counted_trip(arrays, np.int64(head.older))
    if counted == 0 or before_ms - clock_ms >= _MAX_AWAY_MS:
        return before_ms
    reach_ms = arrays.heads[counted].reach_ms
    is_too_far = reach_ms - clock_ms >= _MAX_AWAY_MS
    if is_too_far or head.reach_ms > reach_ms:
        _set_counted(arrays, counted, 0)
        head.counted = 1
    return before_ms if is_too_far else max(before_ms, reach_ms)


@inlined_kernel
def stand_still(arrays: StateArrays, slot: int, timestamp_ms: int) -> None:
    """Note an event that is not newer than all before: a vehicle whose time stands still is not counted."""
    head = arrays.heads[slot]
    if head.standstill < _STANDSTILL_EVENTS and (
        timestamp_ms == head.newest_ms or timestamp_ms < head.newest_ms - _MAX_AWAY_MS
    ):
        head.standstill += 1
        if head.standstill == _STANDSTILL_EVENTS:
            stop_counting(arrays, slot)


@kernel
def _go_on(arrays: StateArrays, slot: int) -> None:
    """Count a trip again whose time had stood still, unless another one of its vehicle is counted."""
    head = arrays.heads[slot]
    if (
        head.standstill == _STANDSTILL_EVENTS
        and head.counted == 0
        and head.status == TripStatus.OPEN
        and _counted_trip(arrays, np.int64(head.older)) == 0
    ):
        head.counted = 1
        arrays.partition[0].active_trips += 1
    head.standstill = 0


@kernel
def count_active(arrays: StateArrays) -> int:
    """Count the vehicles that share the clock: active ones that are not too far ahead to advance it, or stand still."""
    heads = arrays.heads
    clock_ms = arrays.partition[0].clock_ms
    count = 0
    for first in range(heads.size):
        if heads[first].status == TripStatus.FREE or heads[first].newer != 0:
            continue
        furthest = 0
        slot: Any = first
        while slot != 0:
            if _is_active(heads[slot], clock_ms) and (furthest == 0 or heads[slot].reach_ms > heads[furthest].reach_ms):
                furthest = slot
            slot = np.int64(heads[slot].older)
        slot = first
        while slot != 0:
            counted = 1 if slot == furthest else 0
            if heads[slot].counted != counted:
                heads[slot].counted = counted
                mark_changed(arrays, slot)
            slot = np.int64(heads[slot].older)
        count += 1 if furthest != 0 else 0
    return count


@inlined_kernel
def _is_active(head: Any, clock_ms: float) -> bool:
    return (
        head.status == TripStatus.OPEN
        and clock_ms <= max(head.moved_ms, head.reach_ms) + _ACTIVE_MS
        and head.reach_ms - clock_ms < _MAX_AWAY_MS
        and head.standstill < _STANDSTILL_EVENTS
    )


@kernel
def silence_ms(arrays: StateArrays, slot: int) -> float:
    """Measure a trip's silence since its newest event, by the clock; with few active trips, by event times too.

    On the clock, a vehicle that uploads a backlog looks like one that drives on while all others are silent.
    """
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    ahead_ms = head.reach_ms - head.seen_ms
    silent_ms = partition.clock_ms - head.seen_ms - (ahead_ms if 0 < ahead_ms < _MAX_AWAY_MS else 0.0)
    if partition.active_trips > _FEW_TRIPS or silent_ms > _LONGEST_BACKLOG_MS:
        return silent_ms
    return min(silent_ms, np.float64(partition.mover_ms - head.newest_ms))
