"""Workers on a topic that is full when they start: how many events per second they process."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient

from bench.fleet import Fleet
from bench.measuring import BenchmarkError, CommittedOffsets, Throughput, drain, median_throughput
from bench.sending import PARTITIONS, Content, ready_content, send
from bench.workers import Kind, Place, running_workers
from driver_score.local_stack.servers.kafka import BrokerProcess
from schemas.settings import KafkaSettings
from stream_app.kafka import create_topics

_TIMEOUT_S: Final = 300.0


@dataclass(frozen=True)
class Load:
    """What the topic is filled with.

    Attributes
    ----------
    vehicles
        Each has an open trip, and sends one sample per second of event time.
    events
        In all.
    samples
        Of one message: 1 for single events, more for envelopes.
    """

    vehicles: int
    events: int
    samples: int = 1


@dataclass(frozen=True)
class BacklogRow:
    """Throughput of one kind of worker on a backlog."""

    broker: str
    worker: Kind
    count: int
    load: Load
    throughput: Throughput


class Broker:
    """A running broker, on which each run has topics of its own.

    Parameters
    ----------
    name
        What tables call it.
    process
        The broker.
    logs_dir
        Where the workers' logs go.
    """

    def __init__(self, name: str, process: BrokerProcess, logs_dir: Path) -> None:
        self.name = name
        self._process = process
        self._logs_dir = logs_dir
        self._numbers: Iterator[int] = iter(range(1_000_000))

    @contextlib.contextmanager
    def place(self) -> Iterator[Place]:
        """Create the topics of a run; afterwards drop them, as they are large."""
        prefix = f"bench-{self.name}-{next(self._numbers)}-"
        if self._process.pid is None:
            raise BenchmarkError("the broker does not run")
        create_topics(KafkaSettings(bootstrap=self._process.bootstrap, topic_prefix=prefix, partitions=PARTITIONS))
        yield Place(self._process.bootstrap, self._process.pid, prefix, self._logs_dir)
        admin = AdminClient({"bootstrap.servers": self._process.bootstrap, "log_level": 0})
        own = [name for name in admin.list_topics(timeout=_TIMEOUT_S).topics if name.startswith(prefix)]
        for deleted in admin.delete_topics(own).values():
            deleted.result()

    def process(self, kind: Kind, load: Load, *, count: int = 1, runs: int = 1) -> BacklogRow:
        """Measure workers of one group on a full topic; of several runs, the median."""
        results = []
        for _ in range(runs):
            with self.place() as place:
                results.append(self.drain(place, kind, load, count))
        return BacklogRow(self.name, kind, count, load, median_throughput(results))

    def drain(self, place: Place, kind: Kind, load: Load, count: int = 1) -> Throughput:
        """Fill the topic of a place, and measure workers of one group on it."""
        content = _content(load)
        asyncio.run(send(place.bootstrap, place.topic, content.batches, events_per_s=None))
        offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
        with running_workers(kind, place, count) as workers:
            result = drain(
                workers,
                place.broker_pid,
                offsets,
                records=content.records,
                events=content.events,
                timeout_s=_TIMEOUT_S,
            )
        offsets.close()
        return result


@lru_cache(maxsize=4)
def _content(load: Load) -> Content:
    """Make what a topic is filled with once for all that work it off."""
    return ready_content(Fleet(load.vehicles), load.events, samples=load.samples)
