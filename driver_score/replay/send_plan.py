"""The send plan: an event frame with the event time at which each row is to be sent.

Two columns beside `EVENT_SCHEMA`: ``send_ms`` (Int64, epoch milliseconds) and ``garbage`` (Binary; where it is
not null, these bytes are sent in place of the row, as a broken device would).
"""

from typing import Final

import polars as pl

from schemas.event_frame import EVENT_SCHEMA

PLAN_SCHEMA: Final = pl.Schema({**EVENT_SCHEMA, "send_ms": pl.Int64(), "garbage": pl.Binary()})
"""Schema of a send plan."""

TRIP_KEY: Final = ("vehicle_id", "trip_id")
"""What tells trips apart: a trip's id is unique within its vehicle."""

MAX_PAUSE_S: Final = 5.0
"""Nobody watches an empty road: stretches of event time without any event are sent over in this time at most."""


def plan_sending(events: pl.DataFrame) -> pl.DataFrame:
    """Order events by the time at which a device would have sent them.

    That is the event's time, but never before an event that the file has earlier for the same trip: what
    arrived out of order is replayed out of order.

    Parameters
    ----------
    events
        An event frame.

    Returns
    -------
    DataFrame
        `PLAN_SCHEMA`, sorted by ``send_ms``; rows of one time keep the file's order.
    """
    return events.with_columns(
        send_ms=pl.col("timestamp_ms").cum_max().over(TRIP_KEY), garbage=pl.lit(None, pl.Binary)
    ).sort("send_ms", maintain_order=True)


def append_trip_ends(events: pl.DataFrame) -> pl.DataFrame:
    """Add a ``trip_end`` to each trip that has none, 1 ms after its newest event.

    Not at the same time: two events of one trip and one time count as duplicates.
    """
    trips = events.group_by(TRIP_KEY, maintain_order=True).agg(
        pl.col("driver_id", "client_id", "vehicle_class", "utc_offset_min").last(),
        pl.col("timestamp_ms").max() + 1,
        (pl.col("event_type") == "trip_end").any().alias("ended"),
    )
    ends = trips.filter(~pl.col("ended")).with_columns(event_type=pl.lit("trip_end"))
    return pl.concat([events, ends.drop("ended")], how="diagonal").select(EVENT_SCHEMA.names())


def shift_to_now(events: pl.DataFrame, *, now_ms: int, speed: float | None) -> pl.DataFrame:
    """Move the trips to the present, so that no event is sent before its own time.

    Idle stretches between trips shrink to `MAX_PAUSE_S`; within a trip, and between trips that overlap, all
    times keep their distance. At real time the first event is now; at N times real time, and as fast as it
    goes, the last one is sent at its own time, and the others lie in the past.

    Parameters
    ----------
    events
        An event frame.
    now_ms
        The wall clock, epoch milliseconds.
    speed
        Times real time; null for as fast as possible.
    """
    trips = (
        events.group_by(TRIP_KEY)
        .agg(start=pl.col("timestamp_ms").min(), end=pl.col("timestamp_ms").max())
        .sort("start", *TRIP_KEY)
        .with_columns(idle=(pl.col("start") - pl.col("end").cum_max().shift(1)).clip(0).fill_null(0))
        .with_columns(earlier_ms=(pl.col("idle") - pl.col("idle").clip(None, int(MAX_PAUSE_S * 1000))).cum_sum())
    )
    moved = events.join(trips.select(*TRIP_KEY, "earlier_ms"), on=TRIP_KEY, maintain_order="left").with_columns(
        pl.col("timestamp_ms") - pl.col("earlier_ms")
    )
    first_ms, last_ms = moved["timestamp_ms"].min(), moved["timestamp_ms"].max()
    if not isinstance(first_ms, int) or not isinstance(last_ms, int):  # no events
        return events
    sending_ms = 0 if speed is None else (last_ms - first_ms) / speed
    by_ms = now_ms + round(sending_ms) - last_ms
    return moved.with_columns(pl.col("timestamp_ms") + by_ms).select(EVENT_SCHEMA.names())
