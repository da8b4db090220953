"""Sending of messages to Kafka: paced or as fast as possible, confirmed, in bounded memory."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from confluent_kafka import KafkaError, KafkaException, Message

from driver_score.replay.messages import MessageSlice, event_messages
from driver_score.replay.pacing import Clock, Pace, StoppableClock
from driver_score.replay.send_plan import MAX_PAUSE_S, plan_sending
from schemas.settings import KafkaSettings
from stream_app.kafka import AuthorizationError, KafkaProducer, TopicError

CONNECT_TIMEOUT_S: Final = 10.0
"""A starting broker answers within seconds; a longer wait would look like a hang."""

_MESSAGES_BETWEEN_POLLS: Final = 2_000
_LONGEST_WAIT_S: Final = 0.1
"""Maximum time between polls of delivery reports while no message is to be sent."""

_PRODUCER: Final = {
    "acks": "all",
    # A request that is tried again, as on a topic that was just created, must not come after later ones.
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "batch.num.messages": 100_000,
    # Bounds the memory: at 128 MB waiting, sending waits for the broker.
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 128 * 1024,
    "message.timeout.ms": 30_000,
    # Callbacks for failures only, which doubles the rate.
    "delivery.report.only.error": True,
    # No compression: the worker's client reads none but gzip without further packages.
    "compression.type": "none",
}

_DENIED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
"""Without the right to write to any topic, Kafka refuses to begin idempotent production on the cluster."""


@dataclass(frozen=True)
class ReplaySummary:
    """What a replay has sent, all of it confirmed by the broker.

    Attributes
    ----------
    messages, events
        Messages, and the events in them: garbage is a message without one, an envelope has several.
    bytes_sent
        Size of the messages' values.
    elapsed_s
        From the first message to the last confirmation.
    stopped
        Whether it was stopped before the end.
    """

    messages: int
    events: int
    bytes_sent: int
    elapsed_s: float
    stopped: bool

    @property
    def events_per_s(self) -> float:
        """Events a second, confirmation included."""
        return self.events / self.elapsed_s if self.elapsed_s > 0 else 0.0


def replay(
    source: pl.DataFrame | Iterable[MessageSlice],
    *,
    kafka: KafkaSettings,
    topic: str,
    speed: float | None = None,
    max_pause_s: float | None = MAX_PAUSE_S,
    progress: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
) -> ReplaySummary:
    """Send trips to Kafka, in the order of event time, keyed by vehicle.

    Parameters
    ----------
    source
        An event frame, or messages from `event_messages` or `line_messages`.
    kafka
        Where Kafka is, and how to connect.
    topic
        Name of the topic with its prefix; it must exist.
    speed
        Times real time; null for as fast as possible.
    max_pause_s
        Longer stretches of event time without any event are shortened to this when paced; null for never.
    progress
        Called with the number of events sent since the last call.
    stop
        Once set, nothing more is sent; what was sent is still confirmed.
    clock
        Another clock than the machine's.

    Raises
    ------
    KafkaAccessError
        If Kafka can't be used.
    TopicError
        If the topic does not exist, or messages were not delivered.
    """
    stop = stop or threading.Event()
    clock = clock or StoppableClock(stop)
    slices = event_messages(plan_sending(source)) if isinstance(source, pl.DataFrame) else source
    outbox = _Outbox(kafka, topic)
    pace = Pace(speed, max_pause_s=max_pause_s)
    started = clock.monotonic()
    events = 0
    for messages in slices:
        due = started + pace.due_s(messages.send_ms)
        begin = 0
        while begin < len(due) and not stop.is_set():
            now = clock.monotonic()
            end = min(int(np.searchsorted(due, now, "right")), begin + _MESSAGES_BETWEEN_POLLS)
            if end > begin:
                outbox.send(messages.keys[begin:end], messages.values[begin:end])
                sent = int(messages.events[begin:end].sum())
                events += sent
                if progress is not None:
                    progress(sent)
            else:
                outbox.poll()
                clock.wait(min(due[begin] - now, _LONGEST_WAIT_S))
            begin = max(begin, end)
        if stop.is_set():
            break
    outbox.confirm()
    return ReplaySummary(outbox.messages, events, outbox.bytes_sent, clock.monotonic() - started, stopped=stop.is_set())


class _Outbox:
    """A producer that counts what it sends and what fails."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._bootstrap = kafka.bootstrap
        self._topic = topic
        self._failures = 0
        self._cause = ""
        self._is_denied = False
        self.messages = 0
        self.bytes_sent = 0
        # As large as the cluster allows: a message that is too large must reach the one who rejects it.
        self._producer = KafkaProducer(kafka, {**_PRODUCER, "message.max.bytes": kafka.max_message_bytes})
        if topic not in self._producer.metadata(timeout_s=CONNECT_TIMEOUT_S).topics:
            raise TopicError(
                topic,
                f"does not exist at {kafka.bootstrap}, or this client lacks the right DESCRIBE on it",
                remedy="Create it with `driver-score topics create`, or let an administrator add an ACL.",
            )

    def send(self, keys: list[bytes | None], values: list[bytes]) -> None:
        produce, topic, report = self._producer.produce, self._topic, self._on_failure
        for key, encoded in zip(keys, values, strict=True):
            while True:
                try:
                    produce(topic, encoded, key, on_delivery=report)
                except BufferError:
                    self._producer.poll(0.05)
                except KafkaException as error:
                    self._count_failure(error.args[0])
                    break
                else:
                    break
        self.messages += len(values)
        self.bytes_sent += sum(map(len, values))
        self.poll()

    def poll(self) -> None:
        self._producer.poll(0)

    def confirm(self) -> None:
        """Wait until the broker has everything; `message.timeout.ms` bounds the wait."""
        self._producer.flush()
        if self._is_denied:
            raise AuthorizationError("WRITE", "topic", self._topic)
        if self._failures:
            raise TopicError(
                self._topic,
                f"{self._failures:,} of {self.messages:,} messages were not delivered ({self._cause})",
                remedy=f"Check the broker at {self._bootstrap} and its limits, then replay again: "
                "events that had arrived count once.",
            )

    def _on_failure(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._count_failure(error)

    def _count_failure(self, error: KafkaError) -> None:
        self._failures += 1
        self._is_denied = self._is_denied or error.code() in _DENIED
        self._cause = self._cause or error.str()
