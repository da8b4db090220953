"""JSON read byte by byte, by kernels: what they accept is valid by RFC 8259; of anything unusual they are unsure.

Each takes the content, a place in it and the end of the value, and gives the place after what it has read; `UNSURE`
where the JSON is wrong, or of a kind that is left to a full parser.
"""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel

UNSURE: Final[Any] = np.int64(-1)

QUOTE: Final = ord('"')
COMMA: Final = ord(",")
COLON: Final = ord(":")
OPEN_OBJECT: Final = ord("{")
CLOSE_OBJECT: Final = ord("}")
OPEN_LIST: Final = ord("[")
CLOSE_LIST: Final = ord("]")
ZERO: Final = ord("0")
NINE: Final = ord("9")
MINUS: Final = ord("-")
POINT: Final = ord(".")

_BACKSLASH: Final = ord("\\")
_PLUS: Final = ord("+")
_SPACE: Final = ord(" ")
_BLANKS: Final = tuple(ord(blank) for blank in "\t\n\r")
_EXPONENT_MARKS: Final = (ord("e"), ord("E"))
_ESCAPED: Final = tuple(ord(escaped) for escaped in '"\\/bfnrt')

_UNICODE_ESCAPE: Final = 5
"""Bytes of ``u`` and four hexadecimal digits."""

_MAX_DEPTH: Final = 60
"""Objects and lists within each other: one bit of an int64 each; deeper ones are left to the full parser."""

_MAX_DIGITS: Final = 19
"""So many decimal digits always fit 64 bits."""

_EXACT_BELOW: Final = np.uint64(1) << np.uint64(53)
_EXACT_POWERS: Final = np.array([10.0**exponent for exponent in range(23)])
"""Powers of ten that a double holds exactly. A product or quotient of two exact doubles is rounded once: it is the
double nearest to the decimal number (Clinger, How to Read Floating Point Numbers Accurately, 1990)."""

_NEARBY: Final = 2.0**-51
"""An inexact mantissa is off by half a unit, its quotient by another half: together by less than this share."""


@inlined_kernel
def is_digit(byte: int) -> bool:
    """Tell whether a byte is one of 0 to 9."""
    return ZERO <= byte <= NINE


@inlined_kernel
def skip_space(content: Any, at: int, end: int) -> int:
    """Skip to the next byte that is no space."""
    while at < end and (content[at] == _SPACE or content[at] in _BLANKS):
        at += 1
    return at


@inlined_kernel
def skip_literal(content: Any, at: int, end: int, literal: Any) -> int:
    """Read a literal, given as bytes."""
    if at + literal.size > end:
        return UNSURE
    for place in range(literal.size):
        if content[at + place] != literal[place]:
            return UNSURE
    return at + literal.size


NULL: Final = np.frombuffer(b"null", np.uint8)
_TRUE: Final = np.frombuffer(b"true", np.uint8)
_FALSE: Final = np.frombuffer(b"false", np.uint8)


@kernel
def _skip_utf8(content: Any, at: int, end: int) -> int:
    """Read one character of two to four bytes (the table of well-formed sequences in the Unicode Standard, 3.9)."""
    lead = content[at]
    if 0xC2 <= lead <= 0xDF:
        size, low, high = 2, 0x80, 0xBF
    elif lead == 0xE0:
        size, low, high = 3, 0xA0, 0xBF
    elif lead == 0xED:
        size, low, high = 3, 0x80, 0x9F
    elif 0xE1 <= lead <= 0xEF:
        size, low, high = 3, 0x80, 0xBF
    elif lead == 0xF0:
        size, low, high = 4, 0x90, 0xBF
    elif 0xF1 <= lead <= 0xF3:
        size, low, high = 4, 0x80, 0xBF
    elif lead == 0xF4:
        size, low, high = 4, 0x80, 0x8F
    else:
        return UNSURE
    if at + size > end or not low <= content[at + 1] <= high:
        return UNSURE
    for place in range(at + 2, at + size):
        if not 0x80 <= content[place] <= 0xBF:
            return UNSURE
    return at + size


@kernel
def _skip_escape(content: Any, at: int, end: int) -> int:
    """Read what follows a backslash."""
    if at < end and content[at] in _ESCAPED:
        return at + 1
    if at + _UNICODE_ESCAPE > end or content[at] != ord("u"):
        return UNSURE
    for place in range(at + 1, at + _UNICODE_ESCAPE):
        byte = content[place]
        if not (is_digit(byte) or ord("A") <= byte <= ord("F") or ord("a") <= byte <= ord("f")):
            return UNSURE
    return at + _UNICODE_ESCAPE


@kernel
def skip_string(content: Any, at: int, end: int) -> int:
    """Read a string from after its opening quote to after its closing one."""
    while at < end:
        byte = content[at]
        if byte == QUOTE:
            return at + 1
        if byte < _SPACE:
            return UNSURE
        if byte == _BACKSLASH:
            at = _skip_escape(content, at + 1, end)
            if at == UNSURE:
                return UNSURE
        elif byte < 0x80:
            at += 1
        else:
            at = _skip_utf8(content, at, end)
            if at == UNSURE:
                return UNSURE
    return UNSURE


@kernel
def _skip_number(content: Any, at: int, end: int) -> int:
    if content[at] == MINUS:
        at += 1
    if at >= end or not is_digit(content[at]):
        return UNSURE
    leading_zero = content[at] == ZERO
    at += 1
    while at < end and is_digit(content[at]):
        if leading_zero:
            return UNSURE
        at += 1
    if at < end and content[at] == POINT:
        at += 1
        if at >= end or not is_digit(content[at]):
            return UNSURE
        while at < end and is_digit(content[at]):
            at += 1
    if at < end and content[at] in _EXPONENT_MARKS:
        at += 1
        if at < end and content[at] in (_PLUS, MINUS):
            at += 1
        if at >= end or not is_digit(content[at]):
            return UNSURE
        while at < end and is_digit(content[at]):
            at += 1
    return at


@kernel
def _skip_plain(content: Any, at: int, end: int) -> int:
    """Read a value that is no object and no list."""
    byte = content[at]
    if byte == QUOTE:
        return skip_string(content, at + 1, end)
    if byte == MINUS or is_digit(byte):
        return _skip_number(content, at, end)
    if byte == NULL[0]:
        return skip_literal(content, at, end, NULL)
    if byte == _TRUE[0]:
        return skip_literal(content, at, end, _TRUE)
    return skip_literal(content, at, end, _FALSE)


@kernel
def _skip_name(content: Any, at: int, end: int) -> int:
    """Read a name of an object and the colon after it."""
    if at >= end or content[at] != QUOTE:
        return UNSURE
    at = skip_string(content, at + 1, end)
    if at == UNSURE:
        return UNSURE
    at = skip_space(content, at, end)
    if at >= end or content[at] != COLON:
        return UNSURE
    return skip_space(content, at + 1, end)


@kernel
def skip_value(content: Any, at: int, end: int) -> int:
    """Read any value, whatever is in it."""
    depth = 0
    in_object = 0  # a bit for each level
    while True:
        if at >= end:
            return UNSURE
        byte = content[at]
        if byte in (OPEN_OBJECT, OPEN_LIST):
            depth += 1
            if depth > _MAX_DEPTH:
                return UNSURE
            in_object = in_object << 1 | (byte == OPEN_OBJECT)
            at = skip_space(content, at + 1, end)
            if at < end and content[at] != CLOSE_OBJECT and content[at] != CLOSE_LIST:
                if in_object & 1:
                    at = _skip_name(content, at, end)
                    if at == UNSURE:
                        return UNSURE
                continue
        else:
            at = _skip_plain(content, at, end)
            if at == UNSURE:
                return UNSURE
        # A value has ended, or an empty object or list is about to.
        while depth > 0:
            at = skip_space(content, at, end)
            if at >= end:
                return UNSURE
            if content[at] != (CLOSE_OBJECT if in_object & 1 else CLOSE_LIST):
                break
            in_object >>= 1
            depth -= 1
            at += 1
        if depth == 0:
            return at
        if content[at] != COMMA:
            return UNSURE
        at = skip_space(content, at + 1, end)
        if in_object & 1:
            at = _skip_name(content, at, end)
            if at == UNSURE:
                return UNSURE


@kernel
def _read_exponent(content: Any, at: int, end: int) -> tuple[int, int]:
    """Read an exponent of at most two digits."""
    negative = at < end and content[at] == MINUS
    if at < end and content[at] in (_PLUS, MINUS):
        at += 1
    first = at
    exponent = 0
    while at < end and is_digit(content[at]) and at - first <= 2:
        exponent = 10 * exponent + content[at] - ZERO
        at += 1
    if not 1 <= at - first <= 2:
        return UNSURE, 0
    return at, -exponent if negative else exponent


@inlined_kernel
def read_number(content: Any, at: int, end: int) -> tuple[int, float, float]:
    """Read a number.

    Returns
    -------
    tuple
        The place after it, and the least and the largest double that the one nearest to the number can be: twice the
        same where it is certain.
    """
    negative = content[at] == MINUS
    if negative:
        at += 1
    first = at
    mantissa = np.uint64(0)
    digits = 0
    fraction_digits = 0
    while at < end and is_digit(content[at]):
        mantissa = mantissa * np.uint64(10) + np.uint64(content[at] - ZERO)
        digits += mantissa != 0
        at += 1
    if at == first or (content[first] == ZERO and at > first + 1):
        return UNSURE, 0.0, 0.0
    if at < end and content[at] == POINT:
        at += 1
        first = at
        while at < end and is_digit(content[at]):
            mantissa = mantissa * np.uint64(10) + np.uint64(content[at] - ZERO)
            digits += mantissa != 0
            at += 1
        fraction_digits = at - first
        if fraction_digits == 0:
            return UNSURE, 0.0, 0.0
    exponent = -fraction_digits
    if at < end and content[at] in _EXPONENT_MARKS:
        at, given = _read_exponent(content, at + 1, end)
        if at == UNSURE:
            return UNSURE, 0.0, 0.0
        exponent += given
    if digits > _MAX_DIGITS or abs(exponent) >= _EXACT_POWERS.size:
        return UNSURE, 0.0, 0.0
    power = _EXACT_POWERS[abs(exponent)]
    number = float(mantissa) / power if exponent < 0 else float(mantissa) * power
    if negative:
        number = -number
    if mantissa < _EXACT_BELOW:
        return at, number, number
    margin = abs(number) * _NEARBY
    return at, number - margin, number + margin
