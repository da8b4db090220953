"""The local time of events that do not say their offset: that of their client's time zone."""

import polars as pl


def fill_utc_offsets(events: pl.DataFrame, time_zones: dict[str, str]) -> pl.DataFrame:
    """Fill in missing UTC offsets.

    Parameters
    ----------
    events
        Event frame.
    time_zones
        IANA time zone of each client; clients that are not listed are taken to be in UTC.
    """
    if events["utc_offset_min"].null_count() == 0:
        return events
    timestamp = pl.col("timestamp_ms").cast(pl.Datetime("ms", "UTC"))
    offset = pl.lit(0, pl.Int16)
    for client_id, time_zone in time_zones.items():
        local = timestamp.dt.convert_time_zone(time_zone)
        minutes = (local.dt.base_utc_offset() + local.dt.dst_offset()).dt.total_minutes().cast(pl.Int16)
        offset = pl.when(pl.col("client_id") == client_id).then(minutes).otherwise(offset)
    return events.with_columns(pl.col("utc_offset_min").fill_null(offset))
