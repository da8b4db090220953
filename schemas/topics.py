"""The topics of the pipeline: names, keys, retention and sizes."""

from dataclasses import dataclass, replace
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000
MIB: Final = 1024 * 1024

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
    is_changelog
        Whether it holds the rows of a table.
    """

    name: str
    key: str
    cleanup_policy: str = "delete"
    retention_ms: int | None = 30 * DAY_MS
    max_message_bytes: int = MIB
    segment_bytes: int | None = None
    is_changelog: bool = False

    def limited(self, max_message_bytes: int) -> "TopicSpec":
        """Return what the topic must be like on a cluster that allows messages up to a size."""
        return replace(self, max_message_bytes=min(self.max_message_bytes, max_message_bytes))

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
"""Largest stored chunk of states, compressed: some 28,000 trips that send each second, more that send less often.
Clusters that allow less need more chunks."""

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
    return (*TOPICS, *(_changelog(changelog_of(group, table)) for table in (TRIPS_TABLE, PROFILES_TABLE)))


def changelog_of(group: str, table: str) -> str:
    """Give the name of a table's changelog, without the common prefix: Faust's."""
    return f"{group}-{table}-changelog"


def _changelog(name: str) -> TopicSpec:
    return TopicSpec(
        name,
        "as the table",
        "compact",
        None,
        max_message_bytes=MAX_CHUNK_BYTES,
        segment_bytes=CHANGELOG_SEGMENT_BYTES,
        is_changelog=True,
    )
