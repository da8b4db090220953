"""Events into trip states: the one way in, for stream, training and files."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES
from scoring.events.columns import EventColumns
from scoring.events.compilation import inlined_kernel, kernel, unowned
from scoring.features.aggregation.aggregates import FEATURE_ROW
from scoring.features.clock import advance_clock, enter_clock
from scoring.features.emission import (
    DUE,
    MAX_DUE_PER_EVENT,
    NONE_DUE,
    TRIP_END,
    finish,
    fold_until,
    report_severe_event,
    score_live_window,
    severe_peak,
    sweep,
    window_end_ms,
)
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import FINAL, FREE, OPEN, StateArrays, unowned_arrays
from scoring.features.state.lookup import find_or_add
from scoring.features.state.pending import ADDED, KNOWN, insert, repeats_event_id
from scoring.features.state.trip_states import TripStates


@dataclass(frozen=True)
class DueFeatures:
    """Windows and trips that are due for a score.

    Attributes
    ----------
    rows
        Array of ``DUE``, in the order in which they fell due.
    features
        float64 array [rows, features], columns in the order of ``FEATURE_NAMES``; NaN where a sensor is missing.
    """

    rows: NDArray[np.void]
    features: NDArray[np.float64]


def update(states: TripStates, events: EventColumns, parameters: KernelParameters) -> DueFeatures:
    """Take events into the states of their trips.

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
    DueFeatures
        What became due: of each trip the same, in the same order, however the events are split into batches.
    """
    if len(events) == 0:
        return _due_of(np.zeros(0, DUE), np.zeros(0, FEATURE_ROW))
    states.forget_evicted()
    slots = slots_of(states, events)
    states.reserve_samples(len(events))

    parts = []
    done = 0
    room = max(1024, len(events) // 4)
    while True:
        due, features = np.zeros(room, DUE), np.zeros(room, FEATURE_ROW)
        done, count = _take_events(
            states.arrays, slots, events.samples, events.positions, parameters, due, features, done
        )
        parts.append((due[:count], features[:count]))
        if done == len(events):
            break
    states.mark_changed(slots)
    for rows, _ in parts:
        states.mark_changed(rows["slot"])
    return _due_of(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def close_trips(
    states: TripStates, parameters: KernelParameters, slots: NDArray[np.int64] | None = None
) -> DueFeatures:
    """Report open trips as final, though their end has not been seen: all of them, or some.

    For the end of a file, and for partitions that have gone silent.
    """
    if slots is None:
        slots = states.slots()
    due, features = np.zeros(MAX_DUE_PER_EVENT * len(slots), DUE), np.zeros(MAX_DUE_PER_EVENT * len(slots), FEATURE_ROW)
    count = _close(states.arrays, slots, parameters, due, features)
    states.mark_changed(slots)
    return _due_of(due[:count], features[:count])


def _due_of(due: NDArray[np.void], features: NDArray[np.void]) -> DueFeatures:
    return DueFeatures(due, features.view(np.float64).reshape(len(features), len(FEATURE_NAMES)))


def slots_of(states: TripStates, events: EventColumns) -> NDArray[np.int64]:
    """Find the slot of each event's trip; trips not seen before get one, with the ids of their first event."""
    slots = np.zeros(len(events), np.int64)
    ids = (events.content, events.id_starts, events.id_sizes, events.vehicle_classes)
    done = 0
    while (done := find_or_add(states.arrays, *ids, slots, done)) < len(slots):
        states.make_room()
    return slots


@kernel
def _take_events(
    arrays: StateArrays,
    slots: Any,
    samples: Any,
    positions: Any,
    parameters: KernelParameters,
    due: Any,
    features: Any,
    start: int,
) -> tuple[int, int]:
    """Take in events one by one from ``start``; pause where there is no room for more rows.

    Returns
    -------
    tuple of int
        Events done in all, and rows due.
    """
    arrays = unowned_arrays(arrays)
    slots, samples, positions = unowned(slots), unowned(samples), unowned(positions)
    due, features = unowned(due), unowned(features)
    count = NONE_DUE
    for number in range(start, samples.size):
        if count + MAX_DUE_PER_EVENT > due.size:
            return number, count
        partition = arrays.partition[0]
        if partition.clock_ms >= partition.next_sweep_ms:
            count = sweep(arrays, parameters, due, features, count)
            if partition.sweep_slot != 0 or count + MAX_DUE_PER_EVENT > due.size:
                return number, count
        count = _take_event(
            arrays,
            slots[number],
            samples[number],
            positions[number, 0],
            positions[number, 1],
            parameters,
            due,
            features,
            count,
        )
    return samples.size, count


@inlined_kernel
def _take_event(
    arrays: StateArrays,
    slot: int,
    sample: Any,
    latitude: float,
    longitude: float,
    parameters: KernelParameters,
    due: Any,
    features: Any,
    count: int,
) -> int:
    head = arrays.heads[slot]
    timestamp_ms = sample.timestamp_ms
    begins = head.status == FREE
    if begins:
        head.status = OPEN
        head.first_ms = timestamp_ms
        head.newest_ms = timestamp_ms
        head.live_end_ms = window_end_ms(timestamp_ms, parameters)
        enter_clock(arrays, slot, timestamp_ms)
    elif repeats_event_id(arrays, slot, sample):
        arrays.partition[0].duplicate_count += 1
        return count
    elif timestamp_ms > head.newest_ms:
        advance_clock(arrays, slot, timestamp_ms)
    head.seen_ms = arrays.partition[0].clock_ms

    if not begins and timestamp_ms <= max(head.newest_ms - parameters.grace_ms, head.folded_ms):
        head.late_event_count += 1
        arrays.partition[0].late_count += 1
        if head.status == FINAL:
            head.changed = 1
        return count

    newest_ms = max(head.newest_ms, timestamp_ms)
    count = fold_until(arrays, slot, newest_ms - parameters.grace_ms, parameters, due, features, count)
    if timestamp_ms >= head.live_end_ms:
        if head.status == FINAL:
            head.status = OPEN
            head.changed = 0
        count = score_live_window(arrays, slot, parameters, due, features, count)
        head.live_end_ms = window_end_ms(timestamp_ms, parameters)
    return _sort_in(arrays, slot, sample, latitude, longitude, newest_ms, parameters, due, features, count)


@inlined_kernel
def _sort_in(
    arrays: StateArrays,
    slot: int,
    sample: Any,
    latitude: float,
    longitude: float,
    newest_ms: int,
    parameters: KernelParameters,
    due: Any,
    features: Any,
    count: int,
) -> int:
    head = arrays.heads[slot]
    timestamp_ms = sample.timestamp_ms
    change = insert(arrays, slot, sample)
    if change != ADDED:
        arrays.partition[0].duplicate_count += 1
    if change == KNOWN:
        return count
    if change == ADDED:
        head.event_count += 1
    if timestamp_ms >= head.newest_ms and not math.isnan(latitude):
        head.latitude = latitude
        head.longitude = longitude
    head.newest_ms = newest_ms
    head.first_ms = min(head.first_ms, timestamp_ms)
    if timestamp_ms < head.live_end_ms - parameters.window_ms:
        head.dirty_end_ms = window_end_ms(timestamp_ms, parameters)
        if head.scored_end_ms < head.dirty_end_ms:
            head.dirty_revision = 0
    if head.status == FINAL:
        head.changed = 1
    if change == ADDED and severe_peak(sample, parameters) != 0:
        count = report_severe_event(arrays, slot, sample, parameters, due, features, count)
    if change == ADDED and sample.event_type == TRIP_END:
        count = finish(arrays, slot, parameters, due, features, count)
    return count


@kernel
def _close(arrays: StateArrays, slots: Any, parameters: KernelParameters, due: Any, features: Any) -> int:
    arrays = unowned_arrays(arrays)
    due, features = unowned(due), unowned(features)
    count = NONE_DUE
    for slot in slots:
        head = arrays.heads[slot]
        if head.status == OPEN or head.changed == 1:
            count = finish(arrays, slot, parameters, due, features, count)
    return count
