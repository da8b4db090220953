"""Times of messages: ISO 8601 with an offset, or epoch milliseconds."""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.json_events.scanning import POINT, QUOTE, UNSURE, ZERO, is_digit

UNKNOWN_OFFSET: Final[Any] = np.int16(-32768)
"""UTC offset of an event without one."""

_MAX_DIGITS: Final = 15
"""Of epoch milliseconds: enough for 30,000 years, and far from what 64 bits hold."""

_DAYS_BEFORE_MONTH: Final = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365], np.int64)
_EPOCH_YEAR: Final = 1970
_LAST_YEAR: Final = 2399
"""Leap days are counted by a rule that holds from 1970 to here; nothing later is accepted as a current time."""


@inlined_kernel
def read_digits(content: Any, at: int, end: int) -> tuple[int, Any]:
    """Read a whole number without a sign; give the place after it, `UNSURE` where a fraction follows."""
    first = at
    number: Any = 0
    while at < end and is_digit(content[at]) and at - first <= _MAX_DIGITS:
        number = 10 * number + np.int64(content[at] - ZERO)
        at += 1
    is_fraction = at < end and content[at] in (POINT, ord("e"), ord("E"))
    if not 1 <= at - first <= _MAX_DIGITS or is_fraction or (content[first] == ZERO and at > first + 1):
        return UNSURE, 0
    return at, number


@inlined_kernel
def _two(content: Any, at: int) -> Any:
    """Read two digits; a large negative number where they are none."""
    if not is_digit(content[at]) or not is_digit(content[at + 1]):
        return -1_000_000
    return 10 * np.int64(content[at] - ZERO) + np.int64(content[at + 1] - ZERO)


@inlined_kernel
def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@inlined_kernel
def _days(year: int, month: int, day: int) -> int:
    """Count the days since the epoch."""
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400 - 477
    after_february = month > 2 and _is_leap(year)
    return 365 * (year - _EPOCH_YEAR) + leap_days + _DAYS_BEFORE_MONTH[month] + after_february + day - 1


@kernel
def read_iso_8601(content: Any, at: int, end: int) -> tuple[int, int, int]:
    """Read ``YYYY-MM-DDThh:mm:ss``, perhaps a fraction, and ``Z`` or an offset; or quoted epoch milliseconds.

    Returns
    -------
    tuple
        The place after the closing quote or `UNSURE`, UTC epoch milliseconds, rounded down, and the offset, minutes
        east, or `UNKNOWN_OFFSET`.
    """
    wrong = (UNSURE, 0, UNKNOWN_OFFSET)
    if at + 13 < end and is_digit(content[at + 4]):
        at, timestamp_ms = read_digits(content, at, end)
        if at == UNSURE or at >= end or content[at] != QUOTE:
            return wrong
        return at + 1, timestamp_ms, UNKNOWN_OFFSET
    if at + 20 >= end:
        return wrong
    year = 100 * _two(content, at) + _two(content, at + 2)
    month, day = _two(content, at + 5), _two(content, at + 8)
    hour, minute, second = _two(content, at + 11), _two(content, at + 14), _two(content, at + 17)
    marks = content[at + 4] == ord("-") and content[at + 7] == ord("-") and content[at + 10] == ord("T")
    marks = marks and content[at + 13] == ord(":") and content[at + 16] == ord(":")
    if not (marks and _EPOCH_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and day >= 1):
        return wrong
    month_days = _DAYS_BEFORE_MONTH[month + 1] - _DAYS_BEFORE_MONTH[month] + (month == 2 and _is_leap(year))
    if not (day <= month_days and 0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return wrong
    at += 19
    millisecond: Any = 0
    if content[at] == POINT:
        at += 1
        first = at
        while at < end and is_digit(content[at]):
            if at - first < 3:
                millisecond = 10 * millisecond + np.int64(content[at] - ZERO)
            at += 1
        if not 1 <= at - first <= 9:
            return wrong
        for _ in range(at - first, 3):
            millisecond *= 10
    if at + 1 >= end:
        return wrong
    offset_min = 0
    utc_offset_min = UNKNOWN_OFFSET
    if content[at] == ord("Z"):
        at += 1
    else:
        if at + 6 >= end or content[at + 3] != ord(":"):
            return wrong
        hours, minutes = _two(content, at + 1), _two(content, at + 4)
        if not (0 <= hours <= 23 and 0 <= minutes <= 59):
            return wrong
        offset_min = 60 * hours + minutes
        if content[at] == ord("-"):
            offset_min = -offset_min
        elif content[at] != ord("+"):
            return wrong
        utc_offset_min = np.int16(offset_min)
        at += 6
    if content[at] != QUOTE:
        return wrong
    seconds = (_days(year, month, day) * 24 + hour) * 3600 + (minute - offset_min) * 60 + second
    return at + 1, 1000 * seconds + millisecond, utc_offset_min
