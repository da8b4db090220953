"""JSON messages into event columns, by a kernel that reads each byte once.

It knows the messages as well behaved devices write them, events and envelopes, with whatever fields of their own.
A message that it is not sure of, since it is wrong or written in an unusual way, is left to the models of ``schemas``:
the kernel accepts nothing that they would refuse, and reads the same from it.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, VEHICLE_CLASSES
from schemas.trip_event import MAX_ID_BYTES, MAX_SAMPLES, MIN_TIMESTAMP, TripEvent
from scoring.features.compilation import inlined_kernel, kernel, unowned
from scoring.features.state_arrays import SAMPLE
from scoring.features.trip_lookup import hash_text
from scoring.trip_events.columns import MOTION_FIELDS, EventColumns
from scoring.trip_events.json_scanning import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    MINUS,
    NINE,
    NULL,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    UNSURE,
    ZERO,
    is_digit,
    read_number,
    skip_literal,
    skip_space,
    skip_string,
    skip_value,
)
from scoring.trip_events.timestamps import UNKNOWN_OFFSET, read_digits, read_iso_8601

_NUMBERS: Final = (*MOTION_FIELDS, "duration_s", "latitude", "longitude")
_FIELDS: Final = (*ID_COLUMNS, "vehicle_class", "timestamp", "event_id", "event_type", *_NUMBERS, "samples")
_VEHICLE_CLASS: Final = _FIELDS.index("vehicle_class")
_TIMESTAMP: Final = _FIELDS.index("timestamp")
_EVENT_ID: Final = _FIELDS.index("event_id")
_EVENT_TYPE: Final = _FIELDS.index("event_type")
_FIRST_NUMBER: Final = _FIELDS.index(_NUMBERS[0])
_DURATION: Final = _FIELDS.index("duration_s")
_LATITUDE: Final = _FIELDS.index("latitude")
_SAMPLES: Final = _FIELDS.index("samples")
_UNKNOWN: Final = len(_FIELDS)

_IDS: Final = (1 << len(ID_COLUMNS)) - 1
_OF_TRIP: Final = _IDS | 1 << _VEHICLE_CLASS | 1 << _SAMPLES
"""Bits of the fields that an envelope has for all its samples; those of a sample are the others."""

_SAMPLE_TYPE: Final = EVENT_TYPES.index("sample")
_MIN_TIMESTAMP_MS: Final = int(MIN_TIMESTAMP.timestamp() * 1000)
_FIRST_FLOAT: Final = SAMPLE.fields["speed_kmh"][1] // 4  # type: ignore[index]
"""The measurements of a sample lie side by side; as float32 numbers they begin at this one."""

_NO_ROOM: Final[Any] = np.int64(-2)


class _Vocabulary(NamedTuple):
    """What the kernel compares with; texts are rows of bytes, zeros behind them."""

    names: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    types: NDArray[np.uint8]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    legal_in_id: NDArray[np.bool_]


def _rows_of_bytes(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    longest = max(map(len, texts)) + 1
    return np.array([text.encode() for text in texts], f"S{longest}").view(np.uint8).reshape(len(texts), longest)


def _vocabulary() -> _Vocabulary:
    limits = {
        name: (bounds["minimum"], bounds["maximum"])
        for name, schema in TripEvent.model_json_schema()["properties"].items()
        for bounds in schema.get("anyOf", [])
        if "minimum" in bounds
    }
    legal = np.zeros(256, np.bool_)
    legal[[ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"]] = True
    return _Vocabulary(
        _rows_of_bytes(_FIELDS),
        _rows_of_bytes(VEHICLE_CLASSES),
        _rows_of_bytes(EVENT_TYPES),
        np.array([limits[name][0] for name in _NUMBERS]),
        np.array([limits[name][1] for name in _NUMBERS]),
        legal,
    )


_VOCABULARY: Final = _vocabulary()


@dataclass(frozen=True)
class ReadMessages:
    """What messages say.

    Attributes
    ----------
    events
        Of those that were read; a UTC offset that is not said is `UNKNOWN_OFFSET`.
    message
        int64 array [events]: which message each is of.
    unsure
        int64 array: the messages that were not read.
    """

    events: EventColumns
    message: NDArray[np.int64]
    unsure: NDArray[np.int64]


def read_messages(
    content: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    latest_ms: int,
    max_bytes: int,
) -> ReadMessages:
    """Read messages that are sure to be right.

    Parameters
    ----------
    content
        Bytes of all messages.
    starts, sizes
        Where each message stands; a negative size is a message without a value.
    latest_ms
        A later timestamp is none that is sure to be right.
    max_bytes
        Nor is a message longer than this.
    """
    room = len(starts) + 16
    events = EventColumns.room(room, content)
    message = np.zeros(room, np.int64)
    unsure = np.zeros(len(starts), np.bool_)
    following = np.zeros(_UNKNOWN + 1, np.int64)
    done, count = 0, 0
    while True:
        done, count = _read_all(
            content, starts, sizes, latest_ms, max_bytes, _VOCABULARY, following,
            events.id_starts, events.id_sizes, events.vehicle_classes, events.samples,
            events.samples.view(np.float32).reshape(room, -1), events.positions, message, unsure, done, count,
        )  # fmt: skip
        if done == len(starts):
            return ReadMessages(events.take(slice(0, count)), message[:count], np.flatnonzero(unsure))
        more = max(room, MAX_SAMPLES)
        events = events.followed_by(EventColumns.room(more, content[:0]))
        message = np.concatenate([message, np.zeros(more, np.int64)])
        room += more


@kernel
def _read_all(
    content: Any,
    starts: Any,
    sizes: Any,
    latest_ms: int,
    max_bytes: int,
    vocabulary: _Vocabulary,
    following: Any,
    id_starts: Any,
    id_sizes: Any,
    vehicle_classes: Any,
    samples: Any,
    floats: Any,
    positions: Any,
    message: Any,
    unsure: Any,
    begin: int,
    count: int,
) -> tuple[int, int]:
    """Read messages one by one from ``begin``; pause where there is no room for more events.

    ``following`` holds, for each field, the one that came behind it last: devices write their fields in one order.
    """
    content, following = unowned(content), unowned(following)
    id_starts, id_sizes, vehicle_classes = unowned(id_starts), unowned(id_sizes), unowned(vehicle_classes)
    samples, floats, positions = unowned(samples), unowned(floats), unowned(positions)
    vocabulary = _Vocabulary(
        unowned(vocabulary.names),
        unowned(vocabulary.classes),
        unowned(vocabulary.types),
        unowned(vocabulary.lowest),
        unowned(vocabulary.highest),
        unowned(vocabulary.legal_in_id),
    )
    for number in range(begin, starts.size):
        end = starts[number] + sizes[number]
        if sizes[number] <= 0 or sizes[number] > max_bytes:
            unsure[number] = True
            continue
        after = _read_message(
            content, starts[number], end, latest_ms, vocabulary, following,
            id_starts, id_sizes, vehicle_classes, samples, floats, positions, count,
        )  # fmt: skip
        if after == _NO_ROOM:
            return number, count
        if after == UNSURE:
            unsure[number] = True
            continue
        for row in range(count, after):
            message[row] = number
        count = after
    return starts.size, count


@inlined_kernel
def _begin_event(samples: Any, floats: Any, positions: Any, row: int) -> None:
    sample = samples[row]
    sample.timestamp_ms = 0
    sample.event_hash = 0
    sample.duration_ms = 0
    sample.utc_offset_min = UNKNOWN_OFFSET
    sample.event_type = _SAMPLE_TYPE
    for place in range(_FIRST_FLOAT, _FIRST_FLOAT + len(MOTION_FIELDS)):
        floats[row, place] = np.nan
    positions[row, 0] = np.nan
    positions[row, 1] = np.nan


@inlined_kernel
def _is_whole(samples: Any, floats: Any, row: int, seen: int) -> bool:
    """Say whether a sample has a time and measures something."""
    if not seen >> _TIMESTAMP & 1:
        return False
    if samples[row].event_type != _SAMPLE_TYPE:
        return True
    for place in range(_FIRST_FLOAT, _FIRST_FLOAT + 3):
        if not np.isnan(floats[row, place]):
            return True
    return False


@inlined_kernel
def _read_message(
    content: Any,
    at: int,
    end: int,
    latest_ms: int,
    vocabulary: _Vocabulary,
    following: Any,
    id_starts: Any,
    id_sizes: Any,
    vehicle_classes: Any,
    samples: Any,
    floats: Any,
    positions: Any,
    first: int,
) -> int:
    """Read one message; give the row behind its last event, `UNSURE` or `_NO_ROOM`."""
    at = skip_space(content, at, end)
    if at >= end or content[at] != OPEN_OBJECT:
        return UNSURE
    at = skip_space(content, at + 1, end)
    if first == samples.size:
        return _NO_ROOM
    row = first
    _begin_event(samples, floats, positions, row)
    vehicle_classes[first] = 0
    in_samples = False
    seen, seen_outside = 0, 0
    previous = _UNKNOWN
    while True:
        if at >= end or content[at] != QUOTE:
            return UNSURE
        field, at = _read_name(content, at + 1, end, vocabulary.names, following, previous)
        if at == UNSURE:
            return UNSURE
        previous = field
        if in_samples and field != _UNKNOWN and _OF_TRIP >> field & 1:
            field = _UNKNOWN
        if field != _UNKNOWN:
            if seen >> field & 1:
                return UNSURE
            seen |= 1 << field
        if field == _SAMPLES and content[at] == OPEN_LIST:
            at = skip_space(content, at + 1, end)
            if at >= end or content[at] != OPEN_OBJECT:
                return UNSURE
            at = skip_space(content, at + 1, end)
            in_samples = True
            seen_outside, seen = seen, 0
            continue
        at = _read_value(
            content, at, end, field, first, row, latest_ms, vocabulary,
            id_starts, id_sizes, vehicle_classes, samples, floats, positions,
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
        if not _is_whole(samples, floats, row, seen) or at >= end:
            return UNSURE
        row += 1
        if content[at] == COMMA:
            at = skip_space(content, at + 1, end)
            if at >= end or content[at] != OPEN_OBJECT or row - first == MAX_SAMPLES:
                return UNSURE
            if row == samples.size:
                return _NO_ROOM
            at = skip_space(content, at + 1, end)
            seen = 0
            _begin_event(samples, floats, positions, row)
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
    if at != end or seen & _IDS != _IDS:
        return UNSURE
    if row == first:
        return first + 1 if _is_whole(samples, floats, row, seen) else UNSURE
    if seen & ~_OF_TRIP:
        return UNSURE
    for other in range(first + 1, row):
        vehicle_classes[other] = vehicle_classes[first]
        for place in range(id_starts.shape[1]):
            id_starts[other, place] = id_starts[first, place]
            id_sizes[other, place] = id_sizes[first, place]
    return row


@inlined_kernel
def _is_text(content: Any, at: int, end: int, texts: Any, number: int) -> int:
    """Compare with a text from behind the opening quote; give the place behind the closing one, or `UNSURE`."""
    place = 0
    while texts[number, place] != 0:
        if at >= end or content[at] != texts[number, place]:
            return UNSURE
        at += 1
        place += 1
    return at + 1 if at < end and content[at] == QUOTE else UNSURE


@inlined_kernel
def _read_name(content: Any, at: int, end: int, names: Any, following: Any, previous: int) -> tuple[int, int]:
    """Read a name and the colon behind it; give the field, and where its value begins."""
    field = following[previous]
    after = UNSURE if field == _UNKNOWN else _is_text(content, at, end, names, field)
    if after == UNSURE:
        field = 0
        while field < _UNKNOWN:
            after = _is_text(content, at, end, names, field)
            if after != UNSURE:
                break
            field += 1
        if after == UNSURE:
            after = _skip_plain_name(content, at, end)
            if after == UNSURE:
                return _UNKNOWN, UNSURE
        following[previous] = field
    after = skip_space(content, after, end)
    if after >= end or content[after] != COLON:
        return _UNKNOWN, UNSURE
    after = skip_space(content, after + 1, end)
    return field, after if after < end else UNSURE


@kernel
def _skip_plain_name(content: Any, at: int, end: int) -> int:
    """Read a name that is none of ours; one with an escape might be ours after all."""
    first = at
    at = skip_string(content, at, end)
    for place in range(first, at):
        if content[place] == ord("\\"):
            return UNSURE
    return at


@inlined_kernel
def _read_value(
    content: Any,
    at: int,
    end: int,
    field: int,
    first: int,
    row: int,
    latest_ms: int,
    vocabulary: _Vocabulary,
    id_starts: Any,
    id_sizes: Any,
    vehicle_classes: Any,
    samples: Any,
    floats: Any,
    positions: Any,
) -> int:
    """Read the value of a field, and keep it."""
    if field == _UNKNOWN:
        return skip_value(content, at, end)
    if field < _VEHICLE_CLASS:
        start, size, at = _read_id(content, at, end, vocabulary.legal_in_id)
        id_starts[first, field] = start
        id_sizes[first, field] = size
        return at
    if content[at] == NULL[0]:
        return UNSURE if field == _TIMESTAMP else skip_literal(content, at, end, NULL)
    if field >= _FIRST_NUMBER and field != _SAMPLES:
        return _read_measurement(content, at, end, field, row, vocabulary, samples, floats, positions)
    if field == _TIMESTAMP:
        if content[at] == QUOTE:
            at, timestamp_ms, utc_offset_min = read_iso_8601(content, at + 1, end)
            samples[row].utc_offset_min = utc_offset_min
        else:
            at, timestamp_ms = read_digits(content, at, end)
        samples[row].timestamp_ms = timestamp_ms
        return at if at != UNSURE and _MIN_TIMESTAMP_MS <= timestamp_ms <= latest_ms else UNSURE
    if field == _EVENT_ID:
        start, size, at = _read_id(content, at, end, vocabulary.legal_in_id)
        if at != UNSURE:
            samples[row].event_hash = hash_text(content, start, size)
        return at
    if content[at] != QUOTE or field == _SAMPLES:
        return UNSURE
    options = vocabulary.classes if field == _VEHICLE_CLASS else vocabulary.types
    for option in range(options.shape[0]):
        after = _is_text(content, at + 1, end, options, option)
        if after != UNSURE:
            if field == _VEHICLE_CLASS:
                vehicle_classes[first] = option
            else:
                samples[row].event_type = option
            return after
    return UNSURE


@inlined_kernel
def _read_id(content: Any, at: int, end: int, legal: Any) -> tuple[int, int, int]:
    """Read an id, text or a whole number; give where it begins, its length, and the place behind the value."""
    quoted = content[at] == QUOTE
    start = at + 1 if quoted else at
    at = start
    if quoted:
        while at < end and legal[content[at]]:
            at += 1
    else:
        if content[at] == MINUS:
            at += 1
        if at >= end or not ZERO < content[at] <= NINE:
            return 0, 0, UNSURE
        while at < end and is_digit(content[at]):
            at += 1
    size = at - start
    if at >= end or not 1 <= size <= MAX_ID_BYTES or (quoted and content[at] != QUOTE):
        return 0, 0, UNSURE
    return start, size, at + 1 if quoted else at


@inlined_kernel
def _read_measurement(
    content: Any,
    at: int,
    end: int,
    field: int,
    row: int,
    vocabulary: _Vocabulary,
    samples: Any,
    floats: Any,
    positions: Any,
) -> int:
    """Read a number within its limits; one whose float32 is not certain is left open."""
    number = field - _FIRST_NUMBER
    at, least, largest = read_number(content, at, end)
    if at == UNSURE or least < vocabulary.lowest[number] or largest > vocabulary.highest[number]:
        return UNSURE
    measured = np.float32(least)
    if measured != np.float32(largest):
        return UNSURE
    if field < _DURATION:
        floats[row, _FIRST_FLOAT + number] = measured
    elif field == _DURATION:
        samples[row].duration_ms = np.int32(np.rint(np.float64(measured) * 1000.0))
    else:
        positions[row, field - _LATITUDE] = measured
    return at
