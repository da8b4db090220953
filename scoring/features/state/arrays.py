"""The arrays that trip states are: a row for each trip's slot, updated in place by the kernels."""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.events.compilation import borrowed, inlined_kernel


class TripStatus(IntEnum):
    """Where a trip is: none in this slot, not yet ended, or scored as final."""

    FREE = 0
    OPEN = 1
    FINAL = 2


DRIVER_KNOWN: Final = 1
"""Flag of `HEAD.login`: an event with the driver was processed; what was emitted before had none."""
LAST_LOGIN: Final = 2
"""Flag of `HEAD.login`: of the drivers of the trip, this one logged in last; events without a driver are theirs."""

SCRATCH: Final = np.int64(0)
MERGED: Final = 1
EMPTY: Final = 2
FIRST_SLOT: Final = 3
"""Rows before it are no trips: two for what-if sums, and one that stays zero.

`SCRATCH` is typed, as numba compiles a kernel once more for each plain number that is passed to it.
"""

HEAD: Final = np.dtype(
    [
        ("first_ms", np.int64),
        ("newest_ms", np.int64),  # the trip's time: newest event time that another event is near, or later than
        ("ahead_ms", np.int64),  # of an event beyond it by more than the grace period; 0 for none
        ("folded_ms", np.int64),  # time of the last event in the sums
        ("live_end_ms", np.int64),  # end of the newest window that has an event
        ("scored_end_ms", np.int64),  # end of the newest window that was scored
        ("dirty_end_ms", np.int64),  # end of a scored window that an event has changed since; 0 for none
        ("severe_ms", np.int64),  # time of the last severe event; 0 for none
        ("seen_ms", np.float64),  # the partition's clock at the last event
        ("moved_ms", np.float64),  # the same at the last event that was newer than all before
        ("reach_ms", np.float64),  # up to where, by the same clock, its events reach
        ("last_event", np.int64),  # number of its last event among those of the partition
        ("first_offset", np.int64),  # of the event that began it, in the log; -1 where that was another one
        ("event_count", np.int32),
        ("late_event_count", np.int32),
        ("revision", np.int32),
        ("window_revision", np.int32),  # how often the live window has been scored
        ("dirty_revision", np.int32),
        ("pending_first", np.int32),
        ("pending_last", np.int32),
        ("newer", np.int32),  # the trip of its vehicle that had an event after its own last one; 0 for none
        ("older", np.int32),
        ("pending_count", np.uint16),
        ("status", np.int8),
        ("vehicle_class", np.int8),
        ("changed", np.int8),  # whether a final trip has changed since it was scored
        ("high_risk", np.int8),  # whether the last score of the trip was in the high-risk band
        ("counted", np.int8),  # whether its vehicle shares the partition's clock by this trip
        ("standstill", np.int8),  # how many events in a row had a time that stood still
        ("evicted", np.int8),  # whether it is among the slots to be released
        ("cut", np.int8),  # whether it may have begun before the log did: one event counts as late for it
        ("part", np.uint8),  # which driver of the trip this is, from 1, in the order in which they logged in
        ("login", np.int8),  # flags `DRIVER_KNOWN` and `LAST_LOGIN`
    ],
    align=True,
)

CURSOR: Final = np.dtype(
    [
        ("window_end_ms", np.int64),
        ("sample_ms", np.int64),  # time of the last sample; 0 for none
        ("speed_ms", np.int64),  # time of the last sample with a speed; 0 for none
        ("speed_since_ms", np.int64),  # time of the first sample of those in a row that had that speed
        ("tick_0_ms", np.int64),
        ("tick_1_ms", np.int64),
        ("tick_2_ms", np.int64),
        ("acceleration_ms", np.int64),
        ("position_ms", np.int64),  # time of the last position that was used
        ("phone_from_ms", np.int64),
        ("phone_until_ms", np.int64),
        ("speeding_from_ms", np.int64),
        ("speeding_until_ms", np.int64),
        ("acceleration_sum", np.float64),
        ("lateral_sum", np.float64),
        ("acceleration_mps2", np.float64),
        ("span_kmh_ms", np.float64),  # distance by speeds since the position that speeds are compared from
        ("speed_kmh", np.float32),  # values of samples as they were sent; widened before computing
        ("tick_0_kmh", np.float32),
        ("tick_1_kmh", np.float32),
        ("tick_2_kmh", np.float32),
        ("latitude", np.float32),  # of the last position that was used; 0 and 0 for none
        ("longitude", np.float32),
        ("span_latitude", np.float32),  # where speeds are compared from; 0 and 0 for nowhere
        ("span_longitude", np.float32),
        ("span_ms", np.int32),  # since then; -1 where that is a position that jumped
        ("tick_0_held_ms", np.int32),  # for how long the speed had been the same
        ("tick_1_held_ms", np.int32),
        ("tick_2_held_ms", np.int32),
        ("tick_0_deg", np.float32),
        ("tick_1_deg", np.float32),
        ("tick_2_deg", np.float32),
        ("phone_earlier_ms", np.int32),  # of reports that ended since the last sample with a speed
        ("speeding_earlier_ms", np.int32),
        ("interval_ms", np.int32),  # between the last two samples
        ("speed_interval_ms", np.int32),  # between the last two with a speed
        ("standstill_ms", np.int32),
        ("acceleration_values", np.int32),
        ("lateral_values", np.int32),
        ("speed_repeats", np.int16),  # how often the last speed came again
        ("direct_steps", np.int16),  # large changes of speed after a speed that came once
        ("repeated_steps", np.int16),  # and after one that came several times
        ("acceleration_rated", np.int8),
        ("unsettled", np.int8),  # whether a speed was believed that the next event may show to be a spike
    ],
    align=True,
)

IDENTITY: Final = np.dtype(
    [
        ("key", np.uint64),  # hash of vehicle and trip id
        ("text_start", np.int32),
        ("trip_size", np.uint8),  # 0 for a slot without a trip
        ("vehicle_size", np.uint8),
        ("driver_size", np.uint8),
        ("client_size", np.uint8),
    ],
    align=True,
)
"""Key of a trip, and where its ids are in the texts: adjacent, with their sizes in bytes; the driver's is 0 while no
driver is known. Each driver of a trip has a slot; the keys are the same."""

PARTITION: Final = np.dtype(
    [
        ("clock_ms", np.float64),
        ("next_sweep_ms", np.float64),
        ("active_trips", np.int64),  # how many trips are counted: at most one of each vehicle
        ("mover_ms", np.int64),  # newest event time of the trips that moved the clock since the last sweep
        ("epoch_ms", np.float64),  # event time at which the clock was 0, as most trips that began have it
        ("epoch_votes", np.int64),  # how many more agree with it than do not
        ("cut_until_ms", np.float64),  # on the clock: trips that begin before may be the rest of longer ones
        ("event_number", np.int64),  # of the last event
        ("offset", np.int64),  # of the last event, in the log
        ("kept_trips", np.int64),  # that have begun and are not evicted
        ("evict_until", np.int64),  # `last_event` of the newest trip that a sweep evicts for the maximum; 0 for none
        ("trips", np.int64),
        ("free_slots", np.int64),
        ("free_sample", np.int64),
        ("free_samples", np.int64),
        ("text_bytes", np.int64),  # used from the beginning of the texts
        ("idle_text_bytes", np.int64),  # of them, those of released trips
        ("duplicate_count", np.int64),
        ("late_count", np.int64),
        ("clock_jump_count", np.int64),  # events with a wrong time that were left out
        ("rollover_count", np.int64),  # events whose time was 1,024 weeks behind
        ("spike_count", np.int64),  # speeds that were left out as spikes
        ("position_jump_count", np.int64),  # positions that were left out as they jump
        ("speed_contradicted_count", np.int64),  # final scores of trips whose speed contradicts their positions
        ("held_speed_count", np.int64),  # final scores of trips whose sensor holds its speeds
        ("sensor_offset_count", np.int64),  # final scores of trips with a sensor whose offset was subtracted
        ("sensor_contradicted_count", np.int64),  # and of those with a sensor that is not believed
        ("evicted_count", np.int64),  # slots to be released
        ("vehicle_evictions", np.int64),
        ("partition_evictions", np.int64),
        ("sweep_slot", np.int64),  # where an interrupted sweep continues; 0 for none
    ],
    align=True,
)
"""What the trips of a partition share: its clock, how many there are, the free lists, and counts since the start."""


class StateArrays(NamedTuple):
    """The arrays that kernels update in place; a slot is a row of each of the first seven.

    Attributes
    ----------
    texts
        uint8 array: the ids of all trips in UTF-8. Those of a trip are rarely half as long as ids may be.
    pool
        Pending events.
    table
        int32 array, its size a power of two: slots by the hash of their keys; 0 where there is none.
    vehicles
        int32 array, as large: of each vehicle the trip with the newest event, by the hash of the vehicle's id.
    free
        int32 array: slots without a trip, the first ``free_slots`` of it; those to be released are the last
        ``evicted_count``.
    changed_chunks
        bool array: which chunks have changed since they were stored.
    partition
        One row of ``PARTITION``.
    """

    heads: NDArray[np.void]
    cursors: NDArray[np.void]
    hard_events: NDArray[np.void]
    sensor_checks: NDArray[np.void]
    windows: NDArray[np.void]
    trips: NDArray[np.void]
    identities: NDArray[np.void]
    texts: NDArray[np.uint8]
    pool: NDArray[np.void]
    table: NDArray[np.int32]
    vehicles: NDArray[np.int32]
    free: NDArray[np.int32]
    changed_chunks: NDArray[np.bool_]
    partition: NDArray[np.void]


ROW_ARRAYS: Final = ("heads", "cursors", "hard_events", "sensor_checks", "windows", "trips", "identities")
"""Arrays with a row a slot."""


@inlined_kernel
def borrowed_arrays(arrays: StateArrays) -> StateArrays:
    """Give borrowed views of the arrays; see `borrowed`."""
    return StateArrays(
        borrowed(arrays.heads),
        borrowed(arrays.cursors),
        borrowed(arrays.hard_events),
        borrowed(arrays.sensor_checks),
        borrowed(arrays.windows),
        borrowed(arrays.trips),
        borrowed(arrays.identities),
        borrowed(arrays.texts),
        borrowed(arrays.pool),
        borrowed(arrays.table),
        borrowed(arrays.vehicles),
        borrowed(arrays.free),
        borrowed(arrays.changed_chunks),
        borrowed(arrays.partition),
    )


@inlined_kernel
def mark_changed(arrays: StateArrays, slot: int) -> None:
    """Note that a trip has changed, other than by an event of its own, since its chunk was stored."""
    arrays.changed_chunks[arrays.identities[slot].key % np.uint64(arrays.changed_chunks.size)] = True
