"""How many messages topics hold."""

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.settings import KafkaSettings
from stream_app.kafka.errors import BrokerUnavailableError
from stream_app.kafka.topics import ANSWER_TIMEOUT_S


class TopicSizes:
    """Counts the messages that topics hold, from their first to their end offsets.

    Parameters
    ----------
    kafka
        Where they are.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._bootstrap = kafka.bootstrap
        self._consumer = Consumer(
            {**kafka.client_config(), "bootstrap.servers": kafka.bootstrap, "group.id": kafka.group, "log_level": 0}
        )

    def count(self, topic: str) -> int | None:
        """Count the messages of a topic; null when there is no such topic.

        Raises
        ------
        BrokerUnavailableError
            If no broker answers.
        """
        offsets = self._watermarks(topic)
        return None if offsets is None else sum(high - low for low, high in offsets)

    def ever_written(self, topic: str) -> int | None:
        """Count all messages ever written to a topic, expired ones included; null when there is no such topic.

        Raises
        ------
        BrokerUnavailableError
            If no broker answers.
        """
        offsets = self._watermarks(topic)
        return None if offsets is None else sum(high for _, high in offsets)

    def _watermarks(self, topic: str) -> list[tuple[int, int]] | None:
        try:
            # All topics: asking for one by name would create it where topics are created on demand.
            topics = self._consumer.list_topics(timeout=ANSWER_TIMEOUT_S).topics
            if topic not in topics:
                return None
            return [
                self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ANSWER_TIMEOUT_S)
                for partition in topics[topic].partitions
            ]
        except KafkaException as error:
            raise BrokerUnavailableError(self._bootstrap, cause=error.args[0].str()) from error

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()
