"""How long from an event on Kafka until what it causes is on an output topic, with a fleet sending beside it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from confluent_kafka import Consumer, Message, TopicPartition

from bench.fleet_sender import FleetSender
from bench.measuring import BenchmarkError, CommittedOffsets, wait_until
from bench.probes import braking_trip, calm_trip, send_probes
from bench.sending import PARTITIONS
from bench.workers import OURS, Place, running_worker
from schemas.settings import WorkerSettings

_PROBES_PER_S: Final = 25
_FIRST_EVENTS: Final = 200_000
"""Sent before the clock runs, so that everything is warm; at least two a vehicle, so that all trips are open."""

_WARM_UP_S: Final = 3.0
_MARGIN_S: Final = 2.0
"""The fleet sends on for so long after the last probe."""

_TIMEOUT_S: Final = 120.0
_PROBE_KEY: Final = b"trip-probe-"

Answer = tuple[str, str]
"""A trip, and what was said of it."""


@dataclass(frozen=True)
class TopicLatency:
    """What was measured.

    Attributes
    ----------
    answer
        What the clock ran to.
    vehicles, asked_events_per_s, sent_events_per_s
        Number of vehicles of the fleet, requested and actual rate.
    share
        The pace as a share of the worker's maximum; 0 where it is not.
    probes
        Trips that were measured; all came.
    p50_s, p90_s, p99_s, max_s
        From just before the event is enqueued in the producer until a consumer has the answer.
    """

    answer: str
    vehicles: int
    share: float
    asked_events_per_s: float
    sent_events_per_s: float
    probes: int
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


def score_latency(place: Place, *, vehicles: int, events_per_s: float, share: float, seconds: float) -> TopicLatency:
    """Measure from the end of a trip to its final score on ``driver-scores``."""

    def final_score(key: str, value: bytes) -> Answer | None:
        score = orjson.loads(value)
        return (key, "score") if score["kind"] == "trip" and score["final"] else None

    arrived_s, produced, sent_per_s = _run(
        place, "driver-scores", final_score, ["score"], calm_trip, vehicles, events_per_s, seconds
    )
    return _latency("score", arrived_s, produced, vehicles, share, events_per_s, sent_per_s)


def alert_latencies(place: Place, *, vehicles: int, events_per_s: float, seconds: float) -> list[TopicLatency]:
    """Measure from a severe event, and from the event that makes a trip one of high risk, to the alert."""
    types = ["severe_event", "high_risk_trip"]

    def alert(key: str, value: bytes) -> Answer | None:
        return key, orjson.loads(value)["alert_type"]

    arrived_s, produced, sent_per_s = _run(
        place, "trip-alerts", alert, types, braking_trip, vehicles, events_per_s, seconds
    )
    return [_latency(kind, arrived_s, produced, vehicles, 0, events_per_s, sent_per_s) for kind in types]


class _Watcher(threading.Thread):
    """Reads an output topic and notes when each probe was answered first."""

    def __init__(self, place: Place, topic: str, answer_of: Callable[[str, bytes], Answer | None]) -> None:
        super().__init__(daemon=True)
        self._answer_of = answer_of
        self._stopped = threading.Event()
        self._consumer = Consumer({"bootstrap.servers": place.bootstrap, "group.id": "bench-watcher", "log_level": 0})
        partitions = [TopicPartition(place.prefix + topic, partition, 0) for partition in range(PARTITIONS)]
        self._consumer.assign(partitions)
        self.arrived_s: dict[Answer, float] = {}

    def run(self) -> None:
        while not self._stopped.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                self._note(message, time.perf_counter())

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        self._consumer.close()

    def _note(self, message: Message, now: float) -> None:
        key, value = message.key(), message.value()
        if key is not None and value is not None and key.startswith(_PROBE_KEY):
            answer = self._answer_of(key.decode(), value)
            if answer is not None:
                self.arrived_s.setdefault(answer, now)


def _run(
    place: Place,
    topic: str,
    answer_of: Callable[[str, bytes], Answer | None],
    answers: Sequence[str],
    trip: Callable[[int], Iterator[bytes]],
    vehicles: int,
    events_per_s: float,
    seconds: float,
) -> tuple[dict[Answer, float], dict[str, float], float]:
    """Send a fleet and probes through a worker; give when answers came, when probes were sent, and the fleet's pace."""
    first = max(_FIRST_EVENTS, 2 * vehicles)
    events = int(events_per_s * (_WARM_UP_S + seconds + _MARGIN_S))
    watcher = _Watcher(place, topic, answer_of)
    with (
        FleetSender(place, vehicles=vehicles, first=first, events=events, events_per_s=events_per_s) as sender,
        running_worker(OURS, place, checkpoint_s=WorkerSettings().checkpoint_s) as worker,
    ):
        records = sender.first_records()
        offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
        wait_until(lambda: offsets.records() >= records, [worker], _TIMEOUT_S)
        offsets.close()
        watcher.start()
        sender.go()
        count = int((_WARM_UP_S + seconds) * _PROBES_PER_S)
        produced = send_probes(place, trip, count=count, trips_per_s=_PROBES_PER_S)
        expected = {(trip_id, answer) for trip_id in produced for answer in answers}
        sent_per_s = sender.sent_per_s()
        wait_until(lambda: expected <= watcher.arrived_s.keys(), [worker], _TIMEOUT_S)
        watcher.stop()
    counted = dict(list(produced.items())[int(_WARM_UP_S * _PROBES_PER_S) :])
    return watcher.arrived_s, counted, sent_per_s


def _latency(
    answer: str,
    arrived_s: dict[Answer, float],
    produced: dict[str, float],
    vehicles: int,
    share: float,
    asked_per_s: float,
    sent_per_s: float,
) -> TopicLatency:
    if not produced:
        raise BenchmarkError("no probe was counted; measure for longer")
    latencies_s = np.array([arrived_s[trip_id, answer] - at for trip_id, at in produced.items()])
    quantiles = (float(quantile) for quantile in np.quantile(latencies_s, [0.5, 0.9, 0.99, 1]))
    return TopicLatency(answer, vehicles, share, asked_per_s, sent_per_s, len(produced), *quantiles)
