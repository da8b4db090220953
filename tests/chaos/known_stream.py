"""A stream whose every result is known: the simulated fleet, repeated as needed, disturbed, sent share by share."""

import threading
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from confluent_kafka import KafkaError, Message, Producer

from driver_score.replay import Disturbance, append_trip_ends, disturb, event_messages, plan_sending
from scoring.features.batch import trip_features
from scoring.trip_files import DEFAULT_FLEET_PATH, read_trip_file

STARTS_WITHIN_MS: Final = 3_600_000
"""Trips start within an hour of event time: a third of them is under way at any time."""

_LOOK_S: Final = 0.02
_BURST: Final = 2_000
_CONFIRM_S: Final = 300.0


@dataclass(frozen=True)
class KnownStream:
    """What is sent, and what must come of it.

    Attributes
    ----------
    plan
        A send plan, garbage included.
    copies
        How often each trip is sent; copies have ids of their own and the same results.
    expected
        Batch features of each trip of the first copy.
    garbage
        Messages that must all be rejected, copies included; each as often as it is sent.
    """

    plan: pl.DataFrame
    copies: int
    expected: pl.DataFrame
    garbage: list[bytes]

    @property
    def messages(self) -> int:
        """Count what is sent."""
        return len(self.plan) * self.copies

    @property
    def trips(self) -> int:
        """Count the trips."""
        return len(self.expected) * self.copies


def known_stream(events: int, seed: int) -> KnownStream:
    """Make a stream of about so many events: some drivers of the simulated fleet, or all of them several times."""
    fleet = read_trip_file(DEFAULT_FLEET_PATH, file_format="fleet").events
    copies = max(1, round(events / len(fleet)))
    per_driver = fleet.group_by("driver_id").len().sort("driver_id")
    wanted = per_driver.filter(pl.col("len").cum_sum() <= max(events // copies, per_driver["len"][0]))
    chosen = append_trip_ends(_staggered(fleet.filter(pl.col("driver_id").is_in(wanted["driver_id"].implode())), seed))
    disturbance = Disturbance(duplicates=0.01, out_of_order=0.02, garbage=0.002, seed=seed)
    plan = disturb(plan_sending(chosen), disturbance)
    garbage = plan["garbage"].drop_nulls().to_list() * copies
    return KnownStream(plan, copies, trip_features(chosen), garbage)


def _staggered(events: pl.DataFrame, seed: int) -> pl.DataFrame:
    trips = (
        events.group_by("vehicle_id", "trip_id").agg(start=pl.col("timestamp_ms").min()).sort("vehicle_id", "trip_id")
    )
    first_ms = trips["start"].min()
    drawn = np.random.default_rng(seed).integers(0, STARTS_WITHIN_MS, len(trips))
    moved = trips.select("vehicle_id", "trip_id", move_ms=first_ms + pl.Series(drawn) - trips["start"])
    joined = events.join(moved, on=["vehicle_id", "trip_id"], maintain_order="left")
    return joined.with_columns(pl.col("timestamp_ms") + pl.col("move_ms")).drop("move_ms")


class Sender(threading.Thread):
    """Sends a stream at a steady pace, but never more than the share that is released.

    The broker may stop and start meanwhile: an idempotent producer repeats and reorders nothing.
    """

    def __init__(self, stream: KnownStream, *, bootstrap: str, topic: str, messages_per_s: float) -> None:
        super().__init__(name="sender")
        self._stream = stream
        self._topic = topic
        self._messages_per_s = messages_per_s
        self._released = 0.0
        self._stopped = threading.Event()
        self.sent = 0
        self.failures: list[str] = []
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": int(_CONFIRM_S * 1000),
                "delivery.report.only.error": True,
                "on_delivery": self._on_failure,
                "log_level": 0,
            }
        )

    def release(self, share: float) -> None:
        """Send the stream up to this share of it."""
        self._released = share

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped.set()

    def run(self) -> None:
        """Send everything, and wait until it is confirmed."""
        started = time.monotonic()
        held_s = 0.0
        for messages in event_messages(self._stream.plan, copies=self._stream.copies):
            for begin in range(0, len(messages.values), _BURST):
                while not self._stopped.is_set() and self.sent > self._released * self._stream.messages:
                    self._stopped.wait(_LOOK_S)
                    held_s += _LOOK_S
                due_s = started + held_s + self.sent / self._messages_per_s
                if self._stopped.wait(max(0.0, due_s - time.monotonic())):
                    return
                for key, content in zip(
                    messages.keys[begin : begin + _BURST], messages.values[begin : begin + _BURST], strict=True
                ):
                    self._produce(key, content)
        if self._producer.flush(_CONFIRM_S):
            self.failures.append("not confirmed in time")

    def _produce(self, key: bytes | None, content: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._topic, content, key)
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self.sent += 1
        self._producer.poll(0)

    def _on_failure(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self.failures.append(error.str())
