"""The pending events of a trip: a list sorted by time, so that what comes out of order is sorted in.

The lists of all trips of a partition share one pool of samples, linked by their indexes; 0 is the end of a list. The
free ones are a list too, in which 0 means the next index: memory that was never used, all zeros, is such a list.
"""

import math
from enum import IntEnum
from typing import Any

from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.state.arrays import StateArrays


class Insertion(IntEnum):
    """What inserting an event did to the pending list."""

    KNOWN = 0
    CHANGED = 1
    ADDED = 2


@inlined_kernel
def insert(arrays: StateArrays, slot: int, arrived: Any) -> int:
    """Sort an event into the trip's pending list, or recognise it as a duplicate.

    Two events of one type at one time are one event. Should their measurements differ, the larger of each is kept, of
    accelerations the stronger, so that the result does not depend on which came first.

    Parameters
    ----------
    arrays
        State of the partition; the pool has at least one free sample.
    slot
        The trip.
    arrived
        A row of ``SAMPLE``.

    Returns
    -------
    int
        An `Insertion`: ``ADDED`` for a new event, ``CHANGED`` for a duplicate that changed a measurement, ``KNOWN`` for
        any other.
    """
    head = arrays.heads[slot]
    pool = arrays.pool
    after = head.pending_last
    while after != 0 and pool[after].timestamp_ms >= arrived.timestamp_ms:
        if pool[after].timestamp_ms == arrived.timestamp_ms:
            if pool[after].event_type == arrived.event_type:
                return _keep_larger(pool[after], arrived)
            if pool[after].event_type < arrived.event_type:
                break
        after = pool[after].preceding

    partition = arrays.partition[0]
    index = partition.free_sample
    partition.free_sample = pool[index].following if pool[index].following != 0 else index + 1
    partition.free_samples -= 1
    before = pool[after].following if after != 0 else head.pending_first
    pool[index] = arrived
    pool[index].preceding = after
    pool[index].following = before
    if after != 0:
        pool[after].following = index
    else:
        head.pending_first = index
    if before != 0:
        pool[before].preceding = index
    else:
        head.pending_last = index
    head.pending_count += 1
    return Insertion.ADDED


@inlined_kernel
def repeats_event_id(arrays: StateArrays, slot: int, arrived: Any) -> bool:
    """Tell whether a pending event of another time or type has the event's ``event_id``: the first to arrive counts."""
    if arrived.event_hash == 0:
        return False
    index = arrays.heads[slot].pending_last
    while index != 0:
        kept = arrays.pool[index]
        if kept.event_hash == arrived.event_hash:
            return kept.timestamp_ms != arrived.timestamp_ms or kept.event_type != arrived.event_type
        index = kept.preceding
    return False


@kernel
def _larger(kept: float, arrived: float) -> float:
    return arrived if math.isnan(kept) or arrived > kept else kept


@kernel
def _stronger(kept: float, arrived: float) -> float:
    if math.isnan(kept) or abs(arrived) > abs(kept):
        return arrived
    return max(kept, arrived) if abs(arrived) == abs(kept) else kept


@kernel
def _keep_larger(kept: Any, arrived: Any) -> int:
    speed = _larger(kept.speed_kmh, arrived.speed_kmh)
    acceleration = _stronger(kept.acceleration_mps2, arrived.acceleration_mps2)
    lateral = _stronger(kept.lateral_acceleration_mps2, arrived.lateral_acceleration_mps2)
    heading = _larger(kept.heading_deg, arrived.heading_deg)
    limit = _larger(kept.speed_limit_kmh, arrived.speed_limit_kmh)
    peak = _stronger(kept.peak_mps2, arrived.peak_mps2)
    duration_ms = max(kept.duration_ms, arrived.duration_ms)
    utc_offset_min = max(kept.utc_offset_min, arrived.utc_offset_min)
    same_position = not _keep_larger_position(kept, arrived)
    same = (
        same_position
        and _same(kept.speed_kmh, speed)
        and _same(kept.acceleration_mps2, acceleration)
        and _same(kept.lateral_acceleration_mps2, lateral)
        and _same(kept.heading_deg, heading)
        and _same(kept.speed_limit_kmh, limit)
        and _same(kept.peak_mps2, peak)
        and kept.duration_ms == duration_ms
        and kept.utc_offset_min == utc_offset_min
    )
    kept.speed_kmh = speed
    kept.acceleration_mps2 = acceleration
    kept.lateral_acceleration_mps2 = lateral
    kept.heading_deg = heading
    kept.speed_limit_kmh = limit
    kept.peak_mps2 = peak
    kept.duration_ms = duration_ms
    kept.utc_offset_min = utc_offset_min
    return Insertion.KNOWN if same else Insertion.CHANGED


@kernel
def _keep_larger_position(kept: Any, arrived: Any) -> bool:
    """Keep the known position, of two the one further north, or east; tell whether that changes it."""
    if math.isnan(arrived.latitude) or math.isnan(arrived.longitude):
        return False
    is_known = not (math.isnan(kept.latitude) or math.isnan(kept.longitude))
    if is_known and (kept.latitude, kept.longitude) >= (arrived.latitude, arrived.longitude):
        return False
    kept.latitude = arrived.latitude
    kept.longitude = arrived.longitude
    return True


@kernel
def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@inlined_kernel
def take_first(arrays: StateArrays, slot: int) -> int:
    """Unlink the oldest pending event; its place in the pool is free, and stays readable until the next insert."""
    head = arrays.heads[slot]
    index = head.pending_first
    head.pending_first = arrays.pool[index].following
    if head.pending_first != 0:
        arrays.pool[head.pending_first].preceding = 0
    else:
        head.pending_last = 0
    head.pending_count -= 1
    arrays.pool[index].following = arrays.partition[0].free_sample
    arrays.partition[0].free_sample = index
    arrays.partition[0].free_samples += 1
    return index


@kernel
def free_all(arrays: StateArrays, slot: int) -> None:
    """Free all pending events of a trip."""
    while arrays.heads[slot].pending_first != 0:
        take_first(arrays, slot)
