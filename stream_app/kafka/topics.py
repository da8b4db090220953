"""Missing topics are created, existing ones checked."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.topics import TOPICS, TopicSpec
from stream_app.kafka.errors import BrokerUnavailableError, TopicError

ANSWER_TIMEOUT_S: Final = 5.0
"""A broker that runs answers within a second; five allow for a slow network and still end soon."""

CREATE_TIMEOUT_S: Final = 30.0
"""A loaded cluster takes seconds to elect leaders of new partitions."""


POLL_S: Final = 0.05


@dataclass(frozen=True)
class TopicOutcome:
    """What `create_topics` did about one topic: its full name, partitions, and whether it is new."""

    name: str
    partitions: int
    created: bool


def create_topics(
    bootstrap: str,
    prefix: str,
    partitions: int,
    replication: int = 1,
    client_config: Mapping[str, str] | None = None,
    *,
    specs: Sequence[TopicSpec] = TOPICS,
) -> list[TopicOutcome]:
    """Create the missing topics; idempotent.

    Settings of topics that exist are left alone.

    Parameters
    ----------
    bootstrap
        Address of the broker, ``host:port``.
    prefix
        Put before each name.
    partitions
        Of each topic. All have the same number, since a table's changelog must have that of its source.
    replication
        Copies of each partition.
    client_config
        Further settings of confluent-kafka, such as those of authentication.
    specs
        The topics.

    Raises
    ------
    BrokerUnavailableError
        If no broker answers within `ANSWER_TIMEOUT_S`.
    TopicError
        If a topic exists with another number of partitions, or the broker refuses to create one.
    """
    admin = AdminClient({**(client_config or {}), "bootstrap.servers": bootstrap, "log_level": 0})
    before = _partition_counts(admin, bootstrap)
    _check_partitions(before, prefix, partitions, specs)
    missing = [spec for spec in specs if prefix + spec.name not in before]
    raced = _create(admin, bootstrap, missing, prefix, partitions, replication)
    _check_partitions(_wait_until_listed(admin, bootstrap, prefix, specs), prefix, partitions, specs)
    created = {prefix + spec.name for spec in missing} - raced
    return [TopicOutcome(prefix + spec.name, partitions, created=prefix + spec.name in created) for spec in specs]


def require_topics(
    bootstrap: str,
    prefix: str,
    partitions: int,
    client_config: Mapping[str, str] | None = None,
    *,
    specs: Sequence[TopicSpec] = TOPICS,
) -> None:
    """Make sure that all of the topics are there.

    Raises
    ------
    BrokerUnavailableError
        If no broker answers within `ANSWER_TIMEOUT_S`.
    TopicError
        If a topic is missing, or has another number of partitions.
    """
    admin = AdminClient({**(client_config or {}), "bootstrap.servers": bootstrap, "log_level": 0})
    counts = _partition_counts(admin, bootstrap)
    _check_partitions(counts, prefix, partitions, specs)
    for spec in specs:
        if prefix + spec.name not in counts:
            raise TopicError(prefix + spec.name, "is missing", remedy="Create it with `driver-score topics create`")


def _partition_counts(admin: AdminClient, bootstrap: str) -> dict[str, int]:
    # Asks for all topics: asking for one by name would create it where topics are created on demand.
    try:
        metadata = admin.list_topics(timeout=ANSWER_TIMEOUT_S)
    except KafkaException as error:
        raise BrokerUnavailableError(bootstrap, cause=_text(error)) from error
    return {
        name: len(topic.partitions)
        for name, topic in metadata.topics.items()
        if all(partition.leader >= 0 for partition in topic.partitions.values())
    }


def _wait_until_listed(admin: AdminClient, bootstrap: str, prefix: str, specs: Sequence[TopicSpec]) -> dict[str, int]:
    """Return the partitions of all topics, once each of these is there.

    Kafka confirms a topic before its brokers list it: on a busy machine up to 0.8 s were seen.
    """
    deadline = time.monotonic() + CREATE_TIMEOUT_S
    while True:
        counts = _partition_counts(admin, bootstrap)
        unlisted = [prefix + spec.name for spec in specs if prefix + spec.name not in counts]
        if not unlisted:
            return counts
        if time.monotonic() > deadline:
            raise TopicError(
                unlisted[0],
                f"is not served {CREATE_TIMEOUT_S:g} s after it was created",
                remedy="Check that all brokers of the cluster run, then try again",
            )
        time.sleep(POLL_S)


def _check_partitions(counts: Mapping[str, int], prefix: str, partitions: int, specs: Sequence[TopicSpec]) -> None:
    for spec in specs:
        name = prefix + spec.name
        if counts.get(name, partitions) != partitions:
            raise TopicError(
                name,
                f"has {counts[name]} partitions, but the settings say {partitions}",
                remedy="Set the partitions to that number, use another topic prefix, or delete the topic first",
            )


def _create(
    admin: AdminClient,
    bootstrap: str,
    specs: Sequence[TopicSpec],
    prefix: str,
    partitions: int,
    replication: int,
) -> set[str]:
    """Create topics, and return the names of those that another process created at the same time."""
    if not specs:
        return set()
    raced = set()
    requests = [NewTopic(prefix + spec.name, partitions, replication, config=spec.config()) for spec in specs]
    futures = admin.create_topics(requests, operation_timeout=CREATE_TIMEOUT_S, request_timeout=CREATE_TIMEOUT_S)
    for name, future in futures.items():
        try:
            future.result()
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                raced.add(name)
            elif code in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT):  # noqa: SLF001 - public in librdkafka
                raise BrokerUnavailableError(bootstrap, cause=_text(error)) from error
            else:
                raise TopicError(
                    name,
                    f"was not created: {_text(error)}",
                    remedy="Check the number of partitions and copies, and this user's right to create topics",
                ) from error
    return raced


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
