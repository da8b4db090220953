"""Outputs onto Kafka, confirmed: scores, alerts, features and rejects.

Messages are handed to librdkafka at once and confirmed together at the next checkpoint. A message that the broker
does not take stops the worker before the offsets of its source are committed, so it is made again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import orjson
import structlog
from confluent_kafka import KafkaError, Message, Producer

from schemas.columns import OUTPUT_COLUMNS
from schemas.errors import DriverScoreError
from schemas.topics import (
    DRIVER_PROFILES,
    DRIVER_SCORES,
    MAX_CHUNK_BYTES,
    SCORES_BY_DRIVER,
    TRIP_ALERTS,
    TRIP_EVENTS_DLQ,
    TRIP_FEATURES,
    TopicSpec,
)
from scoring.driver_scores import SEVERE_EVENT_KIND, DriverScores
from stream_app.ingest.rejects import Reject
from stream_app.telemetry import metrics
from stream_app.telemetry.data_metrics import count_scores

log = structlog.get_logger(__name__)

_LIBRDKAFKA: Final = logging.getLogger("librdkafka")
"""Its lines among ours, in our format, and not on standard error beside them."""

_POLL_S: Final = 0.1
_QUEUED_MESSAGES: Final = 1_000_000
_COARSE_DIGITS: Final = 2
"""0.01 degrees, about a kilometre: enough to say where, too little to say whose door."""


class DeliveryError(DriverScoreError):
    """Kafka did not take outputs."""

    def __init__(self, count: int, topic: str, reason: str) -> None:
        super().__init__(
            f"{count} messages were not delivered, the first to {topic}: {reason}. Check the broker; the worker stops "
            "before it commits, and makes them again when it is restarted."
        )


class _Deliveries:
    """Counts the outputs between two checkpoints that are not yet confirmed.

    Parameters
    ----------
    lock
        Held to change the count, and to begin with the next one.
    on_delivery
        Told of each delivery.
    """

    def __init__(self, lock: threading.Lock, on_delivery: Callable[[KafkaError | None, Message], None]) -> None:
        self._lock = lock
        self._on_delivery = on_delivery
        self.waiting = 0

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Take a delivery report."""
        self._on_delivery(error, message)
        self.take_off(1)

    def take_off(self, count: int) -> None:
        """Wait for so many fewer."""
        with self._lock:
            self.waiting -= count


class Publisher:
    """Publishes outputs.

    Parameters
    ----------
    bootstrap
        Address of the broker.
    prefix
        Before each topic's name.
    client_config
        Further settings of confluent-kafka.
    """

    def __init__(self, bootstrap: str, prefix: str, client_config: dict[str, str]) -> None:
        self._prefix = prefix
        self._failures: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._deliveries = _Deliveries(self._lock, self._on_delivery)
        common: dict[str, Any] = {
            **client_config,
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "queue.buffering.max.messages": _QUEUED_MESSAGES,
        }
        outputs = {**common, "linger.ms": 5, "message.max.bytes": TRIP_EVENTS_DLQ.max_message_bytes}
        self._outputs = Producer(outputs, logger=_LIBRDKAFKA)
        # A record a batch: the embedded broker, Tansu, gives the first offset of the last batch as the end of a topic.
        changelogs = {
            **common,
            "batch.num.messages": 1,
            "message.max.bytes": MAX_CHUNK_BYTES,
            "delivery.report.only.error": True,
        }
        self._changelogs = Producer(changelogs, logger=_LIBRDKAFKA)

    def publish_scores(self, scores: DriverScores) -> None:
        """Publish all scores and alerts; of final trips also the features, and the score once more by driver."""
        kinds, final, alerting = (scores.columns[name] for name in ("kind", "final", "alerting"))
        raising = [row for row, kind in enumerate(kinds) if alerting[row] or kind == SEVERE_EVENT_KIND]
        for alert in map(_alert, scores.rows(tuple(scores.columns), raising)):
            self._publish(TRIP_ALERTS, [alert])
            metrics.ALERTS.labels(alert["alert_type"]).inc()
        own = [row for row, kind in enumerate(kinds) if kind != SEVERE_EVENT_KIND]
        self._publish(DRIVER_SCORES, scores.rows(OUTPUT_COLUMNS[DRIVER_SCORES.name], own))
        trips = [row for row in own if kinds[row] == "trip" and final[row]]
        self._publish(SCORES_BY_DRIVER, scores.rows(OUTPUT_COLUMNS[DRIVER_SCORES.name], trips))
        self._publish(TRIP_FEATURES, scores.rows(OUTPUT_COLUMNS[TRIP_FEATURES.name], trips))
        count_scores(scores, own)

    def publish_profiles(self, profiles: Sequence[tuple[str, str]]) -> None:
        """Publish driver profiles, given as driver id and JSON."""
        self._produce(DRIVER_PROFILES, [(driver_id.encode(), profile.encode()) for driver_id, profile in profiles])
        metrics.PROFILES.inc(len(profiles))

    def publish_rejects(self, rejects: Iterable[Reject], topic: str, partition: int) -> None:
        """Send rejected originals, with the reason, to the dead-letter topic."""
        for reject in rejects:
            headers: list[tuple[str, bytes | None]] = [
                *((name, content) for name, content in reject.record.headers),
                ("error-code", reject.code.value.encode()),
                ("error-message", reject.message.encode()),
                ("source-topic", topic.encode()),
                ("source-partition", str(partition).encode()),
                ("source-offset", str(reject.record.offset).encode()),
            ]
            self._enqueue(
                self._outputs,
                self._prefix + TRIP_EVENTS_DLQ.name,
                reject.record.value,
                reject.record.key,
                headers=headers,
                on_delivery=self._expect(1).report,
            )
            self._outputs.poll(0)
            metrics.REJECTS.labels(reject.code.value).inc()

    def store(self, changelog: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Write a row of a table to its changelog, given by its full name; null deletes it."""
        self._enqueue(self._changelogs, changelog, value, key, partition=partition, on_delivery=self._on_delivery)

    def confirm_outputs(self, timeout_s: float) -> None:
        """Wait until the broker has taken all outputs of before this call, but not those that are published meanwhile.

        Raises
        ------
        DeliveryError
            When it has not.
        """
        with self._lock:
            deliveries, self._deliveries = self._deliveries, _Deliveries(self._lock, self._on_delivery)
        deadline = time.monotonic() + timeout_s
        while deliveries.waiting and time.monotonic() < deadline:
            self._outputs.poll(_POLL_S)
        self._refuse_failures(deliveries.waiting, timeout_s)

    def confirm_stored(self, timeout_s: float) -> None:
        """Wait until the broker has taken all rows of tables.

        Raises
        ------
        DeliveryError
            When it has not.
        """
        self._refuse_failures(self._changelogs.flush(timeout_s), timeout_s)

    def _refuse_failures(self, remaining: int, timeout_s: float) -> None:
        if self._failures:
            topic, reason = self._failures[0]
            raise DeliveryError(len(self._failures), topic, reason)
        if remaining:
            raise DeliveryError(remaining, "any topic", f"no confirmation within {timeout_s:g} s")

    def _publish(self, topic: TopicSpec, messages: Iterable[dict[str, Any]]) -> None:
        self._produce(topic, [(message[topic.key].encode(), orjson.dumps(message)) for message in messages])

    def _produce(self, topic: TopicSpec, messages: Sequence[tuple[bytes, bytes]]) -> None:
        """Hand over keys and values in one call: one by one they cost twice as much.

        Where librdkafka's queue is full, all from the first message on that it refused are handed over again, in
        their order. One behind that it took is then there twice, which changes nothing.
        """
        name = self._prefix + topic.name
        while messages:
            batch: list[dict[str, Any]] = [{"key": key, "value": value} for key, value in messages]
            deliveries = self._expect(len(batch))
            if self._outputs.produce_batch(name, batch, on_delivery=deliveries.report) == len(batch):
                break
            refused = [row for row, message in enumerate(batch) if "_error" in message]
            deliveries.take_off(len(refused))
            error = batch[refused[0]]["_error"]
            if error.code() != KafkaError._QUEUE_FULL:  # noqa: SLF001 - its public name
                raise DeliveryError(len(refused), name, error.str())
            messages = messages[refused[0] :]
            self._outputs.poll(_POLL_S)
        self._outputs.poll(0)

    def _expect(self, count: int) -> _Deliveries:
        with self._lock:
            self._deliveries.waiting += count
            return self._deliveries

    def _enqueue(self, producer: Producer, topic: str, value: bytes | None, key: bytes | None, **options: Any) -> None:
        while True:
            try:
                producer.produce(topic, value, key, **options)
            except BufferError:
                producer.poll(_POLL_S)
            else:
                break

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        metrics.DELIVERY_FAILURES.labels(message.topic()).inc()
        log.error("message not delivered", topic=message.topic(), reason=error.str())
        self._failures.append((str(message.topic()), error.str()))


def _alert(score: dict[str, Any]) -> dict[str, Any]:
    severe = score["kind"] == SEVERE_EVENT_KIND
    unknown_place = score["latitude"] == 0 and score["longitude"] == 0
    alert = {
        **score,
        "alert_id": f"alert_{score['score_id']}",
        "alert_type": "severe_event" if severe else "high_risk_trip",
        "score_id": None if severe else score["score_id"],
        "event_type": score["event_type"] if severe else None,
        "peak_mps2": score["peak_mps2"] if severe else None,
        "latitude": None if unknown_place else round(score["latitude"], _COARSE_DIGITS),
        "longitude": None if unknown_place else round(score["longitude"], _COARSE_DIGITS),
        "raised_at": score["scored_at"],
    }
    return {name: alert[name] for name in OUTPUT_COLUMNS[TRIP_ALERTS.name]}
