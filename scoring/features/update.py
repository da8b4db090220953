"""A frame of events into trip states: the one way in, for stream, training and files."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, VEHICLE_CLASSES
from schemas.features import FEATURE_NAMES
from scoring.features.aggregates import FEATURE_ROW
from scoring.features.compilation import inlined_kernel, kernel
from scoring.features.pending import ADDED, KNOWN, insert, repeats_event_id
from scoring.features.thresholds import KernelParameters
from scoring.features.trip_state import FINAL, FREE, OPEN, SAMPLE, StateArrays, TripStates
from scoring.features.windows import (
    DUE,
    MAX_DUE_PER_EVENT,
    NONE_DUE,
    TRIP_END,
    advance_clock,
    finish,
    fold_until,
    score_live_window,
    sweep,
    window_end_ms,
)

_KEY_SEPARATOR: Final = "\x1f"
"""Between vehicle and trip id in a trip's key; no id can contain it."""

_SAMPLE_COLUMNS: Final = (
    "speed_kmh",
    "acceleration_mps2",
    "lateral_acceleration_mps2",
    "heading_deg",
    "speed_limit_kmh",
    "peak_mps2",
)


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


def update(states: TripStates, events: pl.DataFrame, parameters: KernelParameters) -> DueFeatures:
    """Take events into the states of their trips.

    Parameters
    ----------
    states
        Open trips of the partition, updated in place.
    events
        Event frame, rows in the order in which they arrived.
    parameters
        Thresholds and window settings.

    Returns
    -------
    DueFeatures
        What became due: of each trip the same, in the same order, however the events are split into frames.
    """
    if events.is_empty():
        return _due_of(np.zeros(0, DUE), np.zeros(0, FEATURE_ROW))
    states.forget_evicted()
    slots = _slots_of(states, events)
    samples = _samples_of(events)
    latitudes = events["latitude"].cast(pl.Float32).fill_null(np.nan).to_numpy()
    longitudes = events["longitude"].cast(pl.Float32).fill_null(np.nan).to_numpy()
    states.reserve_samples(len(samples))

    parts = []
    done = 0
    room = max(1024, len(samples) // 4)
    while True:
        due, features = np.zeros(room, DUE), np.zeros(room, FEATURE_ROW)
        done, count = _take_events(
            states.arrays, slots, samples, latitudes, longitudes, parameters, due, features, done
        )
        parts.append((due[:count], features[:count]))
        if done == len(samples):
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
        slots = np.fromiter(states.slots.values(), np.int64, len(states))
    due, features = np.zeros(MAX_DUE_PER_EVENT * len(slots), DUE), np.zeros(MAX_DUE_PER_EVENT * len(slots), FEATURE_ROW)
    count = _close(states.arrays, slots, parameters, due, features)
    states.mark_changed(slots)
    return _due_of(due[:count], features[:count])


def _due_of(due: NDArray[np.void], features: NDArray[np.void]) -> DueFeatures:
    return DueFeatures(due, features.view(np.float64).reshape(len(features), len(FEATURE_NAMES)))


def trip_key(trip_id: str, vehicle_id: str) -> str:
    """Key of a trip among the states; a trip id need only be unique within its vehicle."""
    return f"{vehicle_id}{_KEY_SEPARATOR}{trip_id}"


def _slots_of(states: TripStates, events: pl.DataFrame) -> NDArray[np.int64]:
    """Find the slot of each event's trip; trips not seen before get one, with the ids of their first event."""
    ids = events.select(
        "trip_id",
        "vehicle_id",
        "driver_id",
        "client_id",
        "vehicle_class",
        trip=pl.struct("trip_id", "vehicle_id").rank("dense") - 1,
    )
    first_of_trip = ids.unique("trip", keep="first").sort("trip").drop("trip")
    slots = np.empty(len(first_of_trip), np.int64)
    slot_of = states.slots
    for trip, (trip_id, vehicle_id, driver_id, client_id, vehicle_class) in enumerate(first_of_trip.iter_rows()):
        key = trip_key(trip_id, vehicle_id)
        slot = slot_of.get(key)
        if slot is None:
            slot = states.add(key, (trip_id, vehicle_id, driver_id, client_id), VEHICLE_CLASSES.index(vehicle_class))
        slots[trip] = slot
    return slots[ids["trip"].to_numpy()]


def _samples_of(events: pl.DataFrame) -> NDArray[np.void]:
    columns = events.select(
        "timestamp_ms",
        pl.col("event_type").cast(pl.Enum(EVENT_TYPES)).to_physical(),
        pl.col("utc_offset_min").fill_null(0),
        pl.col(_SAMPLE_COLUMNS).fill_null(np.nan),
        duration_ms=(pl.col("duration_s").fill_nan(0).fill_null(0) * 1000).round().cast(pl.Int32),
    )
    samples = np.zeros(len(events), SAMPLE)
    for name in columns.columns:
        samples[name] = columns[name].to_numpy()
    event_ids = events["event_id"]
    if event_ids.null_count() < len(events):
        samples["event_hash"] = event_ids.hash().to_numpy() * event_ids.is_not_null().to_numpy()
    return samples


@kernel
def _take_events(
    arrays: StateArrays,
    slots: Any,
    samples: Any,
    latitudes: Any,
    longitudes: Any,
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
            latitudes[number],
            longitudes[number],
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
    elif repeats_event_id(arrays, slot, sample):
        arrays.partition[0].duplicate_count += 1
        return count
    elif timestamp_ms > head.newest_ms:
        advance_clock(arrays, slot, timestamp_ms - head.newest_ms)
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
    if change == ADDED and sample.event_type == TRIP_END:
        count = finish(arrays, slot, parameters, due, features, count)
    return count


@kernel
def _close(arrays: StateArrays, slots: Any, parameters: KernelParameters, due: Any, features: Any) -> int:
    count = NONE_DUE
    for slot in slots:
        head = arrays.heads[slot]
        if head.status == OPEN or head.changed == 1:
            count = finish(arrays, slot, parameters, due, features, count)
    return count
