"""Brokers that tests run against."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from confluent_kafka import Consumer, Message, Producer

import stream_app.kafka as kafka_tools
from driver_score.local_stack.servers.kafka import NativeKafka
from schemas.settings import KafkaSettings
from schemas.topics import TOPICS, TopicSpec
from stream_app.kafka import TopicOutcome
from tests.support.servers.docker_servers import KAFKA_SERVICES, ComposeServices, DockerServers

BOOTSTRAP_VARIABLE = "DRIVER_SCORE_TEST_BOOTSTRAP"

SESSION_TIMEOUT_MS = 6000
"""The least that Kafka allows; the embedded broker lets a new group wait half of it."""


PATIENCE_S: Final = 300.0
"""How long tests wait for what must happen: many times what a slow and busy machine needs, as only a failure waits for
so long."""


@dataclass(frozen=True)
class RunningBroker:
    kind: Literal["embedded", "kafka"]
    bootstrap: str


@contextlib.contextmanager
def running_kafka(work_dir: Path, docker: DockerServers | None) -> Iterator[str]:
    """Yield the address of a real Kafka: given by the environment, in Docker, or as a Java process."""
    if bootstrap := os.environ.get(BOOTSTRAP_VARIABLE):
        yield bootstrap
    elif docker is not None:
        with ComposeServices(KAFKA_SERVICES):
            yield docker.bootstrap
    else:
        with NativeKafka(work_dir) as kafka:
            yield kafka.bootstrap


def wait_until(condition: Callable[[], bool], message: str, timeout_s: float = PATIENCE_S) -> None:
    """Poll `condition` until it holds; fail with `message` when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {message}")
        time.sleep(0.02)


def kafka_at(bootstrap: str, prefix: str = "", partitions: int = 4, replication: int = 1) -> KafkaSettings:
    """Return the settings of an unprotected broker."""
    return KafkaSettings(bootstrap=bootstrap, topic_prefix=prefix, partitions=partitions, replication=replication)


def create_topics(
    bootstrap: str, prefix: str, partitions: int, replication: int = 1, specs: Sequence[TopicSpec] = TOPICS
) -> list[TopicOutcome]:
    """Create topics on an unprotected broker."""
    return kafka_tools.create_topics(kafka_at(bootstrap, prefix, partitions, replication), specs=specs)


def consumer(bootstrap: str, group_id: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "max.poll.interval.ms": 10_000,
            "log_level": 0,
        }
    )


def producer(bootstrap: str, properties: Mapping[str, str] | None = None) -> Producer:
    config = {"bootstrap.servers": bootstrap, "message.max.bytes": 16 * 1024 * 1024, "log_level": 0}
    return Producer({**config, **(properties or {})})


def consume(client: Consumer, count: int) -> list[Message]:
    """Return exactly `count` messages of a consumer that is subscribed or assigned."""
    messages: list[Message] = []

    def enough() -> bool:
        batch = client.consume(count - len(messages), timeout=0.2)
        assert not [message.error() for message in batch if message.error()]
        messages.extend(batch)
        return len(messages) == count

    wait_until(enough, f"{count} messages")
    return messages
