"""How long the trips of a worker that is killed wait for the other one."""

import json
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from bench.fleet_sender import FleetSender
from bench.measuring import CommittedOffsets, wait_until
from bench.sending import PARTITIONS, partition_of
from bench.workers import OURS, Place, running_workers
from schemas.settings import WorkerSettings

_FIRST_EVENTS: Final = 100_000
_BEFORE_S: Final = 5.0
_AFTER_S: Final = 40.0
_TIMEOUT_S: Final = 180.0


@dataclass(frozen=True)
class Recovery:
    """What was measured.

    Attributes
    ----------
    vehicles, events_per_s
        Of the fleet.
    silence_s
        The longest time from the kill on in which some partition had no score: until the killed worker's trips are
        scored again, those of the other one, whose partitions are moved too, included.
    """

    vehicles: int
    events_per_s: float
    silence_s: float


def kill_one_of_two(place: Place, *, vehicles: int, events_per_s: float) -> Recovery:
    """Send a fleet through two workers with default settings, and kill one of them."""
    events = int(events_per_s * (_BEFORE_S + _AFTER_S))
    with (
        FleetSender(place, vehicles=vehicles, first=_FIRST_EVENTS, events=events, events_per_s=events_per_s) as sender,
        running_workers(OURS, place, 2, checkpoint_s=WorkerSettings().checkpoint_s) as workers,
    ):
        records = sender.first_records()
        offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
        wait_until(lambda: offsets.members() == len(workers) and offsets.records() >= records, workers, _TIMEOUT_S)
        offsets.close()
        watcher = _Watcher(place)
        watcher.start()
        sender.go()
        time.sleep(_BEFORE_S)
        workers[0].kill()
        killed_s = time.perf_counter()
        sender.sent_per_s()
        watcher.stop()
    return Recovery(vehicles, events_per_s, watcher.longest_silence_s(killed_s))


class _Watcher(threading.Thread):
    """Notes when scores of each partition of trip events come."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self._stopped = threading.Event()
        self._consumer = Consumer({"bootstrap.servers": place.bootstrap, "group.id": "bench-silence", "log_level": 0})
        topic = place.prefix + "driver-scores"
        self._consumer.assign([TopicPartition(topic, partition, -1) for partition in range(PARTITIONS)])
        self._seen_s: list[list[float]] = [[] for _ in range(PARTITIONS)]

    def run(self) -> None:
        while not self._stopped.is_set():
            for message in self._consumer.consume(1000, timeout=0.05):
                if message.error() is None:
                    vehicle_id = json.loads(message.value() or b"")["vehicle_id"]
                    self._seen_s[partition_of(vehicle_id)].append(time.perf_counter())

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        self._consumer.close()

    def longest_silence_s(self, since_s: float) -> float:
        """Return the longest time without a score of some partition, from a moment on until the watch ended."""
        ended_s = time.perf_counter()
        silences = []
        for seen in self._seen_s:
            times = [since_s, *(at for at in seen if at > since_s), ended_s]
            silences.append(max(later - earlier for earlier, later in pairwise(times)))
        return max(silences)
