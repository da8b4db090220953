"""Which scores are emitted when: windows that end, trips that end, and both again when a late event changes them.

All of it depends only on the order of events in their partition, never on how they are batched.

::

    event time ──►   |<────── window ─────>|<────── window ─────>|
    events           x  x  x    x   x  x   | x x    trip_end
                                           ▲ ▲         ▲
                     first event after the end:        window and trip, final
                     window and trip so far,
                     with all that is pending
                                             out of order, within the grace period:
                                             window and trip again, when no more can come

A trip has its own watermark, its newest event less the grace period: a device with a wrong clock harms no other.
Events at or before it are late. Trips that go silent are closed by the **partition's clock** (``clock``).
"""

import math
from enum import IntEnum
from typing import Any, Final

import numpy as np

from schemas.event_frame import EVENT_TYPES
from scoring.events.compilation import inlined_kernel, kernel
from scoring.features.aggregation.aggregates import contradicts_positions, features_of, holds_speed, merge
from scoring.features.aggregation.folding import fold
from scoring.features.aggregation.positions import follow_position
from scoring.features.aggregation.sensor_check import Sensor, contradicts, offset_mps2
from scoring.features.aggregation.spikes import ALL_EVENTS, UNSETTLED, believed_speed
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import DRIVER_KNOWN, EMPTY, MERGED, SCRATCH, StateArrays, TripStatus
from scoring.features.state.pending import take_first


class RowKind(IntEnum):
    """What a row of emitted features is of; a severe event has the features of its trip so far."""

    WINDOW = 0
    TRIP = 1
    SEVERE_EVENT = 2


EMITTED: Final = np.dtype(
    [
        ("window_start_ms", np.int64),
        ("window_end_ms", np.int64),
        ("event_time_ms", np.int64),
        ("first_offset", np.int64),  # of the trip's events, where late ones are to be taken in afterwards; else -1
        ("last_offset", np.int64),
        ("slot", np.int32),
        ("revision", np.int32),
        ("event_count", np.int32),
        ("late_event_count", np.int32),
        ("latitude", np.float32),
        ("longitude", np.float32),
        ("peak_mps2", np.float32),  # of a severe event
        ("event_type", np.int8),  # of a severe event
        ("kind", np.int8),
        ("final", np.int8),
        ("cut", np.int8),  # whether the trip may have begun before the log did
        ("driver_known", np.int8),  # whether a driver had logged in
    ],
    align=True,
)
"""What a row of emitted features is of."""

MAX_ROWS_PER_EVENT: Final = 19
"""At most, with a window and a trip row each: a window revised as it is folded, the live window ended (and one revised
with it), the trip ended (with up to three rows more for the window before, and one revised); and a severe event. The
first event of a trip may evict two trips (each ended, with a window before and one revised), be a severe event, and end
its trip: no more than this."""

_PROVISIONAL: Final = np.int8(0)
_FINAL: Final = np.int8(1)
_NO_OFFSET: Final = np.int64(-1)
NO_ROWS: Final[Any] = np.int64(0)
"""No rows yet; typed for the reason that `SCRATCH` is."""

TRIP_START: Final = EVENT_TYPES.index("trip_start")
TRIP_END: Final = EVENT_TYPES.index("trip_end")


@kernel
def window_end_ms(timestamp_ms: int, parameters: KernelParameters) -> int:
    """End of the window that a time lies in; windows are aligned to the epoch."""
    return (timestamp_ms // parameters.window_ms + 1) * parameters.window_ms


@kernel
def _emit(
    arrays: StateArrays,
    slot: int,
    row: int,
    end_ms: int,
    window_revision: int,
    final: int,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    count: int,
) -> int:
    """Emit the window and the trip with the sums of ``row``."""
    head = arrays.heads[slot]
    window = arrays.windows[row]
    arrays.trips[MERGED] = arrays.trips[row]
    merge(arrays.trips[MERGED], window)
    speed_contradicted = contradicts_positions(arrays.trips[MERGED])
    for kind in (RowKind.WINDOW, RowKind.TRIP):
        entry = emitted[count]
        entry.slot = slot
        entry.kind = kind
        entry.final = final
        entry.event_time_ms = min(head.newest_ms, end_ms)
        entry.first_offset = _NO_OFFSET
        entry.late_event_count = head.late_event_count + (1 if final == _FINAL and head.ahead_ms != 0 else 0)
        entry.driver_known = head.login & DRIVER_KNOWN
        entry.latitude = arrays.cursors[row].latitude
        entry.longitude = arrays.cursors[row].longitude
        if kind == RowKind.WINDOW:
            entry.window_start_ms = end_ms - parameters.window_ms
            entry.window_end_ms = end_ms
            entry.revision = window_revision
            entry.event_count = window.event_count
            features_of(window, speed_contradicted, parameters, features[count])
        else:
            entry.window_start_ms = head.first_ms
            entry.window_end_ms = min(head.newest_ms, end_ms)
            entry.revision = head.revision
            entry.event_count = arrays.trips[MERGED].event_count
            features_of(arrays.trips[MERGED], speed_contradicted, parameters, features[count])
            head.revision += 1
        count += 1
    return count


@inlined_kernel
def _fold_sample(
    arrays: StateArrays,
    slot: int,
    row: int,
    sample: Any,
    speed_kmh: float,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    count: int,
) -> int:
    """Fold a sample into the sums of ``row``; where it begins a window, close the one before."""
    cursor = arrays.cursors[row]
    end_ms = window_end_ms(sample.timestamp_ms, parameters)
    if cursor.window_end_ms != end_ms:
        if cursor.window_end_ms != 0:
            head = arrays.heads[slot]
            if head.dirty_end_ms == cursor.window_end_ms:
                head.dirty_end_ms = 0
                count = _emit(
                    arrays,
                    slot,
                    row,
                    cursor.window_end_ms,
                    head.dirty_revision,
                    _PROVISIONAL,
                    parameters,
                    emitted,
                    features,
                    count,
                )
                head.dirty_revision += 1
                head.scored_end_ms = max(head.scored_end_ms, cursor.window_end_ms)
            merge(arrays.trips[row], arrays.windows[row])
            arrays.windows[row] = arrays.windows[EMPTY]
        cursor.window_end_ms = end_ms
    vehicle_class = arrays.heads[slot].vehicle_class
    if row != SCRATCH and math.isnan(speed_kmh) and not math.isnan(sample.speed_kmh):
        arrays.partition[0].spike_count += 1
    fold(
        cursor,
        arrays.sensor_checks[row],
        arrays.hard_events[row],
        arrays.windows[row],
        sample,
        speed_kmh,
        vehicle_class,
        parameters,
    )
    if not math.isnan(sample.latitude) and follow_position(cursor, arrays.windows[row], sample) and row != SCRATCH:
        arrays.partition[0].position_jump_count += 1
    return count


@inlined_kernel
def fold_until(
    arrays: StateArrays, slot: int, until_ms: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    """Fold the pending events up to and at a time, oldest first, until at least one more fits.

    One whose speed may be a spike waits for the next one.
    """
    head = arrays.heads[slot]
    pool = arrays.pool
    while head.pending_first != 0:
        is_full = head.pending_count >= parameters.max_pending
        if pool[head.pending_first].timestamp_ms > until_ms and not is_full:
            break
        known_until_ms = ALL_EVENTS if is_full else np.int64(until_ms)
        speed_kmh = believed_speed(arrays.cursors[slot], pool, head.pending_first, known_until_ms, parameters)
        if speed_kmh == UNSETTLED:
            break
        index = take_first(arrays, slot)
        head.folded_ms = pool[index].timestamp_ms
        count = _fold_sample(arrays, slot, slot, pool[index], speed_kmh, parameters, emitted, features, count)
    return count


@kernel
def _fold_pending(
    arrays: StateArrays, slot: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    """Compute the trip's sums with the pending events up to its time in the scratch row; its own rows do not change."""
    arrays.cursors[SCRATCH] = arrays.cursors[slot]
    arrays.windows[SCRATCH] = arrays.windows[slot]
    arrays.trips[SCRATCH] = arrays.trips[slot]
    for kind in range(3):
        arrays.hard_events[SCRATCH, kind] = arrays.hard_events[slot, kind]
    for sensor in range(2):
        arrays.sensor_checks[SCRATCH, sensor] = arrays.sensor_checks[slot, sensor]
    head = arrays.heads[slot]
    index = head.pending_first
    while index != 0 and arrays.pool[index].timestamp_ms <= head.newest_ms:
        sample = arrays.pool[index]
        speed_kmh = believed_speed(arrays.cursors[SCRATCH], arrays.pool, index, sample.timestamp_ms, parameters)
        if speed_kmh == UNSETTLED:
            speed_kmh = believed_speed(arrays.cursors[SCRATCH], arrays.pool, index, ALL_EVENTS, parameters)
            arrays.cursors[SCRATCH].unsettled = 1
        count = _fold_sample(arrays, slot, SCRATCH, sample, speed_kmh, parameters, emitted, features, count)
        index = sample.following
    return count


@kernel
def emit_live_window(
    arrays: StateArrays, slot: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    """Emit the newest window and the trip so far, when an event after the window's end arrives."""
    head = arrays.heads[slot]
    count = _fold_pending(arrays, slot, parameters, emitted, features, count)
    count = _emit(
        arrays,
        slot,
        SCRATCH,
        head.live_end_ms,
        head.window_revision,
        _PROVISIONAL,
        parameters,
        emitted,
        features,
        count,
    )
    head.scored_end_ms = head.live_end_ms
    head.dirty_revision = head.window_revision + 1
    head.window_revision = 0
    if arrays.cursors[SCRATCH].unsettled == 1:
        head.dirty_end_ms = head.live_end_ms
    return count


@kernel
def emit_severe_event(
    arrays: StateArrays,
    slot: int,
    sample: Any,
    peak_mps2: float,
    event_type: int,
    parameters: KernelParameters,
    emitted: Any,
    features: Any,
    count: int,
) -> int:
    """Emit a severe event at once, with the trip so far; one of the same trip within the pause is part of it."""
    head = arrays.heads[slot]
    if head.severe_ms != 0 and abs(sample.timestamp_ms - head.severe_ms) < parameters.severe_pause_ms:
        return count
    head.severe_ms = sample.timestamp_ms
    dirty_end_ms = head.dirty_end_ms
    head.dirty_end_ms = 0  # a changed window is emitted when it is folded
    count = _fold_pending(arrays, slot, parameters, emitted, features, count)
    head.dirty_end_ms = dirty_end_ms
    merge(arrays.trips[SCRATCH], arrays.windows[SCRATCH])
    entry = emitted[count]
    entry.slot = slot
    entry.kind = RowKind.SEVERE_EVENT
    entry.final = _PROVISIONAL
    entry.window_start_ms = head.first_ms
    entry.window_end_ms = head.newest_ms
    entry.event_time_ms = sample.timestamp_ms
    entry.revision = head.revision
    entry.event_count = arrays.trips[SCRATCH].event_count
    entry.late_event_count = head.late_event_count
    entry.driver_known = head.login & DRIVER_KNOWN
    entry.latitude = arrays.cursors[SCRATCH].latitude
    entry.longitude = arrays.cursors[SCRATCH].longitude
    entry.peak_mps2 = peak_mps2
    entry.event_type = event_type
    speed_contradicted = contradicts_positions(arrays.trips[SCRATCH])
    features_of(arrays.trips[SCRATCH], speed_contradicted, parameters, features[count])
    return count + 1


@kernel
def _finish_with_one_ahead(
    arrays: StateArrays, slot: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    head = arrays.heads[slot]
    if head.ahead_ms - head.newest_ms > parameters.idle_gap_ms:
        arrays.partition[0].clock_jump_count += 1
        return count
    if head.ahead_ms >= head.live_end_ms:
        count = emit_live_window(arrays, slot, parameters, emitted, features, count)
        head.live_end_ms = window_end_ms(head.ahead_ms, parameters)
    head.newest_ms = head.ahead_ms
    head.ahead_ms = 0
    return count


@kernel
def _count_faults(arrays: StateArrays) -> None:
    """Count what the trip that was just emitted shows of its sensors."""
    partition = arrays.partition[0]
    checks = arrays.sensor_checks[SCRATCH]
    if holds_speed(arrays.trips[MERGED]):
        partition.held_speed_count += 1
    if contradicts_positions(arrays.trips[MERGED]):
        partition.speed_contradicted_count += 1
    if contradicts(checks[Sensor.ALONG]) or contradicts(checks[Sensor.ACROSS]):
        partition.sensor_contradicted_count += 1
    if offset_mps2(checks[Sensor.ALONG]) != 0 or offset_mps2(checks[Sensor.ACROSS]) != 0:
        partition.sensor_offset_count += 1


@kernel
def finish(
    arrays: StateArrays, slot: int, parameters: KernelParameters, emitted: Any, features: Any, count: int
) -> int:
    """Emit the last window and the whole trip as final; the trip is kept, and emitted again if it changes.

    Where events were late, the sums are without them: the last row says which part of the log has all events of the
    trip, and the next revision is left for what is computed from that.

    An event ahead of the trip's time is its last one, unless it is so far ahead that it would not be of this trip.
    """
    head = arrays.heads[slot]
    if head.ahead_ms != 0:
        count = _finish_with_one_ahead(arrays, slot, parameters, emitted, features, count)
    count = _fold_pending(arrays, slot, parameters, emitted, features, count)
    count = _emit(
        arrays, slot, SCRATCH, head.live_end_ms, head.window_revision, _FINAL, parameters, emitted, features, count
    )
    _count_faults(arrays)
    head.window_revision += 1
    head.status = TripStatus.FINAL
    head.changed = 0
    if head.late_event_count > head.cut and head.first_offset >= 0:
        emitted[count - 1].first_offset = head.first_offset
        emitted[count - 1].last_offset = arrays.partition[0].offset
        emitted[count - 1].cut = head.cut
        head.revision += 1  # of the corrected score
    return count
