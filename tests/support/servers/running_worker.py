"""The real worker as a process of its own, and what it publishes."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.servers.brokers import PATIENCE_S, wait_until

PARTITIONS = 2


class RunningWorker:
    """A worker process; `log` is what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.process = process
        self._log_path = log_path

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self) -> None:
        wait_until(lambda: not self.alive or "worker started" in self.log, "worker started")
        assert self.alive, self.log

    @property
    def metrics_address(self) -> str:
        """Give host and port of the metrics endpoint."""
        address = re.search(r'"address": "http://([^"/]+)/metrics"', self.log)
        assert address, self.log
        return address[1]

    def metrics(self) -> dict[str, float]:
        """Return what the metrics endpoint serves, by name with labels."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(number) for name, number in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def events_read(self) -> int:
        """Return how many events it has read, replayed ones included."""
        return int(self.metrics()["driver_score_worker_events_total"])

    def partitions(self, topic: str = "trip-events") -> set[int]:
        """Return the assigned partitions of a topic: those whose end it has learned from the broker."""
        names = [name for name in self.metrics() if name.startswith("driver_score_worker_lag_records")]
        return {
            int(found[1]) for name in names if f'{topic}"' in name for found in re.finditer(r'partition="(\d+)"', name)
        }

    def stop(self) -> str:
        """Send SIGTERM; return the log of a clean stop."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        assert status == 0, self.log
        assert "Traceback" not in self.log
        return self.log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


BROKER_ENVIRONMENTS: dict[str, dict[str, str]] = {}
"""What workers need on a broker, by its address; fixtures of brokers fill it."""

_LOG_SHOWN = 20_000
"""Characters, where a test fails that has a worker."""


@contextlib.contextmanager
def running_worker(bootstrap: str, prefix: str, **settings: object) -> Iterator[RunningWorker]:
    """Start a worker and wait until it is ready; it never outlives the block.

    Settings are named as their variables, without the first part: ``worker__checkpoint_s=0.2``.
    """
    with started_worker(bootstrap, prefix, **settings) as worker:
        worker.wait_until_ready()
        yield worker


@contextlib.contextmanager
def started_worker(bootstrap: str, prefix: str, **settings: object) -> Iterator[RunningWorker]:
    """Start a worker; do not wait for it."""
    with tempfile.TemporaryDirectory() as folder:
        log_path = Path(folder, "worker.log")
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "stream_app.worker"],
                stderr=log,
                env=worker_environment(bootstrap, prefix, **settings),
            )
        worker = RunningWorker(process, log_path)
        try:
            yield worker
        except BaseException:
            sys.stderr.write(f"worker {process.pid}, status {process.poll()}, said last:\n{worker.log[-_LOG_SHOWN:]}\n")
            raise
        finally:
            worker.kill()


def worker_environment(bootstrap: str, prefix: str, **settings: object) -> dict[str, str]:
    given = {
        "kafka__bootstrap": bootstrap,
        "kafka__topic_prefix": prefix,
        "kafka__partitions": PARTITIONS,
        "worker__checkpoint_s": 0.3,
        "worker__metrics_port": 0,
        "worker__stop_timeout_s": PATIENCE_S,
        **settings,
    }
    variables = {f"DRIVER_SCORE_{name.upper()}": str(setting) for name, setting in given.items()}
    return {**os.environ, **BROKER_ENVIRONMENTS.get(bootstrap, {}), **variables}


@dataclass
class Topics:
    """The topics of one prefix, as a reader outside of the pipeline sees them."""

    bootstrap: str
    prefix: str
    partitions: int = PARTITIONS

    def __post_init__(self) -> None:
        self._received: dict[str, list[Message]] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._consumers: dict[str, Consumer] = {}

    def messages(self, topic: str) -> list[Message]:
        """Return what has come of a topic so far, in the order of each partition."""
        consumer = self._consumers.get(topic)
        if consumer is None:
            consumer = self._consumers[topic] = Consumer(
                {"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}reader", "log_level": 0}
            )
            consumer.assign([TopicPartition(self.prefix + topic, partition, 0) for partition in range(self.partitions)])
        received = self._received.setdefault(topic, [])
        while batch := consumer.consume(10_000, timeout=0.05):
            assert not [message.error() for message in batch if message.error()]
            received.extend(batch)
        return received

    def everything(self, topic: str) -> list[Message]:
        """Read a topic from its beginning to its end."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{self.prefix}reader",
                "enable.partition.eof": True,
                "log_level": 0,
            }
        )
        consumer.assign([TopicPartition(self.prefix + topic, partition, 0) for partition in range(self.partitions)])
        received: list[Message] = []
        ended: set[int | None] = set()

        def has_ended() -> bool:
            for message in consumer.consume(10_000, timeout=0.2):
                if message.error() is None:
                    received.append(message)
                else:
                    assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                    ended.add(message.partition())
            return len(ended) == self.partitions

        wait_until(has_ended, f"the end of {topic}")
        consumer.close()
        return received

    def rows(self, topic: str) -> list[dict[str, Any]]:
        """Return the contents of what has come so far; parsed once, so call it as often as you like."""
        messages = self.messages(topic)
        rows = self._rows.setdefault(topic, [])
        rows.extend(json.loads(message.value() or b"") for message in messages[len(rows) :])
        return rows

    def wait_for(self, topic: str, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Return the rows of a topic once they meet a condition."""
        looked_at = -1

        def has_come() -> bool:
            nonlocal looked_at
            before, looked_at = looked_at, len(self.rows(topic))
            return looked_at > before and condition(self.rows(topic))

        wait_until(has_come, f"{topic} as expected")
        return self.rows(topic)

    def uncommitted(self, topic: str) -> int:
        """Return how many messages of a topic the worker's group has not committed."""
        # Not the watermarks: the embedded broker's are wrong.
        ends = {message.partition(): (message.offset() or 0) + 1 for message in self.messages(topic)}
        return sum(ends.get(partition, 0) - offset for partition, offset in self.committed(topic).items())

    def committed(self, topic: str) -> dict[int, int]:
        """Return the offset of each partition that the worker's group would read first."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        parts = [TopicPartition(self.prefix + topic, partition) for partition in range(self.partitions)]
        group = f"{self.prefix}driver-score"
        answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, parts)])[group].result()
        return {part.partition: max(part.offset, 0) for part in answer.topic_partitions}

    def wait_until_committed(self, topic: str = "trip-events") -> None:
        def all_committed() -> bool:
            has_read = bool(self.messages(topic))  # a reader that has just begun has not
            return has_read and self.uncommitted(topic) == 0

        wait_until(all_committed, f"all of {topic} committed")

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()


def last_finals(scores: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the newest final score of each trip, by vehicle and trip."""
    finals: dict[tuple[str, str], dict[str, Any]] = {}
    for score in scores:
        key = (score["vehicle_id"], score["trip_id"])
        if score["kind"] == "trip" and score["final"] and finals.get(key, score)["revision"] <= score["revision"]:
            finals[key] = score
    return finals


def without_wall_clock(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given for name, given in message.items() if name not in {"scored_at", "raised_at", "updated_at"}}


def contents_by_id(rows: list[dict[str, Any]], id_name: str) -> dict[str, set[str]]:
    """Return the contents that messages of each id have, but for when they were made."""
    contents: dict[str, set[str]] = {}
    for row in rows:
        contents.setdefault(row[id_name], set()).add(json.dumps(without_wall_clock(row), sort_keys=True))
    return contents
