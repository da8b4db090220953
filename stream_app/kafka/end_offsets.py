"""The end offsets of partitions, from the brokers themselves."""

import time
from collections.abc import Iterable
from typing import Final

import structlog
from confluent_kafka import KafkaException

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import OffsetsConsumer

log = structlog.get_logger(__name__)

_ANSWER_S: Final = 3.0
"""As for the broker watch; a stop may have to wait for so long."""

_LEAST_S: Final = 0.1


class EndOffsets:
    """Asks brokers for end offsets, on a connection of its own: a consumer that no longer fetches does not know them.

    Parameters
    ----------
    kafka
        Where Kafka is.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._client = OffsetsConsumer(kafka)

    def read(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Give the offset that is written next of each partition; those that no broker answers for are left out."""
        deadline = time.monotonic() + _ANSWER_S
        found, reasons = {}, []
        for topic, partition in partitions:
            left_s = max(deadline - time.monotonic(), _LEAST_S)
            try:
                _, found[topic, partition] = self._client.watermarks(topic, partition, timeout_s=left_s)
            except KafkaException as error:
                reasons.append(str(error.args[0].str()))
        if reasons:
            log.warning("end offsets not known", partitions=len(reasons), reason=reasons[0])
        return found
