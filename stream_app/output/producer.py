"""What the producers of outputs and of changelogs have in common: idempotent, and no failed delivery unnoticed."""

import logging
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Message

from schemas.settings import KafkaSettings
from stream_app.kafka import AuthorizationError, KafkaProducer
from stream_app.output.errors import DeliveryError
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_LIBRDKAFKA: Final = logging.getLogger("librdkafka")
"""Its log lines among ours and in our format, instead of on standard error."""

_QUEUED_MESSAGES: Final = 1_000_000

_DENIED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
"""Without the right to write to any topic, Kafka refuses to begin idempotent production on the cluster."""

POLL_S: Final = 0.1


def create_producer(kafka: KafkaSettings, properties: dict[str, Any]) -> KafkaProducer:
    """Create an idempotent producer that waits for all in-sync replicas, with further properties of librdkafka."""
    config: dict[str, Any] = {
        "acks": "all",
        "enable.idempotence": True,
        "queue.buffering.max.messages": _QUEUED_MESSAGES,
        **properties,
    }
    return KafkaProducer(kafka, config, logger=_LIBRDKAFKA)


def enqueue(producer: KafkaProducer, topic: str, key: bytes | None, value: bytes | None, **options: Any) -> None:
    """Enqueue one message, and wait while the producer's queue is full.

    Raises
    ------
    DeliveryError, AuthorizationError
        If the message can't be sent.
    """
    while True:
        try:
            producer.produce(topic, value, key, **options)
        except BufferError:
            producer.poll(POLL_S)
        except KafkaException as error:
            raise delivery_error(1, topic, error.args[0]) from error
        else:
            break


def delivery_error(count: int, topic: str, error: KafkaError) -> DeliveryError | AuthorizationError:
    """Return the error of messages that were not delivered: a missing right, if that is why."""
    if error.code() in _DENIED:
        return AuthorizationError("WRITE", "topic", topic)
    reason = error.str()
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        reason += (
            "; raise max.message.bytes of the topic, or set DRIVER_SCORE_KAFKA__MAX_MESSAGE_BYTES to what it allows"
        )
    return DeliveryError(count, topic, reason)


class DeliveryFailures:
    """The messages of a producer that Kafka did not accept; each is final, as librdkafka has retried it by then."""

    def __init__(self) -> None:
        self._failures: list[tuple[str, KafkaError]] = []

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Take a delivery report; librdkafka's callback."""
        if error is None:
            return
        topic = str(message.topic())
        metrics.DELIVERY_FAILURES.labels(topic).inc()
        log.error("message not delivered", topic=topic, reason=error.str())
        self._failures.append((topic, error))

    def raise_for(self, unconfirmed: int, timeout_s: float) -> None:
        """Raise if a message failed, or if some are unconfirmed after a time-out.

        Raises
        ------
        DeliveryError, AuthorizationError
            Then; also at every later call, as the messages are lost to this producer.
        """
        if self._failures:
            topic, error = self._failures[0]
            raise delivery_error(len(self._failures), topic, error)
        if unconfirmed:
            raise DeliveryError(unconfirmed, "any topic", f"no confirmation within {timeout_s:g} s")
