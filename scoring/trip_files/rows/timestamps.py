"""Timestamps of files as expressions: to UTC epoch milliseconds, and minutes east of UTC."""

import re
from typing import Final

import polars as pl

_OFFSET: Final = r"([+-])(\d\d):?(\d\d)$"
_ISO_TEXT: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s*(Z|z|[+-]\d\d(:?\d\d)?)?$"
_MS_PER_MINUTE: Final = 60_000

_DIRECTIVE: Final = re.compile(r"%([-_0]?)([:#.0-9]*)([A-Za-z+%])")
_OF_A_DAY: Final = frozenset("dejFDxcvs+")
"""Directives of strptime that tell a day."""

_OF_A_TIME: Final = frozenset("HIklTRXrcs+")
"""Directives of strptime that tell an hour."""

_WRITTEN: Final = {
    **dict.fromkeys("Y", r"[+-]?\d+"),
    **dict.fromkeys("CymdeHIklMSUWGgVjf", r"\s*\d+"),
    **dict.fromkeys("uw", r"\d"),
    **dict.fromkeys("AaBbh", r"[^\s\d]+"),
    **dict.fromkeys("pP", r"[AaPp]\.?[Mm]\.?"),
    **dict.fromkeys("s", r"-?\d+"),
    **dict.fromkeys("Z", r"\S+"),
}
"""Patterns of what directives read; of others, anything."""


def iso_local_time(text: pl.Expr) -> pl.Expr:
    """Parse ISO 8601 as it is written, its offset left out: a naive Datetime in ms, null where it is none."""
    written = (
        pl.when(text.str.contains(_ISO_TEXT))
        .then(text)
        .str.replace(r"(\d\d:\d\d\S*?)\s*(Z|z|[+-]\d\d(:?\d\d)?)$", "${1}")
        .str.replace(" ", "T", literal=True)
        .str.replace(",", ".", literal=True)
        .str.replace(r"T(\d\d:\d\d)$", "T${1}:00")
    )
    return written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False)


def iso_offset_min(text: pl.Expr) -> pl.Expr:
    """Parse the offset of ISO 8601: minutes east of UTC, 0 for ``Z``, null where there is none."""
    is_utc = text.str.ends_with("Z") | text.str.ends_with("z")
    hours_only = text.str.replace(r"(:\d\d\S*?\s*)([+-]\d\d)$", "${1}${2}00")
    return pl.when(is_utc).then(pl.lit(0, pl.Int16)).otherwise(_minutes(hours_only.str.extract_groups(_OFFSET)))


def utc_ms(local_time: pl.Expr, offset_min: pl.Expr) -> pl.Expr:
    """Return UTC epoch milliseconds of a naive local time and its offset."""
    return local_time.dt.epoch("ms") - offset_min.cast(pl.Int64) * _MS_PER_MINUTE


def in_zone(local_time: pl.Expr, time_zone: str) -> pl.Expr:
    """Read a naive local time in a zone.

    The hour that exists twice in autumn is taken as the first one; a time that the clock skips in spring is
    null.
    """
    return local_time.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")


def tells_day(time_format: str) -> bool:
    """Return whether a format has a day."""
    return bool(_directives(time_format) & _OF_A_DAY)


def tells_time(time_format: str) -> bool:
    """Return whether a format has a time of day."""
    return bool(_directives(time_format) & _OF_A_TIME)


def tells_offset(time_format: str) -> bool:
    """Return whether a format has an offset from UTC, or is one of UTC seconds."""
    return bool(_directives(time_format) & {"z", "s", "+"})


def format_offset_min(text: pl.Expr, time_format: str) -> pl.Expr:
    """Return the minutes east of UTC that ``%z`` reads in a format; null where the format has no ``%z``."""
    pattern, place, has_offset = "", 0, False
    for directive in _DIRECTIVE.finditer(time_format):
        pattern += _literally(time_format[place : directive.start()])
        place, letter = directive.end(), directive[3]
        if letter == "z":
            has_offset = True
            pattern += r"(?:([+-])(\d\d):?(\d\d)?|[Zz])"
        elif letter == "f" and directive[2] == ".":
            pattern += r"(?:\.\d+)?"
        else:
            pattern += r"\%" if letter == "%" else _WRITTEN.get(letter, ".+?")
    if not has_offset:
        return pl.lit(None, pl.Int16)
    return _minutes(text.str.strip_chars().str.extract_groups(rf"^{pattern}{_literally(time_format[place:])}$"))


def _minutes(parts: pl.Expr) -> pl.Expr:
    sign, hours, minutes = (parts.struct.field(place) for place in ("1", "2", "3"))
    offset_min = hours.cast(pl.Int16) * 60 + minutes.cast(pl.Int16).fill_null(0)
    return pl.when(sign == "-").then(-offset_min).otherwise(offset_min)


def _directives(time_format: str) -> set[str]:
    return {directive[3] for directive in _DIRECTIVE.finditer(time_format)}


def _literally(text: str) -> str:
    return re.sub(r"(?:\\?\s)+", r"\\s*", re.escape(text))
