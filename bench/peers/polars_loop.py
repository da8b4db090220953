"""The job without a framework, as fast as plain tools allow: a confluent-kafka loop, Polars for batches of messages.

Nothing is durable: the sums of open trips are in memory only, and offsets are committed whatever was delivered. It
knows the messages of this benchmark, not every message of the contract (times with an offset, one event a message).
It reads the settings of ``driver-score worker``.
"""

import io
import signal
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any, Final

import orjson
import polars as pl
from confluent_kafka import Consumer, Producer

from bench.peers.peer_job import (
    ADDED,
    HARD_MPS2,
    HIGHEST,
    IDLE_KMH,
    MAX_GAP_MS,
    MS_PER_HOUR,
    WINDOW_MS,
    EndedPart,
    iso,
    load_scorer,
    score_messages,
)
from schemas.messages.optional_fields import MAX_SPEED_KMH
from schemas.messages.trip_event import ID_PATTERN
from schemas.settings import load_settings

_BATCH_MESSAGES: Final = 50_000
_BATCH_WAIT_S: Final = 0.5
_CLOSE_S: Final = 30.0

_TRIP: Final = ("vehicle_id", "trip_id")
_IDS: Final = (*_TRIP, "driver_id", "client_id")
_RANGES: Final = {
    "speed_kmh": (0, MAX_SPEED_KMH),
    "acceleration_mps2": (-400, 400),
    "lateral_acceleration_mps2": (-400, 400),
    "heading_deg": (-360, 360),
    "latitude": (-90, 90),
    "longitude": (-180, 180),
}
_SCHEMA: Final = {
    **dict.fromkeys((*_IDS, "timestamp", "event_type"), pl.String()),
    **dict.fromkeys(_RANGES, pl.Float64()),
}
_INTEGERS: Final = ("window", "last_ms")
_SUMS: Final = (*ADDED, HIGHEST)
_SO_FAR: Final = "so_far_"
"""Before the names of a trip's sums without its open window; its highest speed has the open window's too."""


class OpenTrips:
    """The sums of open trips, one row each."""

    def __init__(self) -> None:
        sums = (*_SUMS, *(_SO_FAR + name for name in _SUMS))
        self._trips = pl.DataFrame(
            schema={
                **dict.fromkeys(_TRIP, pl.String()),
                **dict.fromkeys(_INTEGERS, pl.Int64()),
                **dict.fromkeys(sums, pl.Float64()),
            }
        )

    def take(self, events: pl.DataFrame) -> list[EndedPart]:
        """Add events in the order of their messages; return what is to be scored."""
        parts = self._parts(_by_window(events, self._trips))
        last = parts.group_by(_TRIP, maintain_order=True).last()
        untouched = self._trips.join(last, on=_TRIP, how="anti")
        closed = {_SO_FAR + name: pl.col(_SO_FAR + name) - pl.col(name) for name in ADDED}
        self._trips = pl.concat([untouched, last.with_columns(**closed).select(untouched.columns)])
        ended = parts.filter(pl.col("ended_ms").is_not_null())
        return [part for row in ended.iter_rows(named=True) for part in _ended_parts(row)]

    def _parts(self, windows: pl.DataFrame) -> pl.DataFrame:
        """Return the windows of each trip in order, the open one first, with its sums up to the end of each."""
        open_windows = self._trips.join(windows, on=_TRIP, how="semi").select(*_TRIP, *_INTEGERS, *_SUMS)
        before = self._trips.select(*_TRIP, *(pl.col(_SO_FAR + name).alias(f"before_{name}") for name in _SUMS))
        own = pl.concat([open_windows, windows], how="diagonal")
        by_window = own.group_by(*_TRIP, "window", maintain_order=True).agg(
            pl.col(*ADDED).sum(), pl.col(HIGHEST, "last_ms").max(), pl.col("first_ms", "driver_id", "client_id").first()
        )
        so_far = [
            (pl.col(name).cum_sum().over(_TRIP) + pl.col(f"before_{name}").fill_null(0)).alias(_SO_FAR + name)
            for name in ADDED
        ]
        highest = pl.max_horizontal(pl.col(HIGHEST).cum_max().over(_TRIP), f"before_{HIGHEST}").alias(_SO_FAR + HIGHEST)
        following = pl.col("first_ms", "driver_id", "client_id").shift(-1).over(_TRIP)
        return (
            by_window.sort("window")
            .join(before, on=_TRIP, how="left", maintain_order="left")
            .with_columns(*so_far, highest, following)
            .rename({"first_ms": "ended_ms"})
        )


def read_events(messages: Sequence[bytes]) -> pl.DataFrame:
    """Read and check messages; those that are wrong are left out."""
    frame = pl.read_ndjson(io.BytesIO(b"\n".join(messages)), schema=_SCHEMA)
    legal = [pl.col(_IDS).str.contains(ID_PATTERN)]
    legal += [pl.col(name).is_between(*limits) | pl.col(name).is_null() for name, limits in _RANGES.items()]
    at_ms = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_zone="UTC")
    return frame.filter(legal).with_columns(at_ms=at_ms.dt.epoch("ms")).drop_nulls("at_ms")


def _by_window(events: pl.DataFrame, trips: pl.DataFrame) -> pl.DataFrame:
    """Sum the events of each window of each trip."""
    speed, acceleration = pl.col("speed_kmh"), pl.col("acceleration_mps2").fill_null(0)
    before = pl.max_horizontal(pl.col("at_ms").cum_max().shift(1).over(_TRIP), "last_ms").fill_null(0)
    counted = pl.when(speed.is_not_null() & (pl.col("elapsed") <= MAX_GAP_MS)).then("elapsed").otherwise(0)
    measures = {
        "ms": counted,
        "km": speed * counted / MS_PER_HOUR,
        "speed_ms": speed * counted,
        "square_ms": speed**2 * counted,
        "idle_ms": counted * (speed < IDLE_KMH),
        "brakes": (acceleration <= -HARD_MPS2) & speed.is_not_null(),
        "accelerations": (acceleration >= HARD_MPS2) & speed.is_not_null(),
    }
    return (
        events.lazy()
        .join(trips.lazy().select(*_TRIP, "last_ms"), on=_TRIP, how="left", maintain_order="left")
        .with_columns(elapsed=pl.col("at_ms") - before, window=pl.col("at_ms") // WINDOW_MS)
        .filter(pl.col("elapsed") > 0)
        .group_by(*_TRIP, "window", maintain_order=True)
        .agg(
            pl.col("at_ms").first().alias("first_ms"),
            pl.col("at_ms").last().alias("last_ms"),
            pl.col("driver_id", "client_id").first(),
            speed.max().fill_null(0).alias(HIGHEST),
            *(measure.sum().cast(pl.Float64).alias(name) for name, measure in measures.items()),
        )
        .collect()
    )


def _ended_parts(row: dict[str, Any]) -> list[EndedPart]:
    ids = {name: row[name] for name in ("trip_id", "vehicle_id", "driver_id", "client_id")}
    ids["timestamp"] = iso(row["ended_ms"])
    return [
        EndedPart("window", ids, {name: row[name] for name in _SUMS}),
        EndedPart("trip", ids, {name: row[_SO_FAR + name] for name in _SUMS}),
    ]


def main() -> None:
    """Run until SIGTERM."""
    settings = load_settings()
    kafka = settings.kafka
    scorer = load_scorer(settings)
    group = {"group.id": kafka.topic_prefix + kafka.group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, **group})
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 5})
    consumer.subscribe([kafka.topic_prefix + "trip-events"])
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    trips = OpenTrips()
    committed_at = time.monotonic()
    while not stopped:
        batch = consumer.consume(_BATCH_MESSAGES, timeout=_BATCH_WAIT_S)
        messages = [message.value() for message in batch if message.error() is None]
        if messages:
            for score in score_messages(scorer, trips.take(read_events(messages))):
                producer.produce(kafka.topic_prefix + "driver-scores", orjson.dumps(score), score["trip_id"].encode())
            producer.poll(0)
        if time.monotonic() - committed_at >= settings.worker.checkpoint_s and consumer.assignment():
            consumer.commit(asynchronous=True)
            committed_at = time.monotonic()
    producer.flush(_CLOSE_S)
    consumer.close()


if __name__ == "__main__":
    main()
