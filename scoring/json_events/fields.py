"""Names and values of the fields of JSON messages, for the kernel that reads them: texts, ids, times, numbers."""

from collections import Counter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, MEASUREMENT_COLUMNS, VEHICLE_CLASSES
from schemas.messages.optional_fields import NUMBER_RULES, FieldFault
from schemas.messages.trip_event import MAX_ID_BYTES, MIN_TIMESTAMP, NO_DRIVER_WORDS
from scoring.events.compilation import inlined_kernel, kernel
from scoring.events.hashing import hash_text
from scoring.events.ids import IdPlace
from scoring.events.sample import SAMPLE
from scoring.json_events.faults import (
    ILLEGAL_ID,
    NOT_FINITE,
    OUT_OF_RANGE,
    PLACEHOLDER,
    UNKNOWN_CHOICE,
    WRONG_TYPE,
    count_noted,
    note_fault,
)
from scoring.json_events.scanning import (
    COLON,
    MINUS,
    NINE,
    NULL,
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
from scoring.json_events.timestamps import read_digits, read_iso_8601

_NUMBERS: Final = (*MEASUREMENT_COLUMNS, "latitude", "longitude")
_FIELDS: Final = (*ID_COLUMNS, "vehicle_class", "timestamp", "event_id", "event_type", *_NUMBERS, "samples")
VEHICLE_CLASS: Final = _FIELDS.index("vehicle_class")
TIMESTAMP: Final = _FIELDS.index("timestamp")
_EVENT_ID: Final = _FIELDS.index("event_id")
_EVENT_TYPE: Final = _FIELDS.index("event_type")
_FIRST_NUMBER: Final = _FIELDS.index(_NUMBERS[0])
_DURATION: Final = _FIELDS.index("duration_s")
LATITUDE: Final = _FIELDS.index("latitude")
LONGITUDE: Final = _FIELDS.index("longitude")
SAMPLES: Final = _FIELDS.index("samples")
UNKNOWN: Final = len(_FIELDS)

_LOWER_CASE: Final = 0x20
"""The bit that makes a letter of ASCII lower case."""

_MIN_TIMESTAMP_MS: Final = int(MIN_TIMESTAMP.timestamp() * 1000)
FIRST_FLOAT: Final = SAMPLE.fields["speed_kmh"][1] // 4  # type: ignore[index]
"""The measurements of a sample lie side by side; as float32 numbers they begin at this one."""

_FIRST_POSITION: Final = SAMPLE.fields["latitude"][1] // 4  # type: ignore[index]


class Vocabulary(NamedTuple):
    """What the kernel compares with; texts are rows of bytes, padded with zeros.

    ``placeholders`` are rows of numbers that stand for "unknown", padded with NaN; ``inner_placeholder`` is the one of
    them that lies between lowest and highest, NaN for none: every other number between them is a measurement.
    """

    names: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    types: NDArray[np.uint8]
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    placeholders: NDArray[np.float32]
    inner_placeholder: NDArray[np.float32]
    legal_in_id: NDArray[np.bool_]
    no_driver: NDArray[np.uint8]


def _rows_of_bytes(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    longest = max(map(len, texts)) + 1
    return np.array([text.encode() for text in texts], f"S{longest}").view(np.uint8).reshape(len(texts), longest)


def _vocabulary() -> Vocabulary:
    rules = [NUMBER_RULES[name] for name in _NUMBERS]
    placeholders = np.full((len(rules), max(len(rule.placeholders) for rule in rules)), np.nan, np.float32)
    inner = np.full(len(rules), np.nan, np.float32)
    for number, rule in enumerate(rules):
        placeholders[number, : len(rule.placeholders)] = rule.placeholders
        inner_ones = [placeholder for placeholder in rule.placeholders if rule.lowest <= placeholder <= rule.highest]
        if inner_ones:
            (inner[number],) = inner_ones
    legal = np.zeros(256, np.bool_)
    legal[[ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"]] = True
    return Vocabulary(
        _rows_of_bytes(_FIELDS),
        _rows_of_bytes(VEHICLE_CLASSES),
        _rows_of_bytes(EVENT_TYPES),
        np.array([rule.lowest for rule in rules], np.float32),
        np.array([rule.highest for rule in rules], np.float32),
        placeholders,
        inner,
        legal,
        _rows_of_bytes(NO_DRIVER_WORDS),
    )


VOCABULARY: Final = _vocabulary()


def count_faults(faults: NDArray[np.int64]) -> Counter[tuple[str, FieldFault]]:
    """Count the events of each field and fault, as `read_messages` notes them."""
    return count_noted(faults, _FIELDS)


@inlined_kernel
def _is_text(content: Any, at: int, end: int, texts: Any, number: int) -> int:
    """Compare with a text from after the opening quote; give the place after the closing one, or `UNSURE`."""
    place = 0
    while texts[number, place] != 0:
        if at >= end or content[at] != texts[number, place]:
            return UNSURE
        at += 1
        place += 1
    return at + 1 if at < end and content[at] == QUOTE else UNSURE


@inlined_kernel
def _is_nobody(content: Any, start: int, size: int, words: Any) -> bool:
    """Tell whether a driver id says that nobody has logged in: zeros, or one of the words in any case."""
    zeros = 0
    while zeros < size and content[start + zeros] == ZERO:
        zeros += 1
    if zeros == size:
        return True
    if size >= words.shape[1]:
        return False
    for number in range(words.shape[0]):
        same = 0
        while same < size and content[start + same] | _LOWER_CASE == words[number, same]:
            same += 1
        if same == size and words[number, same] == 0:
            return True
    return False


@inlined_kernel
def read_name(content: Any, at: int, end: int, names: Any, following: Any, previous: int) -> tuple[int, int]:
    """Read a name and the colon after it; give the field, and where its value begins."""
    field = following[previous]
    after = UNSURE if field == UNKNOWN else _is_text(content, at, end, names, field)
    if after == UNSURE:
        field = 0
        while field < UNKNOWN:
            after = _is_text(content, at, end, names, field)
            if after != UNSURE:
                break
            field += 1
        if after == UNSURE:
            after = _skip_plain_text(content, at, end)
            if after == UNSURE:
                return UNKNOWN, UNSURE
        following[previous] = field
    after = skip_space(content, after, end)
    if after >= end or content[after] != COLON:
        return UNKNOWN, UNSURE
    after = skip_space(content, after + 1, end)
    return field, after if after < end else UNSURE


@kernel
def _skip_plain_text(content: Any, at: int, end: int) -> int:
    """Read a text that is none of ours from after its opening quote; one with an escape might be ours after all."""
    first = at
    at = skip_string(content, at, end)
    for place in range(first, at):
        if content[place] == ord("\\"):
            return UNSURE
    return at


@inlined_kernel
def read_value(
    content: Any,
    at: int,
    end: int,
    field: int,
    first: int,
    row: int,
    latest_ms: int,
    vocabulary: Vocabulary,
    id_starts: Any,
    id_sizes: Any,
    vehicle_classes: Any,
    samples: Any,
    floats: Any,
    faults: Any,
) -> int:
    """Read the value of a field, and keep it, or note its fault."""
    if field == UNKNOWN:
        return skip_value(content, at, end)
    if field < VEHICLE_CLASS:
        if field == IdPlace.DRIVER and content[at] == NULL[0]:
            return skip_literal(content, at, end, NULL)
        if field == IdPlace.DRIVER and at + 1 < end and content[at] == QUOTE and content[at + 1] == QUOTE:
            return at + 2
        start, size, at = _read_id(content, at, end, vocabulary.legal_in_id)
        if field == IdPlace.DRIVER and _is_nobody(content, start, size, vocabulary.no_driver):
            return at
        id_starts[first, field] = start
        id_sizes[first, field] = size
        return at
    if content[at] == NULL[0]:
        return UNSURE if field == TIMESTAMP else skip_literal(content, at, end, NULL)
    if field >= _FIRST_NUMBER and field != SAMPLES:
        return _read_measurement(content, at, end, field, row, vocabulary, samples, floats, faults)
    if field == TIMESTAMP:
        if content[at] == QUOTE:
            at, timestamp_ms, utc_offset_min = read_iso_8601(content, at + 1, end)
            samples[row].utc_offset_min = utc_offset_min
        else:
            at, timestamp_ms = read_digits(content, at, end)
        samples[row].timestamp_ms = timestamp_ms
        return at if at != UNSURE and _MIN_TIMESTAMP_MS <= timestamp_ms <= latest_ms else UNSURE
    if field == _EVENT_ID:
        start, size, after = _read_id(content, at, end, vocabulary.legal_in_id)
        if after != UNSURE:
            samples[row].event_hash = hash_text(content, start, size)
        elif content[at] == QUOTE:
            after = _skip_plain_text(content, at + 1, end)
            note_fault(faults, row, field, ILLEGAL_ID)
        return after
    if field == SAMPLES:
        return UNSURE
    event = first if field == VEHICLE_CLASS else row
    if content[at] != QUOTE:
        note_fault(faults, event, field, WRONG_TYPE)
        return skip_value(content, at, end)
    options = vocabulary.classes if field == VEHICLE_CLASS else vocabulary.types
    for option in range(options.shape[0]):
        after = _is_text(content, at + 1, end, options, option)
        if after != UNSURE:
            if field == VEHICLE_CLASS:
                vehicle_classes[first] = option
            else:
                samples[row].event_type = option
            return after
    note_fault(faults, event, field, UNKNOWN_CHOICE)
    return _skip_plain_text(content, at + 1, end)


@inlined_kernel
def _read_id(content: Any, at: int, end: int, legal: Any) -> tuple[int, int, int]:
    """Read an id, text or a whole number; give where it begins, its length, and the place after the value."""
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
    vocabulary: Vocabulary,
    samples: Any,
    floats: Any,
    faults: Any,
) -> int:
    """Read a number within its limits, or note its fault; one whose float32 is not certain is left open."""
    number = field - _FIRST_NUMBER
    after, least, largest = read_number(content, at, end)
    if after == UNSURE:
        after, least, largest, is_fault = _read_unusual(content, at, end, faults, row, field)
        if is_fault:
            return after
    measured = np.float32(least)
    if measured != np.float32(largest):
        return UNSURE
    is_inside = vocabulary.lowest[number] <= measured <= vocabulary.highest[number]
    if not is_inside or measured == vocabulary.inner_placeholder[number]:
        _note_number(faults, row, field, measured, vocabulary.placeholders[number])
        return after
    if field < _DURATION:
        floats[row, FIRST_FLOAT + number] = measured
    elif field == _DURATION:
        samples[row].duration_ms = np.int32(np.rint(np.float64(measured) * 1000.0))
    else:
        floats[row, _FIRST_POSITION + field - LATITUDE] = measured
    return after


@kernel
def _read_unusual(content: Any, at: int, end: int, faults: Any, row: int, field: int) -> tuple[int, float, float, bool]:
    """Read what is no plain number, in place of one.

    Returns
    -------
    tuple
        As `read_number`, a number that is written as a text; or the place after something else, and whether it is no
        number to go on with: its fault is noted, or it is `UNSURE`.
    """
    byte = content[at]
    is_negative = byte == MINUS and at + 1 < end
    if byte == QUOTE:
        if at + 1 < end and (content[at + 1] == MINUS or is_digit(content[at + 1])):
            after, least, largest = read_number(content, at + 1, end)
            if after != UNSURE and after < end and content[after] == QUOTE:
                return after + 1, least, largest, False
            return UNSURE, 0.0, 0.0, True
        after = _skip_plain_text(content, at + 1, end)
        fault = WRONG_TYPE
    elif byte == _NAN[0]:
        after = skip_literal(content, at, end, _NAN)
        fault = NOT_FINITE
    elif byte == _INFINITY[0] or (is_negative and content[at + 1] == _INFINITY[0]):
        after = skip_literal(content, at + is_negative, end, _INFINITY)
        fault = NOT_FINITE
    elif byte == MINUS or is_digit(byte):
        return UNSURE, 0.0, 0.0, True
    else:
        after = skip_value(content, at, end)
        fault = WRONG_TYPE
    note_fault(faults, row, field, fault)
    return after, 0.0, 0.0, True


_NAN: Final = np.frombuffer(b"NaN", np.uint8)
_INFINITY: Final = np.frombuffer(b"Infinity", np.uint8)
"""Not JSON, and yet what Python and others write; `json.loads` reads them."""


@kernel
def _note_number(faults: Any, row: int, field: int, measured: Any, placeholders: Any) -> None:
    """Note a number that is no measurement: a placeholder, or too low or too high."""
    fault = OUT_OF_RANGE
    for placeholder in placeholders:
        if placeholder == measured:
            fault = PLACEHOLDER
    note_fault(faults, row, field, fault)
