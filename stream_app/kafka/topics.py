"""The topics of the pipeline, and their creation."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from scoring.errors import BrokerUnavailableError, TopicError

DAY_MS: Final = 24 * 60 * 60 * 1000
MIB: Final = 1024 * 1024

ANSWER_TIMEOUT_S: Final = 5.0
"""A broker that runs answers within a second; five allow for a slow network and still end soon."""

CREATE_TIMEOUT_S: Final = 30.0
"""A loaded cluster takes seconds to elect leaders of new partitions."""


POLL_S: Final = 0.05

_SEGMENT_MS: Final = 10 * 60 * 1000
_DIRTY_RATIO: Final = 0.3
"""Kafka's half would let a changelog grow to twice its live rows before it is compacted."""


@dataclass(frozen=True)
class TopicSpec:
    """What a topic must be like.

    Parameters
    ----------
    name
        Without the common prefix.
    key
        The field whose text is the key of its messages.
    cleanup_policy
        ``delete`` or ``compact``.
    retention_ms
        How long messages are kept, by their Kafka timestamp; null for a compacted topic.
    max_message_bytes
        Largest record batch that the broker takes, as it is sent (after compression).
    segment_bytes
        Of a topic that is read whole at a start: it is compacted but for its last segment, so this bounds what is read
        beside its live rows. Kafka's own size where null.
    """

    name: str
    key: str
    cleanup_policy: str = "delete"
    retention_ms: int | None = 30 * DAY_MS
    max_message_bytes: int = MIB
    segment_bytes: int | None = None

    def config(self) -> dict[str, str]:
        """Return Kafka's topic settings."""
        config = {"cleanup.policy": self.cleanup_policy, "max.message.bytes": str(self.max_message_bytes)}
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        if self.segment_bytes is not None:
            config["segment.bytes"] = str(self.segment_bytes)
            config["segment.ms"] = str(_SEGMENT_MS)
            config["min.cleanable.dirty.ratio"] = str(_DIRTY_RATIO)
        return config


TRIP_EVENTS: Final = TopicSpec("trip-events", "vehicle_id", retention_ms=7 * DAY_MS, max_message_bytes=11 * MIB)
"""Carries values of 10 MiB: devices upload batches."""
DRIVER_SCORES: Final = TopicSpec("driver-scores", "trip_id")
DRIVER_PROFILES: Final = TopicSpec("driver-profiles", "driver_id", "compact", None)
TRIP_ALERTS: Final = TopicSpec("trip-alerts", "trip_id")
TRIP_FEATURES: Final = TopicSpec("trip-features", "trip_id")
TRIP_OUTCOMES: Final = TopicSpec("trip-outcomes", "trip_id", "compact", None)
SCORES_BY_DRIVER: Final = TopicSpec("driver-scores-by-driver", "driver_id", retention_ms=7 * DAY_MS)
"""Internal: final trip scores once more, on their way to the driver's profile."""
TRIP_EVENTS_DLQ: Final = TopicSpec("trip-events-dlq", "as received", max_message_bytes=12 * MIB)
"""Takes whatever `TRIP_EVENTS` takes, with headers added."""

MAX_CHUNK_BYTES: Final = 16 * MIB
"""Largest stored chunk of states, compressed: some 28,000 trips that send each second, more that send less often."""

CHANGELOG_SEGMENT_BYTES: Final = 64 * MIB
"""Four of the largest chunks; Kafka's own 1 GiB would all be read when a partition moves."""

TRIPS_TABLE: Final = "trips"
PROFILES_TABLE: Final = "driver-profiles"

TOPICS: Final = (
    TRIP_EVENTS,
    DRIVER_SCORES,
    DRIVER_PROFILES,
    TRIP_ALERTS,
    TRIP_FEATURES,
    TRIP_OUTCOMES,
    SCORES_BY_DRIVER,
    TRIP_EVENTS_DLQ,
)


def topics_of(group: str) -> tuple[TopicSpec, ...]:
    """Give all topics of a group of workers: `TOPICS`, and the changelogs of its tables.

    Faust would create the changelogs too, but not wait until they are served: on a broker that has just started, a
    worker ended with a table whose changelog had no partitions yet.
    """
    return (*TOPICS, *(_changelog(group, table) for table in (TRIPS_TABLE, PROFILES_TABLE)))


def _changelog(group: str, table: str) -> TopicSpec:
    name = f"{group}-{table}-changelog"  # as Faust calls it
    return TopicSpec(
        name, "as the table", "compact", None, max_message_bytes=MAX_CHUNK_BYTES, segment_bytes=CHANGELOG_SEGMENT_BYTES
    )


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
    """Create those topics that are missing; call it as often as you like.

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
    """Create topics; returns the names of those that someone else created meanwhile."""
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
