"""Whether a worker keeps up with events that come at a steady pace, and how far behind it is meanwhile."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from bench.fleet_sender import FleetSender
from bench.measuring import CommittedOffsets, cpu_s, wait_until
from bench.sending import PARTITIONS
from bench.workers import OURS, Place, running_worker

_LOOK_S: Final = 0.25
_TIMEOUT_S: Final = 180.0
_FIRST_EVENTS: Final = 200_000


@dataclass(frozen=True)
class Live:
    """What was measured.

    Attributes
    ----------
    vehicles
        Of the fleet.
    asked_events_per_s, sent_events_per_s
        Requested and actual rate.
    median_lag_s, max_lag_s
        Age of the oldest event not yet committed, at that pace: events sent and not committed over events per second.
        Offsets are committed every two seconds, so 1 s is what a worker without any delay shows.
    catch_up_s
        From the last event sent until all were committed.
    worker_cores, broker_cores, sender_cores
        Processor cores used by each.
    """

    vehicles: int
    asked_events_per_s: float
    sent_events_per_s: float
    median_lag_s: float
    max_lag_s: float
    catch_up_s: float
    worker_cores: float
    broker_cores: float
    sender_cores: float


def run_live(place: Place, *, vehicles: int, events_per_s: float, seconds: float) -> Live:
    """Send at a constant rate while the worker runs, after a first part for warming up."""
    events = int(events_per_s * seconds)
    first = max(_FIRST_EVENTS, vehicles)
    with FleetSender(place, vehicles=vehicles, first=first, events=events, events_per_s=events_per_s) as sender:
        return _watch(place, sender, vehicles, events_per_s)


def _watch(place: Place, sender: FleetSender, vehicles: int, events_per_s: float) -> Live:
    warm_up = sender.first_records()
    offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
    ends = _EndOffsets(place)
    lags_s = []
    with running_worker(OURS, place) as worker:
        wait_until(lambda: offsets.records() >= warm_up, [worker], _TIMEOUT_S)
        pids = worker.pid, place.broker_pid, sender.process.pid
        before = used = [cpu_s(pid) for pid in pids]
        sender.go()
        started = time.monotonic()
        elapsed_s = 0.0
        while sender.process.poll() is None:
            lags_s.append((ends.records() - offsets.records()) / events_per_s)
            used = [cpu_s(pid) for pid in pids]
            elapsed_s = time.monotonic() - started
            time.sleep(_LOOK_S)
        ended = time.monotonic()
        total = ends.records()
        wait_until(lambda: offsets.records() >= total, [worker], _TIMEOUT_S)
        catch_up_s = time.monotonic() - ended
    offsets.close()
    cores = [(now - then) / elapsed_s for now, then in zip(used, before, strict=True)]
    return Live(vehicles, events_per_s, sender.sent_per_s(), median(lags_s), max(lags_s), catch_up_s, *cores)


class _EndOffsets:
    """Polls how many records a topic holds."""

    def __init__(self, place: Place) -> None:
        self._consumer = Consumer({"bootstrap.servers": place.bootstrap, "group.id": "bench-ends", "log_level": 0})
        self._partitions = [TopicPartition(place.topic, partition) for partition in range(PARTITIONS)]

    def records(self) -> int:
        return sum(self._consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in self._partitions)
