"""Timestamps of files as expressions: to UTC epoch milliseconds, and minutes east of UTC."""

from typing import Final

import polars as pl

_OFFSET: Final = r"([+-])(\d\d):?(\d\d)$"
_ISO_TEXT: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|z|[+-]\d\d:?\d\d)?$"
_MS_PER_MINUTE: Final = 60_000


def iso_local_time(text: pl.Expr) -> pl.Expr:
    """Parse ISO 8601 as it is written, its offset left out: a naive Datetime in ms, null where it is none."""
    written = (
        pl.when(text.str.contains(_ISO_TEXT))
        .then(text)
        .str.replace(r"(Z|z|[+-]\d\d:?\d\d)$", "")
        .str.replace(" ", "T", literal=True)
        .str.replace(",", ".", literal=True)
        .str.replace(r"T(\d\d:\d\d)$", "T${1}:00")
    )
    return written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False)


def iso_offset_min(text: pl.Expr) -> pl.Expr:
    """Parse the offset of ISO 8601: minutes east of UTC, 0 for ``Z``, null where there is none."""
    parts = text.str.extract_groups(_OFFSET)
    minutes = parts.struct.field("2").cast(pl.Int16) * 60 + parts.struct.field("3").cast(pl.Int16)
    return (
        pl.when(text.str.ends_with("Z") | text.str.ends_with("z"))
        .then(pl.lit(0, pl.Int16))
        .otherwise(pl.when(parts.struct.field("1") == "-").then(-minutes).otherwise(minutes))
    )


def utc_ms(local_time: pl.Expr, offset_min: pl.Expr) -> pl.Expr:
    """Return UTC epoch milliseconds of a naive local time and its offset."""
    return local_time.dt.epoch("ms") - offset_min.cast(pl.Int64) * _MS_PER_MINUTE


def in_zone(local_time: pl.Expr, time_zone: str) -> pl.Expr:
    """Read a naive local time in a zone.

    The hour that exists twice in autumn is taken as the first one; a time that the clock skips in spring is
    null.
    """
    return local_time.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
