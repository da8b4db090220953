"""Update trip states with events: the same function for stream, training and files."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES
from scoring.events.columns import EventColumns
from scoring.events.compilation import borrowed, inlined_kernel, kernel
from scoring.events.ids import IdPlace
from scoring.features.aggregation.aggregates import FEATURE_ROW
from scoring.features.clock import advance_clock, enter_clock, stand_still
from scoring.features.emission import (
    EMITTED,
    MAX_ROWS_PER_EVENT,
    NO_ROWS,
    TRIP_END,
    TRIP_START,
    emit_live_window,
    emit_severe_event,
    finish,
    fold_until,
    window_end_ms,
)
from scoring.features.emitted import EmittedFeatures
from scoring.features.event_time import confirmed_time, correct_rollover, has_wrong_first_time, leave_out_first
from scoring.features.eviction import limit_vehicle, sweep
from scoring.features.parameters import KernelParameters
from scoring.features.severe_events import may_be_severe, severe_event
from scoring.features.state.arrays import DRIVER_KNOWN, StateArrays, TripStatus, borrowed_arrays
from scoring.features.state.lookup import find_or_add
from scoring.features.state.pending import Insertion, insert, repeats_event_id
from scoring.features.state.trip_states import TripStates
from scoring.features.state.vehicles import join_vehicle, move_to_front


def update(states: TripStates, events: EventColumns, parameters: KernelParameters) -> EmittedFeatures:
    """Update the states of trips with events, and emit the windows and trips to be scored.

    Parameters
    ----------
    states
        Open trips of the partition, updated in place.
    events
        In the order in which they arrived.
    parameters
        Thresholds and window settings.

    Returns
    -------
    EmittedFeatures
        Of each trip the same, in the same order, however the events are split into batches.
    """
    if len(events) == 0:
        return _resolve(states, np.zeros(0, EMITTED), np.zeros(0, FEATURE_ROW))
    slots = find_slots(states, events)
    states.reserve_samples(len(events))

    parts = []
    done = 0
    capacity = max(1024, len(events) // 4)
    while True:
        emitted, features = np.zeros(capacity, EMITTED), np.zeros(capacity, FEATURE_ROW)
        done, count = _process_events(
            states.arrays,
            slots,
            events.samples,
            events.offsets,
            events.id_sizes,
            parameters,
            emitted,
            features,
            done,
        )
        parts.append((emitted[:count], features[:count]))
        if done == len(events):
            break
    states.mark_changed(slots)
    for rows, _ in parts:
        states.mark_changed(rows["slot"])
    rows, features = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    resolved = _resolve(states, rows, features)
    states.release_evicted()
    return resolved


def close_trips(
    states: TripStates, parameters: KernelParameters, slots: NDArray[np.int64] | None = None
) -> EmittedFeatures:
    """Emit open trips as final, though their end was not seen: all of them, or some.

    For the end of a file, and for partitions that have gone silent.
    """
    if slots is None:
        slots = states.slots()
    emitted, features = (
        np.zeros(MAX_ROWS_PER_EVENT * len(slots), EMITTED),
        np.zeros(MAX_ROWS_PER_EVENT * len(slots), FEATURE_ROW),
    )
    count = _close(states.arrays, slots, parameters, emitted, features)
    states.mark_changed(slots)
    return _resolve(states, emitted[:count], features[:count])


def _resolve(states: TripStates, rows: NDArray[np.void], features: NDArray[np.void]) -> EmittedFeatures:
    """Resolve the ids of emitted rows, and note which trips are to be computed again."""
    states.note_late_trips(rows)
    return EmittedFeatures.of(states, rows, features.view(np.float64).reshape(len(features), len(FEATURE_NAMES)))


def find_slots(states: TripStates, events: EventColumns) -> NDArray[np.int64]:
    """Find the slot of each event's trip and driver; those not seen before get one, with the ids of the event."""
    slots = np.zeros(len(events), np.int64)
    ids = (events.content, events.id_starts, events.id_sizes, events.vehicle_classes)
    done = 0
    while (done := find_or_add(states.arrays, *ids, slots, done)) < len(slots):
        states.reserve_trip()
    return slots


@kernel
def _process_events(
    arrays: StateArrays,
    slots: Any,
    samples: Any,
    offsets: Any,
    id_sizes: Any,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    start: int,
) -> tuple[int, int]:
    """Process events one by one from ``start``; return where the arrays of emitted rows may be full.

    Returns
    -------
    tuple of int
        Events done in all, and rows emitted.
    """
    arrays = borrowed_arrays(arrays)
    slots, samples = borrowed(slots), borrowed(samples)
    offsets, id_sizes = borrowed(offsets), borrowed(id_sizes)
    emitted, features = borrowed(emitted), borrowed(features)
    count = NO_ROWS
    for number in range(start, samples.size):
        if count + MAX_ROWS_PER_EVENT > emitted.size:
            return number, count
        partition = arrays.partition[0]
        if partition.clock_ms >= partition.next_sweep_ms:
            count = sweep(arrays, parameters, emitted, features, count)
            if partition.sweep_slot != 0 or count + MAX_ROWS_PER_EVENT > emitted.size:
                return number, count
        if id_sizes[number, IdPlace.DRIVER] > 0:
            arrays.heads[slots[number]].login |= DRIVER_KNOWN
        count = _process_event(
            arrays,
            slots[number],
            samples[number],
            offsets[number],
            parameters,
            emitted,
            features,
            count,
        )
    return samples.size, count


@inlined_kernel
def _process_event(
    arrays: StateArrays,
    slot: int,
    sample: Any,
    offset: int,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    count: int,
) -> int:
    partition = arrays.partition[0]
    partition.offset = offset
    head = arrays.heads[slot]
    correct_rollover(arrays, sample)
    timestamp_ms = sample.timestamp_ms
    partition.event_number += 1
    begins = head.status == TripStatus.FREE
    newest_ms, ahead_ms = timestamp_ms, np.int64(0)
    if begins:
        count = _begin(arrays, slot, timestamp_ms, parameters, emitted, features, count)
        if partition.clock_ms < partition.cut_until_ms and sample.event_type != TRIP_START:
            head.late_event_count = 1  # at least one that was lost: it may have begun before
            head.cut = 1
    elif repeats_event_id(arrays, slot, sample):
        partition.duplicate_count += 1
        return count
    else:
        newest_ms, ahead_ms = _continue_trip(arrays, slot, timestamp_ms, parameters)
    head.seen_ms = partition.clock_ms
    head.last_event = partition.event_number

    if not begins and timestamp_ms <= max(head.newest_ms - parameters.grace_ms, head.folded_ms):
        head.late_event_count += 1
        partition.late_count += 1
        if head.status == TripStatus.FINAL:
            head.changed = 1
        return count

    folded_ms = min(newest_ms - parameters.grace_ms, head.newest_ms)  # not yet an event ahead, of a later window
    count = fold_until(arrays, slot, folded_ms, parameters, emitted, features, count)
    if newest_ms >= head.live_end_ms:
        if head.status == TripStatus.FINAL:
            head.status = TripStatus.OPEN
            head.changed = 0
        count = emit_live_window(arrays, slot, parameters, emitted, features, count)
        head.live_end_ms = window_end_ms(newest_ms, parameters)
    if head.ahead_ms != ahead_ms:
        if head.ahead_ms != 0:
            _revise_earlier_window(head, head.ahead_ms, parameters)
        head.ahead_ms = ahead_ms
    return _add_event(arrays, slot, sample, newest_ms, parameters, emitted, features, count)


@inlined_kernel
def _continue_trip(arrays: StateArrays, slot: int, timestamp_ms: int, parameters: KernelParameters) -> tuple[int, int]:
    """Give the trip's time with one more event, and that of an event ahead of it; advance the clock by it."""
    head = arrays.heads[slot]
    if head.newer != 0:
        move_to_front(arrays, slot)
    if has_wrong_first_time(head, timestamp_ms, parameters):
        head.ahead_ms = head.newest_ms
        head.newest_ms = timestamp_ms
        head.live_end_ms = window_end_ms(timestamp_ms, parameters)
    newest_ms, ahead_ms = confirmed_time(head, timestamp_ms, parameters)
    if newest_ms > head.newest_ms:
        if newest_ms > head.newest_ms + parameters.retention_ms:
            leave_out_first(arrays, slot, newest_ms, parameters)
        advance_clock(arrays, slot, newest_ms)
    else:
        stand_still(arrays, slot, timestamp_ms)
    return newest_ms, ahead_ms


@kernel
def _begin(
    arrays: StateArrays,
    slot: int,
    timestamp_ms: int,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    count: int,
) -> int:
    """Begin a trip; its vehicle, or the partition, may then have one too many."""
    partition = arrays.partition[0]
    head = arrays.heads[slot]
    if parameters.max_vehicle_trips != 0:
        join_vehicle(arrays, slot)
    head.status = TripStatus.OPEN
    head.first_ms = timestamp_ms
    head.first_offset = partition.offset
    head.newest_ms = timestamp_ms
    head.live_end_ms = window_end_ms(timestamp_ms, parameters)
    partition.kept_trips += 1
    enter_clock(arrays, slot, timestamp_ms)
    if parameters.max_vehicle_trips != 0:
        count = limit_vehicle(arrays, slot, parameters, emitted, features, count)
    if 0 < parameters.max_partition_trips < partition.kept_trips:
        partition.next_sweep_ms = partition.clock_ms
    return count


@inlined_kernel
def _revise_earlier_window(head: Any, timestamp_ms: int, parameters: KernelParameters) -> None:
    """Let the window of an event be emitted, or emitted again, as it is folded, if it is not the live one."""
    if timestamp_ms < head.live_end_ms - parameters.window_ms:
        head.dirty_end_ms = window_end_ms(timestamp_ms, parameters)
        if head.scored_end_ms < head.dirty_end_ms:
            head.dirty_revision = 0


@inlined_kernel
def _add_event(
    arrays: StateArrays,
    slot: int,
    sample: Any,
    newest_ms: int,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    count: int,
) -> int:
    head = arrays.heads[slot]
    timestamp_ms = sample.timestamp_ms
    change = insert(arrays, slot, sample)
    if change != Insertion.ADDED:
        arrays.partition[0].duplicate_count += 1
    if change == Insertion.KNOWN:
        return count
    if change == Insertion.ADDED:
        head.event_count += 1
    head.newest_ms = newest_ms
    head.first_ms = min(head.first_ms, timestamp_ms)
    _revise_earlier_window(head, timestamp_ms, parameters)
    if head.status == TripStatus.FINAL:
        head.changed = 1
    if change == Insertion.ADDED and may_be_severe(sample, parameters):
        peak_mps2, event_type = severe_event(arrays, slot, sample, parameters)
        if peak_mps2 != 0:
            count = emit_severe_event(arrays, slot, sample, peak_mps2, event_type, parameters, emitted, features, count)
    if change == Insertion.ADDED and sample.event_type == TRIP_END:
        count = finish(arrays, slot, parameters, emitted, features, count)
    return count


@kernel
def _close(arrays: StateArrays, slots: Any, parameters: KernelParameters, emitted: Any, features: Any) -> int:
    arrays = borrowed_arrays(arrays)
    emitted, features = borrowed(emitted), borrowed(features)
    count = NO_ROWS
    for slot in slots:
        head = arrays.heads[slot]
        if head.status == TripStatus.OPEN or head.changed == 1:
            count = finish(arrays, slot, parameters, emitted, features, count)
    return count
