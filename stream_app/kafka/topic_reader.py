"""Parts of a topic, read again."""

import threading
from collections.abc import Iterator
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import ANSWER_TIMEOUT_S, KafkaConsumer

_TOGETHER: Final = 5000
"""Records that are given at a time."""

_WAIT_S: Final = 0.5
_ANSWER_S: Final = 30.0
"""Without any record for so long the broker is taken to be down."""


class TopicReader:
    """Reads parts of a topic, on a connection of its own that is made when it is first needed.

    Parameters
    ----------
    kafka
        Where Kafka is.
    topic
        Full name of the topic.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._lock = threading.Lock()
        self._client: KafkaConsumer | None = None

    def first_offset(self, partition: int) -> int:
        """Give the offset of the first record of a partition that has not expired.

        Raises
        ------
        KafkaException
            When no broker answers in time.
        """
        with self._lock:
            place = TopicPartition(self._topic, partition)
            first, _ = self._connected().get_watermark_offsets(place, timeout=ANSWER_TIMEOUT_S)
            return int(first)

    def read(self, partition: int, first_offset: int, last_offset: int) -> Iterator[list[Message]]:
        """Read the records of a partition from one offset to another, both included; aborted ones are left out.

        Raises
        ------
        KafkaException
            When they can't be read.
        """
        with self._lock:
            client = self._connected()
            client.assign([TopicPartition(self._topic, partition, first_offset)])
            try:
                yield from _read(client, last_offset)
            finally:
                client.unassign()

    def _connected(self) -> KafkaConsumer:
        if self._client is None:
            properties = {
                "group.id": self._kafka.topic_prefix + self._kafka.group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
            }
            self._client = KafkaConsumer(self._kafka, properties)
        return self._client


def _read(client: KafkaConsumer, last_offset: int) -> Iterator[list[Message]]:
    empty = 0
    while True:
        messages = client.consume(_TOGETHER, _WAIT_S)
        found = [message for message in messages if message.error() is None]
        errors = [message.error() for message in messages if message.error() is not None]
        if found:
            yield [message for message in found if message.offset() <= last_offset]
        for error in errors:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                raise KafkaException(error)
        if errors or (found and found[-1].offset() >= last_offset):
            return
        empty = 0 if found else empty + 1
        if empty * _WAIT_S > _ANSWER_S:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its public name
