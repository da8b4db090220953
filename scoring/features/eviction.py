"""Trips that are closed for their silence, and whose state is freed: kept long enough, or more than the maximum.

A sweep goes through all trips every so often on the partition's clock. A vehicle or a partition with too many trips
evicts those that are silent for longest earlier: a device that begins trip after trip must not fill the memory. All of
it depends only on the order of events, as ``emission`` does.
"""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import kernel
from scoring.features.clock import count_active, silence_ms, stop_counting
from scoring.features.emission import MAX_ROWS_PER_EVENT, finish
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import EMPTY, LAST_LOGIN, StateArrays, TripStatus
from scoring.features.state.pending import free_all
from scoring.features.state.vehicles import leave_vehicle

_SWEEP_EVERY_MS: Final = 10_000.0
"""Silent trips are looked for this often on the partition's clock; closing is exact to this."""


@kernel
def evict(arrays: StateArrays, slot: int) -> None:
    """Free a trip's state.

    The slot keeps the trip's ids, class and driver until `TripStates.release_evicted`, for later events of the same
    batch, and whether it was in the high-risk band, as its last rows are not scored yet.
    """
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    if head.evicted == 0:
        partition.evicted_count += 1
        arrays.free[arrays.free.size - partition.evicted_count] = slot
    free_all(arrays, slot)
    stop_counting(arrays, slot)
    leave_vehicle(arrays, slot)
    vehicle_class, part, high_risk = head.vehicle_class, head.part, head.high_risk
    login = head.login & LAST_LOGIN
    arrays.heads[slot] = arrays.heads[EMPTY]
    head.vehicle_class = vehicle_class
    head.part = part
    head.login = login
    head.high_risk = high_risk
    head.evicted = 1
    arrays.cursors[slot] = arrays.cursors[EMPTY]
    arrays.windows[slot] = arrays.windows[EMPTY]
    arrays.trips[slot] = arrays.trips[EMPTY]
    for kind in range(3):
        arrays.hard_events[slot, kind] = arrays.hard_events[EMPTY, kind]
    for sensor in range(2):
        arrays.sensor_checks[slot, sensor] = arrays.sensor_checks[EMPTY, sensor]
    partition.kept_trips -= 1


@kernel
def _evict_early(
    arrays: StateArrays, slot: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    """Evict a trip before it was kept long enough; what has no final score yet is emitted as final."""
    head = arrays.heads[slot]
    if head.status == TripStatus.OPEN or head.changed == 1:
        count = finish(arrays, slot, parameters, emitted, features, count)
    evict(arrays, slot)
    return count


@kernel
def limit_vehicle(
    arrays: StateArrays, slot: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    """Evict the trips of a vehicle beyond the maximum as one begins, those that are silent for longest first.

    That is one, or two after a restart with a smaller maximum, as an event emits a limited number of rows.
    """
    kept = 1
    oldest = np.int64(slot)
    while arrays.heads[oldest].older != 0:
        oldest = np.int64(arrays.heads[oldest].older)
        kept += 1
    for _ in range(min(kept - parameters.max_vehicle_trips, 2)):
        newer = np.int64(arrays.heads[oldest].newer)
        count = _evict_early(arrays, oldest, parameters, emitted, features, count)
        arrays.partition[0].vehicle_evictions += 1
        oldest = newer
    return count


@kernel
def _event_to_evict_until(arrays: StateArrays, parameters: KernelParameters) -> int:
    """Give the last event of the newest trip to evict, so that no more than the maximum are kept; 0 for none.

    A 64th more than needed, or each new trip would need a sweep.
    """
    partition = arrays.partition[0]
    excess = partition.kept_trips - parameters.max_partition_trips
    if parameters.max_partition_trips == 0 or excess <= 0:
        return 0
    last_events = np.empty(partition.kept_trips, np.int64)
    kept = 0
    for head in arrays.heads:
        if head.status != TripStatus.FREE:
            last_events[kept] = head.last_event
            kept += 1
    last = min(excess + parameters.max_partition_trips // 64, kept - 1) - 1
    return np.partition(last_events, last)[last]


@kernel
def sweep(arrays: StateArrays, parameters: KernelParameters, emitted: Any, features: Any, count: int) -> int:
    """Close trips that have gone silent, emit changed ones again, evict those kept long enough or beyond the maximum.

    A sweep returns early where the arrays of rows may be full; ``sweep_slot`` is then where it continues, else 0.
    """
    partition = arrays.partition[0]
    if partition.sweep_slot == 0:
        partition.evict_until = _event_to_evict_until(arrays, parameters)
    for slot in range(partition.sweep_slot, arrays.heads.size):
        if count + MAX_ROWS_PER_EVENT > emitted.size:
            partition.sweep_slot = slot
            return count
        head = arrays.heads[slot]
        silent_ms = silence_ms(arrays, slot)
        if head.status != TripStatus.FREE and head.last_event <= partition.evict_until:
            count = _evict_early(arrays, slot, parameters, emitted, features, count)
            partition.partition_evictions += 1
        elif head.status == TripStatus.OPEN:
            if silent_ms > parameters.idle_gap_ms:
                count = finish(arrays, slot, parameters, emitted, features, count)
        elif head.changed == 1:
            if silent_ms > parameters.grace_ms:
                count = finish(arrays, slot, parameters, emitted, features, count)
        elif head.status == TripStatus.FINAL and silent_ms > parameters.retention_ms:
            evict(arrays, slot)
    partition.sweep_slot = 0
    partition.mover_ms = 0
    partition.active_trips = count_active(arrays)
    partition.next_sweep_ms = partition.clock_ms + _SWEEP_EVERY_MS
    return count
