"""The clock of a partition, by which trips that go silent are closed.

It advances by the mean progress, in event time, of the active trips::

    reach of one trip     ─────────────────────►|      up to where its events reach: the trip is active until the
    reach of another one  ──────────►|                 clock has passed its reach by `_ACTIVE_MS`
                                          ▲ clock: advanced by progress beyond it, divided among the active trips

Devices upload many seconds at once, at times of their own. So each trip has a **reach**: its newest event time, on the
partition's clock. Most devices have the right time, so a trip begins at its event time on the clock, and its uploads
advance the clock only beyond the events of others; the clock never passes all reaches. A trip whose time differs from
that of the others begins at the clock itself: a vehicle with a wrong date, or that uploads hours of backlog, advances
the clock by little. With few active trips, one of them advances it by much; then another trip counts as silent only if
the newest event time is later than its own, too.
"""

from typing import Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.state.arrays import StateArrays, TripStatus

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

_MOST_VOTES: Final = 3
"""Most trips that can agree with the epoch: after a night without traffic, the first few trips of the morning set a new
one."""


@inlined_kernel
def enter_clock(arrays: StateArrays, slot: int, timestamp_ms: int) -> None:
    """Set the reach of a trip that begins: its event time on the clock, or the clock if its time differs from most."""
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    away_ms = timestamp_ms - partition.epoch_ms - partition.clock_ms
    if abs(away_ms) < _MAX_AWAY_MS:
        partition.epoch_votes = min(partition.epoch_votes + 1, _MOST_VOTES)
    else:
        partition.epoch_votes -= 1
        if partition.epoch_votes < 0:
            partition.epoch_votes = 1
            partition.epoch_ms = timestamp_ms - partition.clock_ms
        away_ms = 0.0
    head.reach_ms = partition.clock_ms + away_ms
    head.moved_ms = partition.clock_ms
    partition.active_trips += 1


@inlined_kernel
def advance_clock(arrays: StateArrays, slot: int, timestamp_ms: int) -> None:
    """Advance the partition's clock by one trip's progress, divided among the active trips."""
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
def count_active(arrays: StateArrays) -> int:
    """Count the trips that share the clock: the active ones that are not too far ahead to advance it."""
    clock_ms = arrays.partition[0].clock_ms
    count = 0
    for head in arrays.heads:
        active_until_ms = max(head.moved_ms, head.reach_ms) + _ACTIVE_MS
        if head.status == TripStatus.OPEN and clock_ms <= active_until_ms and head.reach_ms - clock_ms < _MAX_AWAY_MS:
            count += 1
    return count


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
