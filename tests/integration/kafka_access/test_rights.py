"""A right that is missing is named, before or while the worker runs, and it ends with status 2."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AclOperation, ResourceType
from structlog.testing import capture_logs

from schemas.errors import ExitStatus
from schemas.settings import KafkaSettings
from schemas.topics import DRIVER_SCORES, TRIP_EVENTS, TopicSpec, topics_of
from stream_app.kafka import (
    AuthorizationError,
    KafkaAdmin,
    TopicError,
    create_topics,
    require_topic_rights,
    require_topics,
)
from tests.support.examples.decoding import message
from tests.support.servers.brokers import PATIENCE_S, producer, wait_until
from tests.support.servers.brokers import create_topics as create_plain_topics
from tests.support.servers.running_worker import PARTITIONS, RunningWorker, started_worker
from tests.support.servers.secure_kafka import PASSWORD, SecureKafka

READ, WRITE, DESCRIBE, CREATE = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE, AclOperation.CREATE
TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP


@pytest.fixture
def topics_exist(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    create_plain_topics(secure_kafka.plain_bootstrap, topic_prefix, PARTITIONS, specs=topics_of("driver-score"))


@pytest.fixture
def user(secure_kafka: SecureKafka, topic_prefix: str) -> str:
    """A user without rights."""
    name = f"{topic_prefix}user"
    secure_kafka.add_user(name)
    return name


def settings_of(kafka: SecureKafka, user: str, prefix: str, **changes: Any) -> KafkaSettings:
    return kafka.settings(
        "SCRAM", username=user, password=PASSWORD, topic_prefix=prefix, partitions=PARTITIONS, **changes
    )


@contextlib.contextmanager
def worker_of(kafka: SecureKafka, user: str, prefix: str, **settings: object) -> Iterator[RunningWorker]:
    access = {
        f"kafka__{name}": given for name, given in kafka.access("SCRAM", username=user, password=PASSWORD).items()
    }
    with started_worker(kafka.address("SCRAM"), prefix, **access, worker__stop_timeout_s=5, **settings) as worker:
        yield worker


def is_member(worker: RunningWorker) -> bool:
    with contextlib.suppress(OSError):
        return bool(worker.partitions())
    return False


def last_line(worker: RunningWorker) -> str:
    status = worker.process.wait(PATIENCE_S)
    assert status == ExitStatus.FAILED, worker.log
    assert not re.search(r"(?m)^Traceback", worker.log), worker.log
    return worker.log.splitlines()[-1]


@pytest.mark.usefixtures("topics_exist")
def test_a_worker_without_the_right_to_its_group_says_so_and_ends(
    secure_kafka: SecureKafka, user: str, topic_prefix: str
) -> None:
    secure_kafka.allow(user, TOPIC, topic_prefix, READ, WRITE)
    with worker_of(secure_kafka, user, topic_prefix) as worker:
        assert f"the right READ on group {topic_prefix}driver-score" in last_line(worker)


@pytest.mark.usefixtures("topics_exist")
@pytest.mark.parametrize(
    ("rights", "denied"),
    [
        ([WRITE], "READ on topic {}trip-events"),
        ([READ], "WRITE on topic {}driver-scores"),
        ([DESCRIBE], "READ on topic {}trip-events"),
    ],
)
def test_a_worker_without_a_right_to_a_topic_says_so_and_ends(
    secure_kafka: SecureKafka, user: str, topic_prefix: str, rights: list[AclOperation], denied: str
) -> None:
    secure_kafka.allow(user, TOPIC, topic_prefix, *rights)
    secure_kafka.allow(user, GROUP, topic_prefix, READ)
    with worker_of(secure_kafka, user, topic_prefix) as worker:
        assert f"the right {denied.format(topic_prefix)}" in last_line(worker)


@pytest.mark.usefixtures("topics_exist")
@pytest.mark.parametrize(
    ("kind", "right", "denied"),
    [
        (GROUP, READ, "READ on group {}driver-score"),
        (TOPIC, READ, "READ on topic {}"),
        (TOPIC, WRITE, "WRITE on topic {}"),
    ],
)
def test_a_right_that_is_taken_from_a_running_worker_is_named(
    secure_kafka: SecureKafka, user: str, topic_prefix: str, kind: ResourceType, right: AclOperation, denied: str
) -> None:
    secure_kafka.allow(user, TOPIC, topic_prefix, READ, WRITE)
    secure_kafka.allow(user, GROUP, topic_prefix, READ)
    client = producer(secure_kafka.plain_bootstrap)
    with worker_of(secure_kafka, user, topic_prefix) as worker:
        worker.wait_until_ready()
        wait_until(lambda: not worker.alive or is_member(worker), "partitions are assigned")
        secure_kafka.take_away(user, kind, topic_prefix, right)
        client.produce(f"{topic_prefix}trip-events", message(event_type="trip_end"), b"veh_1")
        assert client.flush(60) == 0
        assert re.search(f"the right {denied.format(topic_prefix)}", last_line(worker))


def test_topics_are_not_created_without_the_right(secure_kafka: SecureKafka, user: str, topic_prefix: str) -> None:
    with pytest.raises(AuthorizationError, match=rf"CREATE .* on topic {topic_prefix}trip-events"):
        create_topics(settings_of(secure_kafka, user, topic_prefix))


@pytest.mark.usefixtures("topics_exist")
def test_topics_that_exist_need_neither_the_right_to_create_nor_to_see_their_settings(
    secure_kafka: SecureKafka, user: str, topic_prefix: str
) -> None:
    secure_kafka.allow(user, TOPIC, topic_prefix, READ, WRITE)

    with capture_logs() as logs:
        outcomes = create_topics(settings_of(secure_kafka, user, topic_prefix))

    assert not any(outcome.created for outcome in outcomes)
    (warning,) = [log for log in logs if log["event"] == "settings of topics are not checked"]
    assert "DESCRIBE_CONFIGS" in warning["reason"]


@pytest.mark.usefixtures("topics_exist")
def test_a_hidden_topic_is_not_called_missing(secure_kafka: SecureKafka, user: str, topic_prefix: str) -> None:
    with pytest.raises(AuthorizationError, match=f"DESCRIBE on topic {topic_prefix}trip-events"):
        require_topics(settings_of(secure_kafka, user, topic_prefix))


@pytest.mark.usefixtures("topics_exist")
def test_rights_that_are_there_pass(secure_kafka: SecureKafka, user: str, topic_prefix: str) -> None:
    secure_kafka.allow(user, TOPIC, topic_prefix, READ)
    admin = KafkaAdmin(settings_of(secure_kafka, user, topic_prefix))
    topic = topic_prefix + TRIP_EVENTS.name
    require_topic_rights(admin, reads=[topic])
    with pytest.raises(AuthorizationError, match=f"WRITE on topic {topic}"):
        require_topic_rights(admin, reads=[topic], writes=[topic])


def test_what_differs_in_topics_of_others_is_told(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    kafka = secure_kafka.settings("TLS", topic_prefix=topic_prefix, partitions=1)
    small = kafka.model_copy(update={"max_message_bytes": 1024 * 1024})
    create_topics(small, specs=[TRIP_EVENTS, DRIVER_SCORES])

    events, scores = create_topics(kafka, specs=[TRIP_EVENTS, DRIVER_SCORES])

    (difference,) = events.differences
    assert "max.message.bytes is 1048576" in difference
    assert "DRIVER_SCORE_KAFKA__MAX_MESSAGE_BYTES to 1048576" in difference
    assert scores.differences == ()
    assert create_topics(small, specs=[TRIP_EVENTS])[0].differences == ()


def test_a_changelog_whose_rows_expire_is_refused(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    kafka = secure_kafka.settings("TLS", topic_prefix=topic_prefix, partitions=1)
    changelog = topics_of("driver-score")[-1]
    create_topics(kafka, specs=[TopicSpec(changelog.name, "row", "delete")])

    with pytest.raises(TopicError, match=r"cleanup\.policy is delete, not compact: stored states .* would expire"):
        require_topics(kafka, specs=[changelog])


def test_a_worker_that_can_not_join_ends_within_its_limit(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    """Another member speaks another protocol of assignment, so that Kafka refuses this one each time."""
    create_plain_topics(secure_kafka.plain_bootstrap, topic_prefix, PARTITIONS)
    group = f"{topic_prefix}driver-score"
    other = Consumer({"bootstrap.servers": secure_kafka.plain_bootstrap, "group.id": group, "log_level": 0})
    other.subscribe([f"{topic_prefix}trip-events"])

    def has_joined() -> bool:
        other.poll(0.1)
        return bool(other.assignment())

    wait_until(has_joined, "the other member has joined")
    try:
        with started_worker(secure_kafka.plain_bootstrap, topic_prefix, worker__start_timeout_s=10) as worker:
            line = last_line(worker)
    finally:
        other.close()
    assert f"not joined the consumer group {group} within 10 s" in line
    assert "DRIVER_SCORE_WORKER__START_TIMEOUT_S" in line
