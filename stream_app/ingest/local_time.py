"""The local time of events without a UTC offset: that of their client's time zone."""

import polars as pl

from scoring.time_zones import zone_offset_min


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
    offset = pl.lit(0, pl.Int16)
    for client_id, time_zone in time_zones.items():
        minutes = zone_offset_min(pl.col("timestamp_ms"), time_zone)
        offset = pl.when(pl.col("client_id") == client_id).then(minutes).otherwise(offset)
    return events.select(offset).to_series()
