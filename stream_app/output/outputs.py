"""Outputs onto Kafka, confirmed: scores, alerts, features, profiles and rejects.

Messages are enqueued in librdkafka at once and confirmed together at the next checkpoint. A message that the broker
does not accept stops the worker before the offsets of its source are committed, so it is published again.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from confluent_kafka import KafkaError, Message

from schemas.columns import OUTPUT_COLUMNS
from schemas.messages.trip_result import TripResult
from schemas.settings import KafkaSettings
from schemas.topics import (
    DRIVER_PROFILES,
    DRIVER_SCORES,
    SCORES_BY_DRIVER,
    TRIP_ALERTS,
    TRIP_EVENTS_DLQ,
    TRIP_FEATURES,
    TopicSpec,
)
from scoring.driver_scores import SEVERE_EVENT_KIND, DriverScores
from stream_app.ingest.rejects import Reject
from stream_app.output.alerts import alert_message
from stream_app.output.producer import POLL_S, DeliveryFailures, create_producer, delivery_error, enqueue
from stream_app.telemetry import metrics
from stream_app.telemetry.data_metrics import count_scores

_FRAMING_BYTES: Final = 1024
"""What Kafka adds to a message: the framing of its record batch, about 100 bytes, and the lengths of headers."""

_LENGTH_BYTES: Final = 5
"""The most that the length of a header's name or content takes (a varint of 32 bits)."""

_TRIP_RESULT_COLUMNS: Final = tuple(TripResult.model_fields)


class Outputs:
    """Publishes outputs.

    Parameters
    ----------
    kafka
        Where Kafka is.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._prefix = kafka.topic_prefix
        self._failures = DeliveryFailures()
        self._lock = threading.Lock()
        self._unconfirmed = _Unconfirmed(self._lock, self._failures)
        self._max_bytes = TRIP_EVENTS_DLQ.limited(kafka.max_message_bytes).max_message_bytes
        properties = {"linger.ms": 5, "message.max.bytes": self._max_bytes}
        self._producer = create_producer(kafka, properties)

    def publish_scores(self, scores: DriverScores) -> None:
        """Publish all scores and alerts; of final trips also the features and the result."""
        kinds, final, alerting = (scores.columns[name] for name in ("kind", "final", "alerting"))
        raising = [row for row, kind in enumerate(kinds) if alerting[row] or kind == SEVERE_EVENT_KIND]
        for alert in map(alert_message, scores.rows(tuple(scores.columns), raising)):
            self._publish(TRIP_ALERTS, [alert])
            metrics.ALERTS.labels(alert["alert_type"]).inc()
        own = [row for row, kind in enumerate(kinds) if kind != SEVERE_EVENT_KIND]
        self._publish(DRIVER_SCORES, scores.rows(OUTPUT_COLUMNS[DRIVER_SCORES.name], own))
        trips = [row for row in own if kinds[row] == "trip" and final[row]]
        self._publish(SCORES_BY_DRIVER, scores.rows(_TRIP_RESULT_COLUMNS, trips))
        self._publish(TRIP_FEATURES, scores.rows(OUTPUT_COLUMNS[TRIP_FEATURES.name], trips))
        count_scores(scores, own)

    def publish_profiles(self, profiles: Sequence[tuple[str, str]]) -> None:
        """Publish driver profiles, given as driver id and JSON."""
        self._produce(DRIVER_PROFILES, [(driver_id.encode(), profile.encode()) for driver_id, profile in profiles])
        metrics.PROFILES.inc(len(profiles))

    def publish_rejects(self, rejects: Iterable[Reject], topic: str, partition: int) -> None:
        """Send rejected originals, with the reason, to the dead-letter topic.

        An original that leaves no room for the reason is cut off, and a header has its size.
        """
        for reject in rejects:
            headers: list[tuple[str, bytes | None]] = [
                *((name, content) for name, content in reject.record.headers),
                ("error-code", reject.code.value.encode()),
                ("error-message", reject.message.encode()),
                ("source-topic", topic.encode()),
                ("source-partition", str(partition).encode()),
                ("source-offset", str(reject.record.offset).encode()),
            ]
            value = reject.record.value
            room = self._max_bytes - _FRAMING_BYTES - len(reject.record.key or b"") - _size_of(headers)
            if value is not None and len(value) > room:
                headers.append(("original-bytes", str(len(value)).encode()))
                value = value[: max(room, 0)]
            enqueue(
                self._producer,
                self._prefix + TRIP_EVENTS_DLQ.name,
                reject.record.key,
                value,
                headers=headers,
                on_delivery=self._expect(1).report,
            )
            self._producer.poll(0)
            metrics.REJECTS.labels(reject.code.value).inc()

    def confirm(self, timeout_s: float) -> None:
        """Wait until the broker has confirmed the outputs before this call, but not those that are published meanwhile.

        Raises
        ------
        DeliveryError
            When it has not.
        """
        with self._lock:
            before, self._unconfirmed = self._unconfirmed, _Unconfirmed(self._lock, self._failures)
        deadline = time.monotonic() + timeout_s
        while before.count and time.monotonic() < deadline:
            self._producer.poll(POLL_S)
        self._failures.raise_for(before.count, timeout_s)

    def wait_until_queued_at_most(self, count: int, timeout_s: float) -> None:
        """Wait until at most so many outputs are not confirmed; for work that publishes more than memory holds.

        Raises
        ------
        DeliveryError
            When one was refused, or they are not confirmed in time.
        """
        deadline = time.monotonic() + timeout_s
        while (queued := len(self._producer)) > count:
            self._failures.raise_for(queued if time.monotonic() > deadline else 0, timeout_s)
            self._producer.poll(POLL_S)

    def _publish(self, topic: TopicSpec, messages: Iterable[dict[str, Any]]) -> None:
        self._produce(topic, [(message[topic.key].encode(), orjson.dumps(message)) for message in messages])

    def _produce(self, topic: TopicSpec, messages: Sequence[tuple[bytes, bytes]]) -> None:
        """Enqueue keys and values in one call: one by one they cost twice as much.

        Where librdkafka's queue is full, all messages from the first refused one on are enqueued again, in their order.
        A later one that was accepted is then published twice, which changes nothing.
        """
        name = self._prefix + topic.name
        while messages:
            batch: list[dict[str, Any]] = [{"key": key, "value": value} for key, value in messages]
            unconfirmed = self._expect(len(batch))
            if self._producer.produce_batch(name, batch, on_delivery=unconfirmed.report) == len(batch):
                break
            refused = [row for row, message in enumerate(batch) if "_error" in message]
            unconfirmed.subtract(len(refused))
            error = batch[refused[0]]["_error"]
            if error.code() != KafkaError._QUEUE_FULL:  # noqa: SLF001 - its public name
                raise delivery_error(len(refused), name, error)
            messages = messages[refused[0] :]
            self._producer.poll(POLL_S)
        self._producer.poll(0)

    def _expect(self, count: int) -> "_Unconfirmed":
        with self._lock:
            self._unconfirmed.count += count
            return self._unconfirmed


def _size_of(headers: Iterable[tuple[str, bytes | None]]) -> int:
    return sum(2 * _LENGTH_BYTES + len(name.encode()) + len(content or b"") for name, content in headers)


class _Unconfirmed:
    """Counts the outputs between two checkpoints that are not yet confirmed.

    Parameters
    ----------
    lock
        Held to change the count, and to begin with the next one.
    failures
        Told of each delivery.
    """

    def __init__(self, lock: threading.Lock, failures: DeliveryFailures) -> None:
        self._lock = lock
        self._failures = failures
        self.count = 0

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Take a delivery report."""
        self._failures.report(error, message)
        self.subtract(1)

    def subtract(self, count: int) -> None:
        """Expect so many fewer."""
        with self._lock:
            self.count -= count
