"""Optional fields of an event: what each may hold. A value that it may not hold counts as unknown; the event remains.

Devices and gateways write numbers that mean "unknown", and firmware has faults. A wrong speed limit says nothing about
the speed beside it: a fault takes away the field, not the event. What is taken away is counted by field and fault.
"""

import ctypes
import math
import re
from enum import StrEnum
from typing import Final, NamedTuple

MAX_SPEED_KMH: Final = 300.0
"""Faster is a sensor fault for every vehicle class."""


class FieldFault(StrEnum):
    """Why the value of an optional field counts as unknown; ``docs/bad-input.md`` has a line for each."""

    PLACEHOLDER = "placeholder"
    """A number by which devices and map services say that they don't know: not an error of the sender."""
    OUT_OF_RANGE = "out_of_range"
    NOT_FINITE = "not_finite"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_CHOICE = "unknown_choice"
    ILLEGAL_ID = "illegal_id"


class NumberRule(NamedTuple):
    """What a measurement may be: the lowest and highest number, and numbers that stand for "unknown"."""

    lowest: float
    highest: float
    placeholders: tuple[float, ...] = ()


NUMBER_RULES: Final[dict[str, NumberRule]] = {
    "speed_kmh": NumberRule(0, MAX_SPEED_KMH, (-1,)),
    "acceleration_mps2": NumberRule(-400, 400),
    "lateral_acceleration_mps2": NumberRule(-400, 400),
    "heading_deg": NumberRule(-360, 360, (-1, 511)),
    "latitude": NumberRule(-90, 90, (91,)),
    "longitude": NumberRule(-180, 180, (181,)),
    "speed_limit_kmh": NumberRule(1, MAX_SPEED_KMH, (-1, 0, 255, 999)),
    "peak_mps2": NumberRule(-400, 400),
    "duration_s": NumberRule(0, 86_400),
}
"""The rule of each optional number.

-1 is what mobile platforms give for an unknown speed or course, 511 and 91/181 are the "not available" of AIS and of
trackers after it, 0, 255 (a byte of ones) and 999 those of map services for a limit. A heading of 360 is north.
"""

OPTIONAL_FIELDS: Final = ("vehicle_class", "event_id", "event_type", *NUMBER_RULES)
"""Fields of a message whose faults are counted."""

POSSIBLE_FAULTS: Final[tuple[tuple[str, FieldFault], ...]] = (
    *(
        (name, fault)
        for name, rule in NUMBER_RULES.items()
        for fault in (FieldFault.OUT_OF_RANGE, FieldFault.NOT_FINITE, FieldFault.WRONG_TYPE)
    ),
    *((name, FieldFault.PLACEHOLDER) for name, rule in NUMBER_RULES.items() if rule.placeholders),
    *(
        (name, fault)
        for name in ("vehicle_class", "event_type")
        for fault in (FieldFault.UNKNOWN_CHOICE, FieldFault.WRONG_TYPE)
    ),
    ("event_id", FieldFault.ILLEGAL_ID),
    ("event_id", FieldFault.WRONG_TYPE),
)
"""Every field with every fault that it can have in a message."""

_JSON_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""The number of RFC 8259, section 6."""


def as_float32(number: float) -> float:
    """Round to the float32 that the columns keep; beyond its range it is infinite."""
    return ctypes.c_float(number).value


def read_number(given: object, rule: NumberRule) -> float | FieldFault | None:
    """Read the value of an optional number.

    A text that is exactly a number of JSON is that number: it can't mean anything else. Limits and placeholders are
    compared with the float32 that is kept of a number.

    Parameters
    ----------
    given
        A value as a JSON parser returns it.
    rule
        What the field may hold.

    Returns
    -------
    float, FieldFault or None
        The number, why it is unknown, or None for null.

    Examples
    --------
    >>> limit = NUMBER_RULES["speed_limit_kmh"]
    >>> read_number(50, limit), read_number("50", limit), read_number(0, limit).value, read_number("fast", limit).value
    (50.0, 50.0, 'placeholder', 'wrong_type')
    """
    if isinstance(given, str) and _JSON_NUMBER.fullmatch(given) is not None:
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None if given is None else FieldFault.WRONG_TYPE
    try:
        number = float(given)
    except OverflowError:  # of an integer beyond the largest double
        number = math.inf
    if not math.isfinite(number):
        return FieldFault.NOT_FINITE
    kept = as_float32(number)
    if kept in rule.placeholders:
        return FieldFault.PLACEHOLDER
    if not rule.lowest <= kept <= rule.highest:
        return FieldFault.OUT_OF_RANGE
    return min(max(number, rule.lowest), rule.highest)


def is_null_island(latitude: float, longitude: float) -> bool:
    """Tell whether a position is exactly 0/0, in the sea south of Ghana: a receiver without a fix."""
    return as_float32(latitude) == 0 and as_float32(longitude) == 0
