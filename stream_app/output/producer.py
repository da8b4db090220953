"""What the producers of outputs and of changelogs have in common: idempotent, and no failed delivery unnoticed."""

import logging
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, Message, Producer

from schemas.settings import KafkaSettings
from stream_app.output.errors import DeliveryError
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_LIBRDKAFKA: Final = logging.getLogger("librdkafka")
"""Its log lines among ours and in our format, instead of on standard error."""

_QUEUED_MESSAGES: Final = 1_000_000

POLL_S: Final = 0.1


def create_producer(kafka: KafkaSettings, properties: dict[str, Any]) -> Producer:
    """Create an idempotent producer that waits for all in-sync replicas, with further properties of librdkafka."""
    config: dict[str, Any] = {
        **kafka.client_config(),
        "bootstrap.servers": kafka.bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        "queue.buffering.max.messages": _QUEUED_MESSAGES,
        **properties,
    }
    return Producer(config, logger=_LIBRDKAFKA)


def enqueue(producer: Producer, topic: str, key: bytes | None, value: bytes | None, **options: Any) -> None:
    """Enqueue one message, and wait while the producer's queue is full."""
    while True:
        try:
            producer.produce(topic, value, key, **options)
        except BufferError:
            producer.poll(POLL_S)
        else:
            break


class DeliveryFailures:
    """The messages of a producer that Kafka did not accept; each is final, as librdkafka has retried it by then."""

    def __init__(self) -> None:
        self._failures: list[tuple[str, str]] = []

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Take a delivery report; librdkafka's callback."""
        if error is None:
            return
        topic = str(message.topic())
        metrics.DELIVERY_FAILURES.labels(topic).inc()
        log.error("message not delivered", topic=topic, reason=error.str())
        self._failures.append((topic, error.str()))

    def raise_for(self, unconfirmed: int, timeout_s: float) -> None:
        """Raise if a message failed, or if some are unconfirmed after a time-out.

        Raises
        ------
        DeliveryError
            Then; also at every later call, as the messages are lost to this producer.
        """
        if self._failures:
            topic, reason = self._failures[0]
            raise DeliveryError(len(self._failures), topic, reason)
        if unconfirmed:
            raise DeliveryError(unconfirmed, "any topic", f"no confirmation within {timeout_s:g} s")
