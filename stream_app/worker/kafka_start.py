"""What a worker needs of Kafka, checked before it starts: its topics, their settings, and its rights."""

from typing import Final

import structlog

from schemas.settings import KafkaSettings
from schemas.topics import (
    DRIVER_PROFILES,
    DRIVER_SCORES,
    SCORES_BY_DRIVER,
    TRIP_ALERTS,
    TRIP_EVENTS,
    TRIP_EVENTS_DLQ,
    TRIP_FEATURES,
    topics_of,
)
from stream_app.kafka import KafkaAdmin, create_topics, require_group_right, require_topic_rights, require_topics

log = structlog.get_logger(__name__)

_READS: Final = (TRIP_EVENTS, SCORES_BY_DRIVER)
_WRITES: Final = (DRIVER_SCORES, SCORES_BY_DRIVER, TRIP_FEATURES, TRIP_ALERTS, DRIVER_PROFILES, TRIP_EVENTS_DLQ)


def prepare_kafka(kafka: KafkaSettings, *, create: bool) -> None:
    """Create or check the worker's topics, and check its rights.

    Parameters
    ----------
    kafka
        Where Kafka is.
    create
        Whether missing topics are created.

    Raises
    ------
    KafkaAccessError
        If Kafka can't be used, or a right is missing.
    TopicError
        If a topic is missing, or not as it must be.
    """
    specs = topics_of(kafka.group)
    if create:
        found = [text for outcome in create_topics(kafka, specs=specs) for text in outcome.differences]
    else:
        found = [str(difference) for difference in require_topics(kafka, specs=specs)]
    for difference in found:
        log.warning("a topic is not as it should be", difference=difference)
    changelogs = [spec for spec in specs if spec.is_changelog]
    admin = KafkaAdmin(kafka)
    require_topic_rights(
        admin,
        reads=[kafka.topic_prefix + spec.name for spec in (*_READS, *changelogs)],
        writes=[kafka.topic_prefix + spec.name for spec in (*_WRITES, *changelogs)],
    )
    require_group_right(admin, kafka.topic_prefix + kafka.group)
