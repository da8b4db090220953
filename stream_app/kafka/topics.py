"""Missing topics are created, existing ones checked."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

from schemas.settings import KafkaSettings
from schemas.topics import TOPICS, TopicSpec
from stream_app.kafka.clients import KafkaAdmin
from stream_app.kafka.errors import VARIABLE, AuthorizationError, TopicError
from stream_app.kafka.rights import is_hidden
from stream_app.kafka.topic_checks import Difference, raise_where_data_is_lost, settings_differences

CREATE_TIMEOUT_S: Final = 30.0
"""A loaded cluster takes seconds to elect leaders of new partitions."""

POLL_S: Final = 0.05

_DENIED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


@dataclass(frozen=True)
class TopicOutcome:
    """What `create_topics` did about one topic: its full name, partitions, whether it is new, and how it differs."""

    name: str
    partitions: int
    created: bool
    differences: tuple[str, ...] = ()


def create_topics(kafka: KafkaSettings, *, specs: Sequence[TopicSpec] = TOPICS) -> list[TopicOutcome]:
    """Create the missing topics; idempotent.

    Settings of topics that exist are left alone; what differs is returned.

    Parameters
    ----------
    kafka
        Where Kafka is; prefix, partitions and replication factor of the topics. All have the same number of partitions,
        since a table's changelog must have that of its source.
    specs
        The topics.

    Raises
    ------
    KafkaAccessError
        If Kafka can't be used; of authorization, if a topic is missing and this user may not create it.
    TopicError
        If a topic has another number of partitions or is cleaned up so that data is lost, or is refused.
    """
    topics = _Topics(kafka, specs)
    before = topics.partition_counts()
    topics.check_partitions(before)
    missing = topics.missing_from(before)
    raced = topics.create(missing)
    topics.check_partitions(topics.wait_until_listed())
    created = {kafka.topic_prefix + spec.name for spec in missing} - raced
    differences = topics.differences([spec for spec in topics.specs if kafka.topic_prefix + spec.name not in created])
    return [
        TopicOutcome(
            name,
            kafka.partitions,
            created=name in created,
            differences=tuple(str(one) for one in differences if one.topic == name),
        )
        for name in (kafka.topic_prefix + spec.name for spec in specs)
    ]


def require_topics(kafka: KafkaSettings, *, specs: Sequence[TopicSpec] = TOPICS) -> list[Difference]:
    """Make sure that all of the topics are there, and return how their settings differ.

    Raises
    ------
    KafkaAccessError
        If Kafka can't be used.
    TopicError
        If a topic is missing, has another number of partitions, or is cleaned up so that data is lost.
    """
    topics = _Topics(kafka, specs)
    counts = topics.partition_counts()
    topics.check_partitions(counts)
    for spec in topics.missing_from(counts):
        topics.raise_if_hidden(spec)
        raise TopicError(
            kafka.topic_prefix + spec.name, "is missing", remedy="Create it with `driver-score topics create`"
        )
    return topics.differences(topics.specs)


class _Topics:
    """The topics of an installation, and the client to ask about them."""

    def __init__(self, kafka: KafkaSettings, specs: Sequence[TopicSpec]) -> None:
        self._kafka = kafka
        self._admin = KafkaAdmin(kafka)
        self._prefix = kafka.topic_prefix
        self.specs = [spec.limited(kafka.max_message_bytes) for spec in specs]

    def partition_counts(self) -> dict[str, int]:
        # Asks for all topics: asking for one by name would create it where topics are created on demand.
        return {
            name: len(topic.partitions)
            for name, topic in self._admin.metadata().topics.items()
            if all(partition.leader >= 0 for partition in topic.partitions.values())
        }

    def missing_from(self, counts: Mapping[str, int]) -> list[TopicSpec]:
        return [spec for spec in self.specs if self._prefix + spec.name not in counts]

    def check_partitions(self, counts: Mapping[str, int]) -> None:
        expected = self._kafka.partitions
        for spec in self.specs:
            name = self._prefix + spec.name
            if counts.get(name, expected) != expected:
                raise TopicError(
                    name,
                    f"has {counts[name]} partitions, but the settings say {expected}",
                    remedy=f"Set {VARIABLE}PARTITIONS to that number, or use another topic prefix. To have more "
                    "partitions: `driver-score topics grow`",
                )

    def differences(self, specs: Sequence[TopicSpec]) -> list[Difference]:
        found = settings_differences(self._admin, self._prefix, specs)
        raise_where_data_is_lost(found)
        return found

    def raise_if_hidden(self, spec: TopicSpec) -> None:
        if is_hidden(self._admin, self._prefix + spec.name):
            raise AuthorizationError("DESCRIBE", "topic", self._prefix + spec.name)

    def wait_until_listed(self) -> dict[str, int]:
        """Return the partitions of all topics, once each of these is there.

        Kafka confirms a topic before its brokers list it: on a busy machine up to 0.8 s were seen.
        """
        deadline = time.monotonic() + CREATE_TIMEOUT_S
        while True:
            counts = self.partition_counts()
            unlisted = self.missing_from(counts)
            if not unlisted:
                return counts
            self.raise_if_hidden(unlisted[0])
            if time.monotonic() > deadline:
                raise TopicError(
                    self._prefix + unlisted[0].name,
                    f"is not served {CREATE_TIMEOUT_S:g} s after it was created",
                    remedy="Check that all brokers of the cluster run, then try again",
                )
            time.sleep(POLL_S)

    def create(self, specs: Sequence[TopicSpec]) -> set[str]:
        """Create topics, and return the names of those that another process created at the same time."""
        if not specs:
            return set()
        raced = set()
        requests = [
            NewTopic(self._prefix + spec.name, self._kafka.partitions, self._kafka.replication, config=spec.config())
            for spec in specs
        ]
        options = {"operation_timeout": CREATE_TIMEOUT_S, "request_timeout": CREATE_TIMEOUT_S}
        for name, future in self._admin.create_topics(requests, **options).items():
            try:
                future.result()
            except KafkaException as error:
                code = error.args[0].code()
                if code in _DENIED:
                    raise AuthorizationError("CREATE (or DESCRIBE, if it exists)", "topic", name) from error
                if code in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT):  # noqa: SLF001 - public in librdkafka
                    raise self._admin.access_error(error) from error
                if code != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise TopicError(
                        name,
                        f"was not created: {error.args[0].str()}",
                        remedy=f"Check {VARIABLE}PARTITIONS, {VARIABLE}REPLICATION and {VARIABLE}MAX_MESSAGE_BYTES "
                        "against what the cluster allows",
                    ) from error
                raced.add(name)
        return raced
