"""The local time of events without a UTC offset: that of their client's time zone."""

import polars as pl


def utc_offsets(events: pl.DataFrame, time_zones: dict[str, str]) -> pl.Series:
    """Give the UTC offset of each event by its client's time zone, minutes east, Int16.

    Parameters
    ----------
    events
        With ``client_id`` and ``timestamp_ms``.
    time_zones
        IANA time zone of each client; clients that are not listed are in UTC.
    """
    if not time_zones:
        return pl.zeros(len(events), pl.Int16, eager=True)
    timestamp = pl.col("timestamp_ms").cast(pl.Datetime("ms", "UTC"))
    offset = pl.lit(0, pl.Int16)
    for client_id, time_zone in time_zones.items():
        local = timestamp.dt.convert_time_zone(time_zone)
        minutes = (local.dt.base_utc_offset() + local.dt.dst_offset()).dt.total_minutes().cast(pl.Int16)
        offset = pl.when(pl.col("client_id") == client_id).then(minutes).otherwise(offset)
    return events.select(offset).to_series()
