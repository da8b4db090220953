"""JSON messages into event columns, by a kernel that reads each byte once.

It reads messages as most devices write them, events and envelopes, with any fields of their own.
A message that it is unsure of, wrong or written in an unusual way, is left to the models of ``schemas``:
the kernel accepts nothing that they would refuse, and reads the same from it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, MOTION_COLUMNS
from schemas.messages.trip_event import MAX_SAMPLES
from scoring.events.columns import MOTION_FIELDS, POSITION_FIELDS, EventColumns
from scoring.events.compilation import borrowed, inlined_kernel, kernel
from scoring.events.ids import IdPlace
from scoring.json_events.faults import PLACEHOLDER, fault_of, note_fault
from scoring.json_events.fields import (
    FIRST_FLOAT,
    LATITUDE,
    LONGITUDE,
    SAMPLES,
    TIMESTAMP,
    UNKNOWN,
    VEHICLE_CLASS,
    VOCABULARY,
    Vocabulary,
    read_name,
    read_value,
)
from scoring.json_events.scanning import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COMMA,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    UNSURE,
    skip_space,
)
from scoring.json_events.timestamps import UNKNOWN_OFFSET

_IDS: Final = (1 << len(ID_COLUMNS)) - 1
_REQUIRED_IDS: Final = _IDS & ~(1 << IdPlace.DRIVER)
_OF_TRIP: Final = _IDS | 1 << VEHICLE_CLASS | 1 << SAMPLES
"""Bits of the fields that an envelope has for all its samples; those of a sample are the others."""

_SAMPLE_TYPE: Final = EVENT_TYPES.index("sample")

_COLUMNS_FULL: Final[Any] = np.int64(-2)


@dataclass(frozen=True)
class ReadMessages:
    """Events read from messages, and the messages that were not read.

    Attributes
    ----------
    events
        Of those that were read; a missing UTC offset is `UNKNOWN_OFFSET`.
    message
        int64 array [events]: the message of each event.
    faults
        int64 array [events]: its optional fields that count as unknown, for `count_faults`; 0 for none.
    unsure
        int64 array: the messages that were not read.
    """

    events: EventColumns
    message: NDArray[np.int64]
    faults: NDArray[np.int64]
    unsure: NDArray[np.int64]


def read_messages(
    content: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    latest_ms: int,
    max_bytes: int,
) -> ReadMessages:
    """Read the messages that are valid beyond doubt.

    Parameters
    ----------
    content
        Bytes of all messages.
    starts, sizes
        Place and length of each message; a negative size is a message without a value.
    latest_ms
        A message with a later timestamp is unsure.
    max_bytes
        A longer message is unsure.
    """
    capacity = len(starts) + 16
    events = EventColumns.allocate(capacity, content)
    message = np.zeros(capacity, np.int64)
    faults = np.zeros(capacity, np.int64)
    unsure = np.zeros(len(starts), np.bool_)
    following = np.zeros(UNKNOWN + 1, np.int64)
    done, count = 0, 0
    while True:
        done, count = _read_all(
            content, starts, sizes, latest_ms, max_bytes, VOCABULARY, following,
            events.id_starts, events.id_sizes, events.vehicle_classes, events.samples,
            events.samples.view(np.float32).reshape(capacity, -1),
            faults, message, unsure, done, count,
        )  # fmt: skip
        if done == len(starts):
            return ReadMessages(events.take(slice(0, count)), message[:count], faults[:count], np.flatnonzero(unsure))
        more = max(capacity, MAX_SAMPLES)
        events = events.followed_by(EventColumns.allocate(more, content[:0]))
        message = np.concatenate([message, np.zeros(more, np.int64)])
        faults = np.concatenate([faults, np.zeros(more, np.int64)])
        capacity += more


@kernel
def _read_all(
    content: Any,
    starts: Any,
    sizes: Any,
    latest_ms: int,
    max_bytes: int,
    vocabulary: Vocabulary,
    following: Any,
    id_starts: Any,
    id_sizes: Any,
    vehicle_classes: Any,
    samples: Any,
    floats: Any,
    faults: Any,
    message: Any,
    unsure: Any,
    begin: int,
    count: int,
) -> tuple[int, int]:
    """Read messages one by one from ``begin``; return where the columns are full.

    ``following`` holds, for each field, the one that followed it last: devices write their fields in one order.
    """
    content, following = borrowed(content), borrowed(following)
    id_starts, id_sizes, vehicle_classes = borrowed(id_starts), borrowed(id_sizes), borrowed(vehicle_classes)
    samples, floats, faults = borrowed(samples), borrowed(floats), borrowed(faults)
    vocabulary = Vocabulary(
        borrowed(vocabulary.names),
        borrowed(vocabulary.classes),
        borrowed(vocabulary.types),
        borrowed(vocabulary.lowest),
        borrowed(vocabulary.highest),
        borrowed(vocabulary.placeholders),
        borrowed(vocabulary.inner_placeholder),
        borrowed(vocabulary.legal_in_id),
        borrowed(vocabulary.no_driver),
    )
    for number in range(begin, starts.size):
        end = starts[number] + sizes[number]
        if sizes[number] <= 0 or sizes[number] > max_bytes:
            unsure[number] = True
            continue
        after = _read_message(
            content, starts[number], end, latest_ms, vocabulary, following,
            id_starts, id_sizes, vehicle_classes, samples, floats, faults, count,
        )  # fmt: skip
        if after == _COLUMNS_FULL:
            return number, count
        if after == UNSURE:
            unsure[number] = True
            continue
        for row in range(count, after):
            message[row] = number
        count = after
    return starts.size, count


@inlined_kernel
def _begin_event(samples: Any, floats: Any, faults: Any, row: int) -> None:
    faults[row] = 0
    sample = samples[row]
    sample.timestamp_ms = 0
    sample.event_hash = 0
    sample.duration_ms = 0
    sample.utc_offset_min = UNKNOWN_OFFSET
    sample.event_type = _SAMPLE_TYPE
    for place in range(FIRST_FLOAT, FIRST_FLOAT + len(MOTION_FIELDS) + len(POSITION_FIELDS)):
        floats[row, place] = np.nan


@inlined_kernel
def _is_whole(samples: Any, floats: Any, faults: Any, row: int, seen: int) -> bool:
    """Tell whether a sample has a time and measures something; its position is unknown where it is 0/0."""
    if samples[row].latitude == 0 and samples[row].longitude == 0:
        samples[row].latitude = samples[row].longitude = np.nan
        note_fault(faults, row, LATITUDE, PLACEHOLDER)
        note_fault(faults, row, LONGITUDE, PLACEHOLDER)
    if not seen >> TIMESTAMP & 1:
        return False
    if samples[row].event_type != _SAMPLE_TYPE:
        return True
    for place in range(FIRST_FLOAT, FIRST_FLOAT + len(MOTION_COLUMNS)):
        if not np.isnan(floats[row, place]):
            return True
    return False


@inlined_kernel
def _read_message(
    content: Any,
    at: int,
    end: int,
    latest_ms: int,
    vocabulary: Vocabulary,
    following: Any,
    id_starts: Any,
    id_sizes: Any,
    vehicle_classes: Any,
    samples: Any,
    floats: Any,
    faults: Any,
    first: int,
) -> int:
    """Read one message; give the row after its last event, `UNSURE` or `_COLUMNS_FULL`."""
    at = skip_space(content, at, end)
    if at >= end or content[at] != OPEN_OBJECT:
        return UNSURE
    at = skip_space(content, at + 1, end)
    if first == samples.size:
        return _COLUMNS_FULL
    row = first
    _begin_event(samples, floats, faults, row)
    vehicle_classes[first] = 0
    id_sizes[first, IdPlace.DRIVER] = 0
    in_samples = False
    seen, seen_outside = 0, 0
    previous = UNKNOWN
    while True:
        if at >= end or content[at] != QUOTE:
            return UNSURE
        field, at = read_name(content, at + 1, end, vocabulary.names, following, previous)
        if at == UNSURE:
            return UNSURE
        previous = field
        if in_samples and field != UNKNOWN and _OF_TRIP >> field & 1:
            field = UNKNOWN
        if field != UNKNOWN:
            is_beside_samples = row > first and not in_samples and not _OF_TRIP >> field & 1
            if seen >> field & 1 or is_beside_samples:
                return UNSURE
            seen |= 1 << field
        if field == SAMPLES and content[at] == OPEN_LIST:
            at = skip_space(content, at + 1, end)
            if at >= end or content[at] != OPEN_OBJECT:
                return UNSURE
            at = skip_space(content, at + 1, end)
            in_samples = True
            seen_outside, seen = seen, 0
            continue
        at = read_value(
            content, at, end, field, first, row, latest_ms, vocabulary,
            id_starts, id_sizes, vehicle_classes, samples, floats, faults,
        )  # fmt: skip
        if at == UNSURE:
            return UNSURE
        at = skip_space(content, at, end)
        if at >= end:
            return UNSURE
        if content[at] == COMMA:
            at = skip_space(content, at + 1, end)
            continue
        if content[at] != CLOSE_OBJECT:
            return UNSURE
        at = skip_space(content, at + 1, end)
        if not in_samples:
            break
        if not _is_whole(samples, floats, faults, row, seen) or at >= end:
            return UNSURE
        row += 1
        if content[at] == COMMA:
            at = skip_space(content, at + 1, end)
            if at >= end or content[at] != OPEN_OBJECT or row - first == MAX_SAMPLES:
                return UNSURE
            if row == samples.size:
                return _COLUMNS_FULL
            at = skip_space(content, at + 1, end)
            seen = 0
            _begin_event(samples, floats, faults, row)
            continue
        if content[at] != CLOSE_LIST:
            return UNSURE
        in_samples = False
        seen = seen_outside
        at = skip_space(content, at + 1, end)
        if at < end and content[at] == COMMA:
            at = skip_space(content, at + 1, end)
            continue
        if at >= end or content[at] != CLOSE_OBJECT:
            return UNSURE
        at = skip_space(content, at + 1, end)
        break
    if at != end or seen & _REQUIRED_IDS != _REQUIRED_IDS:
        return UNSURE
    if row == first:
        return first + 1 if _is_whole(samples, floats, faults, row, seen) else UNSURE
    if seen & ~_OF_TRIP:
        return UNSURE
    for other in range(first + 1, row):
        vehicle_classes[other] = vehicle_classes[first]
        faults[other] |= fault_of(faults[first], VEHICLE_CLASS)
        for place in range(id_starts.shape[1]):
            id_starts[other, place] = id_starts[first, place]
            id_sizes[other, place] = id_sizes[first, place]
    return row
