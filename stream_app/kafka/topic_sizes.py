"""How many messages topics hold."""

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import ANSWER_TIMEOUT_S, KafkaConsumer
from stream_app.kafka.errors import AuthorizationError


class TopicSizes:
    """Counts the messages that topics hold, from their first to their end offsets.

    Parameters
    ----------
    kafka
        Where they are.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._consumer = KafkaConsumer(kafka, {"group.id": kafka.group})

    def count(self, topic: str) -> int | None:
        """Count the messages of a topic; null when there is no such topic.

        Raises
        ------
        KafkaAccessError
            If no broker answers, or this client may not use it.
        """
        offsets = self._watermarks(topic)
        return None if offsets is None else sum(high - low for low, high in offsets)

    def ever_written(self, topic: str) -> int | None:
        """Count all messages ever written to a topic, expired ones included; null when there is no such topic.

        Raises
        ------
        KafkaAccessError
            If no broker answers, or this client may not use it.
        """
        offsets = self._watermarks(topic)
        return None if offsets is None else sum(high for _, high in offsets)

    def _watermarks(self, topic: str) -> list[tuple[int, int]] | None:
        # All topics: asking for one by name would create it where topics are created on demand.
        topics = self._consumer.metadata().topics
        if topic not in topics:
            return None
        try:
            return [
                self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ANSWER_TIMEOUT_S)
                for partition in topics[topic].partitions
            ]
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise AuthorizationError("DESCRIBE", "topic", topic) from error
            raise self._consumer.access_error(error) from error

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()
