"""What is measured of a running worker: committed offsets, processor time and memory."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.sending import PARTITIONS
from schemas.errors import DriverScoreError

POLL_S: Final = 0.05
"""Between two reads of the committed offsets; they change every two seconds."""

WARM_UP_SHARE: Final = 0.3
"""These events are not counted: enough for every kernel to be loaded, Java to be compiled, and windows to end."""

COUNTED_SHARE: Final = 0.85
"""Up to here: a worker is ahead of what it has committed, and must not run out of work while it is measured."""

_NO_COORDINATOR_YET: Final = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE)

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


Workers = Sequence["subprocess.Popen[bytes]"]


class BenchmarkError(DriverScoreError):
    """A run that can't be measured."""


@dataclass(frozen=True)
class Commit:
    """A snapshot, taken when the committed offsets had changed.

    Attributes
    ----------
    at_s
        By a monotonic clock.
    records
        Committed since the beginning of the topic.
    worker_cpu_s, broker_cpu_s
        Processor time since each began; that of all workers.
    """

    at_s: float
    records: int
    worker_cpu_s: float
    broker_cpu_s: float


@dataclass(frozen=True)
class Throughput:
    """What a worker, or several, did with a topic full of events.

    Attributes
    ----------
    events_per_s
        Committed records per second.
    cpu_s_per_million, broker_cpu_s_per_million
        Processor seconds of the workers and of the broker, per million events.
    peak_mb
        Largest resident memory of the workers, summed, MiB.
    events
        Counted: those between the commits that begin and end the measurement.
    """

    events_per_s: float
    cpu_s_per_million: float
    broker_cpu_s_per_million: float
    peak_mb: float
    events: int

    @classmethod
    def between(cls, first: Commit, last: Commit, peak_mb: float, events_per_record: float) -> "Throughput":
        """Compute it from two commits; all records before a commit are processed and durable."""
        events = (last.records - first.records) * events_per_record
        return cls(
            events_per_s=events / (last.at_s - first.at_s),
            cpu_s_per_million=(last.worker_cpu_s - first.worker_cpu_s) / events * 1e6,
            broker_cpu_s_per_million=(last.broker_cpu_s - first.broker_cpu_s) / events * 1e6,
            peak_mb=peak_mb,
            events=int(events),
        )


def median_throughput(runs: list[Throughput]) -> Throughput:
    """Take the median of each number."""
    return Throughput(
        events_per_s=median(run.events_per_s for run in runs),
        cpu_s_per_million=median(run.cpu_s_per_million for run in runs),
        broker_cpu_s_per_million=median(run.broker_cpu_s_per_million for run in runs),
        peak_mb=median(run.peak_mb for run in runs),
        events=int(median(run.events for run in runs)),
    )


class CommittedOffsets:
    """Reads what a group has committed of a topic.

    Parameters
    ----------
    bootstrap, group, topic
        Whose and of what.
    """

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._group = group
        self._partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

    def records(self) -> int:
        """Sum the offsets of all partitions; 0 before the first commit, and while the group has no coordinator."""
        try:
            offsets = self._consumer.committed(self._partitions, timeout=10)
        except KafkaException as error:
            if error.args[0].code() in _NO_COORDINATOR_YET:
                return 0
            raise
        return sum(max(0, committed.offset) for committed in offsets)

    def members(self) -> int:
        """Count the members of the group that have partitions."""
        group = self._admin.describe_consumer_groups([self._group])[self._group].result(timeout=10)
        return sum(bool(member.assignment.topic_partitions) for member in group.members)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, user and system, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def peak_mb(pid: int) -> float:
    """Return the largest resident memory that a process has had, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def wait_until(condition: Callable[[], bool], workers: Workers, timeout_s: float) -> None:
    """Poll until it holds.

    Raises
    ------
    BenchmarkError
        When it does not in time, or a worker ends.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        for worker in workers:
            if worker.poll() is not None:
                raise BenchmarkError(f"the worker ended with status {worker.returncode}; the logs say why")
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the worker was not done within {timeout_s:g} s; the logs say more")
        time.sleep(POLL_S)


def drain(
    workers: Workers,
    broker_pid: int,
    offsets: CommittedOffsets,
    *,
    records: int,
    events: int,
    timeout_s: float,
) -> Throughput:
    """Measure workers that process a full topic.

    The clock runs from the first commit after the warm-up, with all workers at work, to the last one within
    `COUNTED_SHARE`, so that it sees neither the start, the compilation of kernels, nor a worker without work; what
    falls between two commits is done whole, made durable included. Where there are not two of them, to the next one.

    Parameters
    ----------
    workers, broker_pid
        The processes.
    offsets
        What the workers have committed.
    records, events
        What the topic holds.
    timeout_s
        For all.
    """
    commits: list[Commit] = []
    counted = records * COUNTED_SHARE

    def all_at_work() -> bool:
        return len(workers) == 1 or offsets.members() == len(workers)

    def all_counted() -> bool:
        committed = offsets.records()
        is_news = not commits or committed > commits[-1].records
        if is_news and committed >= records * WARM_UP_SHARE and (commits or all_at_work()):
            used_s = sum(cpu_s(worker.pid) for worker in workers)
            commits.append(Commit(time.monotonic(), committed, used_s, cpu_s(broker_pid)))
        return committed >= counted

    wait_until(all_counted, workers, timeout_s)
    within = [commit for commit in commits if commit.records <= counted]
    last = within[-1] if len(within) > 1 else commits[-1] if commits else None
    if last is None or last is commits[0]:
        raise BenchmarkError("too few commits to measure between; take more events (--scale)")
    peak = sum(peak_mb(worker.pid) for worker in workers)
    return Throughput.between(commits[0], last, peak, events / records)
