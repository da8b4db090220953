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
from confluent_kafka.admin import NewPartitions

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import KafkaAdmin, OffsetsConsumer
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
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - its public name
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)

_T = TypeVar("_T")
_R = TypeVar("_R")


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
        self._admin = KafkaAdmin(kafka)
        self._consumer = OffsetsConsumer(kafka)

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
        asked = [TopicPartition(topic, number, time_ms) for number in range(partition_count)]
        found = {}
        for place in self._ask(lambda: self._consumer.offsets_for_times(asked, timeout=_ANSWER_TIMEOUT_S)):
            is_none = place.offset < 0
            found[place.partition] = self._watermarks(topic, place.partition)[1] if is_none else place.offset
        return found

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
        topics = self.topics(names)
        for name in names:
            if name not in topics:
                raise TopicError(
                    name,
                    "was deleted",
                    remedy="Create it with `driver-score topics create`, and start the worker again",
                )
        places = [(name, number) for name, topic in topics.items() for number in range(topic.partition_count)]
        committed = self._committed(places)
        logs = {}
        for place in places:
            offset, metadata = committed.get(place, (None, ""))
            logs[place] = SourceLog(*topics[place[0]], *self._watermarks(*place), offset, metadata)
        return logs

    def _watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """Give the offset of the first record that is left, and of the one written next."""
        return self._ask(lambda: self._consumer.watermarks(topic, partition, timeout_s=_ANSWER_TIMEOUT_S))

    def _committed(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, str]]:
        asked = [TopicPartition(topic, partition) for topic, partition in places]
        found = self._ask(lambda: _without_errors(self._consumer.committed(asked, timeout=_ANSWER_TIMEOUT_S)))
        return {(tp.topic, tp.partition): (tp.offset, _metadata(tp)) for tp in found if tp.offset != OFFSET_INVALID}

    def _results(self, ask: Callable[[], Mapping[_T, Any]]) -> dict[_T, Any]:
        def ask_and_wait() -> dict[_T, Any]:
            results = {asked: answer.result() for asked, answer in ask().items()}
            for result in results.values():
                _without_errors(getattr(result, "topic_partitions", None) or [])
            return results

        return self._ask(ask_and_wait)

    def _ask(self, ask: Callable[[], _R]) -> _R:
        """Ask until there is an answer: a partition that is new, or whose leader moves, has no leader for a moment."""
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while True:
            try:
                return ask()
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                    raise self._unavailable(error) from error
            time.sleep(_RETRY_S)

    def _unavailable(self, error: KafkaException) -> KafkaAccessError:
        return self._admin.access_error(error)


def _without_errors(places: list[TopicPartition]) -> list[TopicPartition]:
    """Return the partitions of an answer; the error of one is raised."""
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return places


def _metadata(place: TopicPartition) -> str:
    """Return what was committed with an offset; librdkafka may give any bytes behind it."""
    try:
        return place.metadata or ""
    except UnicodeDecodeError as error:
        return error.object.decode(errors="replace")
