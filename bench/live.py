"""Whether a worker keeps up with events that come at a steady pace, and how far behind it is meanwhile."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import IO, Final

from confluent_kafka import Consumer, TopicPartition

from bench.measuring import BenchmarkError, CommittedOffsets, cpu_s, wait_until
from bench.sending import PARTITIONS
from bench.workers import Place, running_worker

_LOOK_S: Final = 0.25
_TIMEOUT_S: Final = 180.0


@dataclass(frozen=True)
class Live:
    """What was seen.

    Attributes
    ----------
    asked_events_per_s, sent_events_per_s
        The pace that was asked for, and the one that was kept.
    median_lag_s, max_lag_s
        Age of the oldest event not yet committed, at that pace: events sent and not committed over events a second.
        Offsets are committed every two seconds, so 1 s is what a worker without any delay shows.
    catch_up_s
        From the last event sent until all were committed.
    worker_cores, broker_cores, sender_cores
        Processors kept busy by each.
    """

    asked_events_per_s: float
    sent_events_per_s: float
    median_lag_s: float
    max_lag_s: float
    catch_up_s: float
    worker_cores: float
    broker_cores: float
    sender_cores: float


def run_live(place: Place, broker_pid: int, *, vehicles: int, first: int, events: int, events_per_s: float) -> Live:
    """Send at a pace while the worker runs; beforehand a first part, for the worker to warm up."""
    command = [sys.executable, "-m", "bench.sending", place.bootstrap, place.topic]
    command += [f"--vehicles={vehicles}", f"--first={first}", f"--events={events}", f"--events-per-s={events_per_s}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        try:
            return _watch(place, broker_pid, sender, events_per_s)
        finally:
            sender.kill()


def _watch(place: Place, broker_pid: int, sender: "subprocess.Popen[bytes]", events_per_s: float) -> Live:
    if sender.stdin is None or sender.stdout is None:
        raise BenchmarkError("the sender has no pipes")
    warm_up = _heard(sender.stdout)["events"]
    offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
    ends = _EndOffsets(place)
    lags_s = []
    with running_worker("driver-score", place, PARTITIONS) as worker:
        wait_until(lambda: offsets.events() >= warm_up, worker, _TIMEOUT_S)
        before = cpu_s(worker.pid), cpu_s(broker_pid), cpu_s(sender.pid)
        sender.stdin.write(b"go\n")
        sender.stdin.flush()
        started = time.monotonic()
        while sender.poll() is None:
            sent = ends.events()
            lags_s.append((sent - offsets.events()) / events_per_s)
            used = cpu_s(worker.pid), cpu_s(broker_pid), cpu_s(sender.pid)
            elapsed_s = time.monotonic() - started
            time.sleep(_LOOK_S)
        ended = time.monotonic()
        report = _heard(sender.stdout)
        total = ends.events()
        wait_until(lambda: offsets.events() >= total, worker, _TIMEOUT_S)
        catch_up_s = time.monotonic() - ended
    offsets.close()
    cores = [(now - then) / elapsed_s for now, then in zip(used, before, strict=True)]
    sent_per_s = (total - warm_up) / report["elapsed_s"]
    return Live(events_per_s, sent_per_s, median(lags_s), max(lags_s), catch_up_s, *cores)


def _heard(output: IO[bytes]) -> dict[str, float]:
    line = output.readline()
    if not line:
        raise BenchmarkError("the sender ended early")
    numbers: dict[str, float] = json.loads(line)
    return numbers


class _EndOffsets:
    """Looks at how many events a topic holds."""

    def __init__(self, place: Place) -> None:
        self._consumer = Consumer({"bootstrap.servers": place.bootstrap, "group.id": "bench-ends", "log_level": 0})
        self._partitions = [TopicPartition(place.topic, partition) for partition in range(PARTITIONS)]

    def events(self) -> int:
        return sum(self._consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in self._partitions)
