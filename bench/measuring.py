"""What is measured of a running worker: committed offsets, processor time and memory."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bench.sending import PARTITIONS

POLL_S: Final = 0.05
"""Between two looks at the committed offsets; they change every two seconds."""

_NO_COORDINATOR_YET: Final = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE)

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """A run that can't be measured."""


@dataclass(frozen=True)
class Commit:
    """What was seen when the committed offsets had changed.

    Attributes
    ----------
    at_s
        By a monotonic clock.
    events
        Committed since the beginning of the topic.
    worker_cpu_s, broker_cpu_s
        Processor time since each began.
    """

    at_s: float
    events: int
    worker_cpu_s: float
    broker_cpu_s: float


@dataclass(frozen=True)
class Throughput:
    """What a worker did with a topic full of events.

    Attributes
    ----------
    events_per_s
        Committed a second.
    cpu_s_per_million, broker_cpu_s_per_million
        Processor seconds of the worker and of the broker, per million events.
    peak_mb
        Largest resident memory of the worker, MiB.
    events
        Counted: those between the commits that begin and end the measurement.
    """

    events_per_s: float
    cpu_s_per_million: float
    broker_cpu_s_per_million: float
    peak_mb: float
    events: int

    @classmethod
    def between(cls, first: Commit, last: Commit, peak_mb: float) -> "Throughput":
        """Compute it from two commits; each means that all before it is done and durable."""
        events = last.events - first.events
        return cls(
            events_per_s=events / (last.at_s - first.at_s),
            cpu_s_per_million=(last.worker_cpu_s - first.worker_cpu_s) / events * 1e6,
            broker_cpu_s_per_million=(last.broker_cpu_s - first.broker_cpu_s) / events * 1e6,
            peak_mb=peak_mb,
            events=events,
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
    """Looks at what a group has committed of a topic.

    Parameters
    ----------
    bootstrap, group, topic
        Whose and of what.
    """

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        self._partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

    def events(self) -> int:
        """Sum the offsets of all partitions; 0 before the first commit, and while the group has no coordinator."""
        try:
            offsets = self._consumer.committed(self._partitions, timeout=10)
        except KafkaException as error:
            if error.args[0].code() in _NO_COORDINATOR_YET:
                return 0
            raise
        return sum(max(0, committed.offset) for committed in offsets)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


def cpu_s(pid: int) -> float:
    """Give the processor time of a process, user and system, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def peak_mb(pid: int) -> float:
    """Give the largest resident memory that a process has had, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def wait_until(condition: Callable[[], bool], worker: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    """Poll until it holds.

    Raises
    ------
    BenchmarkError
        When it does not in time, or the worker ends.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if worker.poll() is not None:
            raise BenchmarkError(f"the worker ended with status {worker.returncode}; its log says why")
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the worker was not done within {timeout_s:g} s; its log says more")
        time.sleep(POLL_S)


def drain(
    worker: "subprocess.Popen[bytes]",
    broker_pid: int,
    offsets: CommittedOffsets,
    *,
    warm_up: int,
    events: int,
    timeout_s: float,
) -> Throughput:
    """Measure a worker that works off a topic.

    The clock runs from the first commit after the warm-up to the last one before the end, so that it sees neither
    the start, the compilation of kernels, nor the wait for the timer of the last commit; what falls between two
    commits is done whole, made durable included. Where there are not two such commits, to the end.

    Parameters
    ----------
    worker, broker_pid
        The processes.
    offsets
        What the worker has committed.
    warm_up, events
        Events that are not counted at the beginning, and events in the topic.
    timeout_s
        For all.
    """
    commits: list[Commit] = []

    def all_committed() -> bool:
        committed = offsets.events()
        if committed >= warm_up and (not commits or committed > commits[-1].events):
            commits.append(Commit(time.monotonic(), committed, cpu_s(worker.pid), cpu_s(broker_pid)))
        return committed >= events

    wait_until(all_committed, worker, timeout_s)
    full = [commit for commit in commits if commit.events < events]
    last = full[-1] if len(full) > 2 else commits[-1]
    if last is commits[0]:
        raise BenchmarkError("everything was committed at once; take more events")
    return Throughput.between(commits[0], last, peak_mb(worker.pid))
