"""How long from an event on Kafka until its score can be queried in Druid, with a fleet sending beside it.

Probe trips end ten times a second. The clock of a probe runs from just before its
messages are handed to the producer until the answer of an SQL query has its final score. A query follows the last
one after 20 ms: that, and what a query takes, is part of what is measured.
"""

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import requests

from bench.fleet_sender import FleetSender
from bench.measuring import BenchmarkError, CommittedOffsets, wait_until
from bench.probes import CLIENT, calm_trip, send_probes
from bench.sending import PARTITIONS
from bench.workers import OURS, Place, running_worker
from driver_score.local_stack.servers.druid import NativeDruid
from driver_score.local_stack.servers.kafka import NativeKafka
from druid_specs.apply import plan_changes
from druid_specs.client import DruidClient
from druid_specs.from_settings import data_sources
from schemas.settings import KafkaSettings, Settings, load_settings
from stream_app.kafka import TopicSizes, create_topics

PREFIX: Final = "latency-"

VEHICLES: Final = 20_000
EVENTS_PER_S: Final = 20_000
"""Of the fleet beside the probes."""

_FIRST_EVENTS: Final = 200_000
"""Sent before the clock runs, so that everything is warm."""

_PROBES_PER_S: Final = 10

_PAUSE_S: Final = 0.02
"""Between two queries: without a pause they would keep a processor busy that the others need."""

_WARM_UP_S: Final = 45.0
"""Probes are sent, but not counted: a service that has just started compiles its code now, and answers late."""

_MARGIN_S: Final = 3.0
"""The fleet sends on for so long after the last probe."""

_TIMEOUT_S: Final = 180.0


@dataclass(frozen=True)
class DruidLatency:
    """What was measured.

    Attributes
    ----------
    sent_events_per_s
        Actual rate of events beside the probes.
    probes
        Trips that were measured; all came.
    p50_s, p99_s, max_s
        From event produced to score queryable.
    query_p50_s
        What one query took: the clock can't be read more finely.
    load_before
        Processes that waited for a processor before the run: more than 0 is other people's work.
    """

    sent_events_per_s: float
    probes: int
    p50_s: float
    p99_s: float
    max_s: float
    query_p50_s: float
    load_before: float


class _Watcher(threading.Thread):
    """Asks Druid again and again for the probes that have a final score."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{url}/druid/v2/sql"
        self._stopped = threading.Event()
        self.arrived_s: dict[str, float] = {}
        self.query_s: list[float] = []

    def run(self) -> None:
        query = (
            f'SELECT "trip_id" FROM "{PREFIX}driver-scores" '  # noqa: S608 - constants
            f'WHERE "client_id" = \'{CLIENT}\' AND "kind" = \'trip\' AND "final" = 1'
        )
        body = {"query": query, "resultFormat": "arrayLines", "context": {"useCache": False, "populateCache": False}}
        with requests.Session() as session:
            while not self._stopped.is_set():
                asked = time.perf_counter()
                answer = session.post(self._url, json=body, timeout=30)
                answer.raise_for_status()
                now = time.perf_counter()
                self.query_s.append(now - asked)
                for line in answer.text.split():
                    self.arrived_s.setdefault(json.loads(line)[0], now)
                self._stopped.wait(_PAUSE_S)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def measure(logs_dir: Path, *, seconds: float, heap_mb: int) -> DruidLatency:
    """Start Kafka and Druid, and run worker, fleet and probes against them.

    Parameters
    ----------
    logs_dir
        Where all logs go.
    seconds
        For how long probes are counted.
    heap_mb
        Of Kafka.
    """
    with NativeKafka(logs_dir / "kafka", heap_mb=heap_mb) as kafka, NativeDruid(logs_dir / "druid") as druid:
        return _run(kafka, druid, logs_dir, seconds)


def _run(kafka: NativeKafka, druid: NativeDruid, logs_dir: Path, seconds: float) -> DruidLatency:
    settings = load_settings(
        kafka={"bootstrap": kafka.bootstrap, "topic_prefix": PREFIX, "partitions": PARTITIONS},
        druid={"url": druid.url, "data_source_prefix": PREFIX},
    )
    create_topics(KafkaSettings(bootstrap=kafka.bootstrap, topic_prefix=PREFIX, partitions=PARTITIONS))
    with DruidClient(druid.url) as client:
        for change in plan_changes(client, data_sources(settings)):
            change.make()
    if kafka.pid is None:
        raise BenchmarkError("the broker does not run")
    place = Place(kafka.bootstrap, kafka.pid, PREFIX, logs_dir)
    events = int(EVENTS_PER_S * (_WARM_UP_S + seconds + _MARGIN_S))
    load_before = os.getloadavg()[0]
    with (
        FleetSender(place, vehicles=VEHICLES, first=_FIRST_EVENTS, events=events, events_per_s=EVENTS_PER_S) as sender,
        running_worker(OURS, place, checkpoint_s=settings.worker.checkpoint_s) as worker,
    ):
        _warm_up(place, settings, worker, sender)
        return _measure(druid.url, place, worker, sender, load_before, seconds)


def _warm_up(place: Place, settings: Settings, worker: "subprocess.Popen[bytes]", sender: FleetSender) -> None:
    """Wait until the first part is scored and in Druid."""
    first = sender.first_records()
    offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
    wait_until(lambda: offsets.records() >= first, [worker], _TIMEOUT_S)
    offsets.close()
    sizes = TopicSizes(settings.kafka)
    with DruidClient(settings.druid.url) as client:
        scores = f"{PREFIX}driver-scores"
        wait_until(lambda: 0 < (sizes.count(scores) or 0) <= client.row_count(scores), [worker], _TIMEOUT_S)
    sizes.close()


def _measure(
    url: str,
    place: Place,
    worker: "subprocess.Popen[bytes]",
    sender: FleetSender,
    load_before: float,
    seconds: float,
) -> DruidLatency:
    watcher = _Watcher(url)
    watcher.start()
    sender.go()
    count = int((_WARM_UP_S + seconds) * _PROBES_PER_S)
    produced = send_probes(place, calm_trip, count=count, trips_per_s=_PROBES_PER_S)
    wait_until(lambda: produced.keys() <= watcher.arrived_s.keys(), [worker], _TIMEOUT_S)
    watcher.stop()
    counted = list(produced.items())[int(_WARM_UP_S * _PROBES_PER_S) :]
    latencies_s = np.array([watcher.arrived_s[trip] - at for trip, at in counted])
    p50, p99 = np.quantile(latencies_s, [0.5, 0.99])
    return DruidLatency(
        sender.sent_per_s(),
        len(counted),
        float(p50),
        float(p99),
        float(latencies_s.max()),
        float(np.median(watcher.query_s)),
        load_before,
    )
