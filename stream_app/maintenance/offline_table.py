"""A table of a group that is stopped: read from its changelog, and written to it, without Faust."""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from schemas.settings import KafkaSettings
from stream_app.kafka import BrokerUnavailableError, KafkaConsumer

_POLL_S: Final = 1.0
_READ_TOGETHER: Final = 1000


class OfflineTable:
    """The rows of a table by name, as `ReplicatedTable` has them.

    Parameters
    ----------
    kafka
        Where Kafka is.
    changelog_topic
        Full name of the changelog.
    partition_count
        Partitions of it to read.
    """

    def __init__(self, kafka: KafkaSettings, changelog_topic: str, partition_count: int) -> None:
        self.changelog_topic = changelog_topic
        self.partitions: dict[bytes, int] = {}
        """The partition that each row is on."""
        self._rows: dict[bytes, bytes] = {}
        self._read(kafka, partition_count)

    def _read(self, kafka: KafkaSettings, partition_count: int) -> None:
        consumer = KafkaConsumer(
            kafka,
            {
                "group.id": kafka.topic_prefix + kafka.group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            },
        )
        places = [TopicPartition(self.changelog_topic, number, OFFSET_BEGINNING) for number in range(partition_count)]
        consumer.assign(places)
        unread = {place.partition for place in places}
        try:
            while unread:
                for message in consumer.consume(_READ_TOGETHER, _POLL_S):
                    error, partition = message.error(), message.partition()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                        unread.discard(partition)
                    elif error is not None:
                        raise BrokerUnavailableError(kafka.bootstrap, cause=error.str())
                    elif message.value() is None:
                        self.drop(message.key())
                    else:
                        self.hold(partition, message.key(), message.value())
        except KafkaException as error:
            raise BrokerUnavailableError(kafka.bootstrap, cause=str(error.args[0].str())) from error
        finally:
            consumer.close()

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Give all rows."""
        return self._rows.items()

    def __getitem__(self, name: bytes) -> bytes:
        return self._rows[name]

    def replace(self, rows: dict[bytes, bytes]) -> None:
        """Replace what is held of rows that are there."""
        self._rows.update(rows)

    def hold(self, partition: int, name: bytes, content: bytes) -> None:
        """Hold a row of a partition."""
        self._rows[name] = content
        self.partitions[name] = partition

    def drop(self, name: bytes) -> None:
        """Hold a row no longer."""
        self._rows.pop(name, None)
        self.partitions.pop(name, None)
