"""The UTC offset of a time zone."""

import polars as pl


def zone_offset_min(timestamp_ms: pl.Expr, time_zone: str) -> pl.Expr:
    """Give the minutes east of UTC, Int16, that clocks in an IANA time zone show at UTC epoch milliseconds."""
    moment = pl.from_epoch(timestamp_ms, time_unit="ms").dt.convert_time_zone(time_zone)
    return (moment.dt.base_utc_offset() + moment.dt.dst_offset()).dt.total_minutes().cast(pl.Int16)
