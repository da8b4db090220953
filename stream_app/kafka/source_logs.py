"""The logs that a group reads: which topic each partition is of, where it begins and ends, and what is committed.

A topic that is deleted and created anew has the same name and other records at the same offsets: only its id tells.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from confluent_kafka import (
    OFFSET_INVALID,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import NewPartitions, OffsetSpec

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import KafkaAdmin
from stream_app.kafka.errors import KafkaAccessError, TopicError

_ANSWER_TIMEOUT_S: Final = 10.0
"""A coordinator that has just moved answers after some seconds; a rebalance may take a minute in all."""

_WITHIN: Final[dict[str, Any]] = {"request_timeout": _ANSWER_TIMEOUT_S}

_NO_ID: Final = "AAAAAAAAAAAAAAAAAAAAAA"
"""Kafka's zero UUID, of brokers that give topics no id."""

_RETRY_S: Final = 0.2

_PASSING: Final = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)

_T = TypeVar("_T")


class TopicIdentity(NamedTuple):
    """What tells a topic from one of the same name: its id, null where brokers give none; and how many partitions."""

    topic_id: str | None
    partition_count: int


@dataclass(frozen=True)
class SourceLog:
    """One partition of a topic, and how far the group has read it.

    Attributes
    ----------
    topic_id
        Id of the topic; null where brokers give none.
    partition_count
        Partitions of the topic.
    first_offset, end_offset
        Offset of the first record that is left, and of the one written next.
    committed
        The group's offset; null where none is committed.
    metadata
        What was committed with it; empty where it was not set by a worker.
    """

    topic_id: str | None
    partition_count: int
    first_offset: int
    end_offset: int
    committed: int | None
    metadata: str


class SourceLogs:
    """Asks brokers about topics and the offsets of a group; each method waits for the answers.

    Parameters
    ----------
    kafka
        Where Kafka is.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._group = kafka.topic_prefix + kafka.group
        self._kafka = kafka
        self._admin = KafkaAdmin(kafka)

    def topics(self, names: Iterable[str]) -> dict[str, TopicIdentity]:
        """Identify those of the topics that exist.

        Raises
        ------
        KafkaAccessError
            If Kafka can't be used.
        """
        found = {}
        for name, answer in self._admin.describe_topics(TopicCollection(list(names)), **_WITHIN).items():
            try:
                described = answer.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue
                raise self._unavailable(error) from error
            topic_id = str(described.topic_id)
            found[name] = TopicIdentity(None if topic_id == _NO_ID else topic_id, len(described.partitions))
        return found

    def offsets_at(self, topic: str, partition_count: int, time_ms: int) -> dict[int, int]:
        """Give the offset of the first record of each partition that was written at a time or later; else its end.

        Raises
        ------
        KafkaAccessError
            If Kafka can't be used.
        """
        places = [(topic, number) for number in range(partition_count)]
        found = self._offsets(places, OffsetSpec.for_timestamp(time_ms))
        end = self._offsets(places, OffsetSpec.latest())
        return {place[1]: found[place] if found[place] >= 0 else end[place] for place in places}

    def members(self) -> int:
        """Count the workers that are members of the group.

        Raises
        ------
        KafkaAccessError
            If Kafka can't be used.
        """
        [group] = self._results(lambda: self._admin.describe_consumer_groups([self._group], **_WITHIN)).values()
        return len(group.members)

    def raise_partitions(self, names: Iterable[str], partition_count: int) -> None:
        """Raise the number of partitions of those of the topics that have fewer.

        Raises
        ------
        KafkaAccessError
            If Kafka can't be used, or refuses.
        """
        fewer = [name for name, topic in self.topics(names).items() if topic.partition_count < partition_count]
        if fewer:
            asked = [NewPartitions(name, partition_count) for name in fewer]
            within = {"operation_timeout": _ANSWER_TIMEOUT_S, **_WITHIN}
            self._results(lambda: self._admin.create_partitions(asked, **within))

    def commit(self, offsets: Mapping[tuple[str, int], tuple[int, str]]) -> None:
        """Commit offsets of a group without members, each with its metadata, by topic and number.

        Raises
        ------
        KafkaAccessError
            If Kafka can't be used, or refuses.
        """
        places = [
            TopicPartition(topic, partition, offset, metadata)
            for (topic, partition), (offset, metadata) in offsets.items()
        ]
        group = [ConsumerGroupTopicPartitions(self._group, places)]
        self._results(lambda: self._admin.alter_consumer_group_offsets(group, **_WITHIN))

    def read(self, names: Collection[str]) -> dict[tuple[str, int], SourceLog]:
        """Read what is known of all partitions of topics, by topic and number.

        Raises
        ------
        KafkaAccessError
            If Kafka can't be used.
        TopicError
            If a topic does not exist.
        """
        # A client that has seen a broker restart may ask with an outdated leader epoch for good.
        self._admin = KafkaAdmin(self._kafka)
        topics = self.topics(names)
        for name in names:
            if name not in topics:
                raise TopicError(
                    name,
                    "was deleted",
                    remedy="Create it with `driver-score topics create`, and start the worker again",
                )
        places = [(name, number) for name, topic in topics.items() for number in range(topic.partition_count)]
        first = self._offsets(places, OffsetSpec.earliest())
        end = self._offsets(places, OffsetSpec.latest())
        committed = self._committed(places)
        logs = {}
        for place in places:
            offset, metadata = committed.get(place, (None, ""))
            logs[place] = SourceLog(*topics[place[0]], first[place], end[place], offset, metadata)
        return logs

    def _offsets(self, places: Iterable[tuple[str, int]], which: OffsetSpec) -> dict[tuple[str, int], int]:
        asked = {TopicPartition(topic, partition): which for topic, partition in places}
        answers = self._results(lambda: self._admin.list_offsets(asked, **_WITHIN))
        return {(tp.topic, tp.partition): int(answer.offset) for tp, answer in answers.items()}

    def _committed(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, str]]:
        asked = [TopicPartition(topic, partition) for topic, partition in places]
        group = [ConsumerGroupTopicPartitions(self._group, asked)]
        [found] = self._results(lambda: self._admin.list_consumer_group_offsets(group, **_WITHIN)).values()
        return {
            (tp.topic, tp.partition): (tp.offset, tp.metadata or "")
            for tp in found.topic_partitions
            if tp.offset != OFFSET_INVALID
        }

    def _results(self, ask: Callable[[], Mapping[_T, Any]]) -> dict[_T, Any]:
        """Ask until there are answers: a partition that is new, or whose leader moves, has no leader for a moment."""
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while True:
            try:
                results = {asked: answer.result() for asked, answer in ask().items()}
                _raise_for_partitions(results.values())
            except UnicodeDecodeError:  # of bytes that librdkafka reads behind metadata
                if time.monotonic() > deadline:
                    raise
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                    raise self._unavailable(error) from error
            else:
                return results
            time.sleep(_RETRY_S)

    def _unavailable(self, error: KafkaException) -> KafkaAccessError:
        return self._admin.access_error(error)


def _raise_for_partitions(results: Iterable[Any]) -> None:
    """Raise the error of a partition, of which an answer about a group may have one each."""
    for result in results:
        for place in getattr(result, "topic_partitions", None) or ():
            if place.error is not None:
                raise KafkaException(place.error)
