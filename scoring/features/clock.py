"""The clock of a partition, by which trips that go silent are closed.

It advances by the mean progress, in event time, of the trips that are under way::

    reach of a trip     ─────────────────────►|        what it has sent: it is under way until the clock is there
    of another one      ──────────►|                   and a little more
                                        ▲ clock: moved by what reaches beyond it, shared by all that are under way

Devices send many seconds at once, each when it likes. So a trip's **reach** is kept by the clock: where its events end.
Most trips have the right time, so those that begin enter where their event time is by the clock, and what they upload
moves it only beyond what others have sent before. The clock can't pass all of them. Trips whose time is not the others'
enter where the clock is: one vehicle with a wrong date, or that uploads hours of backlog, moves it by little.
Where hardly any trip is under way, one of them moves it by much: then the others are silent only if its events are
later than theirs.
"""

from typing import Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.state.arrays import StateArrays, TripStatus

_ACTIVE_MS: Final = 30_000.0
"""A trip is under way until the clock has passed its reach and its last progress by this: more than the usual gap.
One that sends what is older than what it has sent makes no progress: its clock was set back, or stands."""

_MAX_STEP_MS: Final = 10_000.0
"""One event moves the clock by at most this, where other trips are under way. Less than `_ACTIVE_MS`: a clock that runs
fast would make all others look silent by one event, and then be the only one that counts."""

_MAX_AWAY_MS: Final = 300_000.0
"""A trip this far ahead of the clock no longer moves it: it uploads what it had stored, or its clock runs fast. One
that begins this far from it has another time than the others. After a gap this long a trip enters anew."""

_CATCH_UP_PER_MS: Final = 1 / 300_000.0
_MOST_CATCH_UP: Final = 0.5
"""Progress counts the more, the further a trip is ahead: trips that vanish are counted for a while, and the clock lags.
By less than twice, or one of two trips could take the clock with it, as fast as it runs."""

_FEW_TRIPS: Final = 3
"""While no more than these are under way, all of them may be uploading what they had stored."""

_LONGEST_BACKLOG_MS: Final = 8 * 3_600_000.0
"""A shift: a trip whose clock is ahead of that of all others must not stay open for ever."""

_MOST_VOTES: Final = 3
"""After a night without traffic, the first few trips of the morning say what time it is."""


@inlined_kernel
def enter_clock(arrays: StateArrays, slot: int, timestamp_ms: int) -> None:
    """Put a trip that begins where its event time is by the clock; where most have another time, at the clock."""
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
    """Move the partition's clock by one trip's progress, shared among the trips that are under way."""
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
    """Count the trips that share the clock: those that are under way, and are not too far ahead to move it."""
    clock_ms = arrays.partition[0].clock_ms
    count = 0
    for head in arrays.heads:
        active_until_ms = max(head.moved_ms, head.reach_ms) + _ACTIVE_MS
        if head.status == TripStatus.OPEN and clock_ms <= active_until_ms and head.reach_ms - clock_ms < _MAX_AWAY_MS:
            count += 1
    return count


@kernel
def silence_ms(arrays: StateArrays, slot: int) -> float:
    """Measure a trip's silence since the end of what it sent, by the clock; where few move it, by event times too.

    To the clock, a vehicle that uploads the past looks like one that drives on while all others are silent.
    """
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    ahead_ms = head.reach_ms - head.seen_ms
    silent_ms = partition.clock_ms - head.seen_ms - (ahead_ms if 0 < ahead_ms < _MAX_AWAY_MS else 0.0)
    if partition.active_trips > _FEW_TRIPS or silent_ms > _LONGEST_BACKLOG_MS:
        return silent_ms
    return min(silent_ms, np.float64(partition.mover_ms - head.newest_ms))
