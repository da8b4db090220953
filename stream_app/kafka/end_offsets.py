"""The end offsets of partitions, from the brokers themselves."""

from collections.abc import Iterable
from typing import Final

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import KafkaAdmin

log = structlog.get_logger(__name__)

_ANSWER_S: Final = 3.0
"""As for the broker watch; a stop may have to wait for so long."""


class EndOffsets:
    """Asks brokers for end offsets, on a connection of its own: a consumer that no longer fetches does not know them.

    Parameters
    ----------
    kafka
        Where Kafka is.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._client = KafkaAdmin(kafka)

    def read(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Give the offset that is written next of each partition; those that no broker answers for are left out."""
        asked = {TopicPartition(topic, partition): OffsetSpec.latest() for topic, partition in partitions}
        if not asked:
            return {}
        found, reasons = {}, []
        for tp, answer in self._client.list_offsets(asked, request_timeout=_ANSWER_S).items():
            try:
                found[tp.topic, tp.partition] = int(answer.result().offset)
            except KafkaException as error:
                reasons.append(str(error.args[0].str()))
        if reasons:
            # A client that has seen a broker restart may ask with an outdated leader epoch for good.
            self._client = KafkaAdmin(self._kafka)
            log.warning("end offsets not known", partitions=len(reasons), reason=reasons[0])
        return found
