"""``python -m bench``: throughput on both brokers, next to stock Faust, and the way of a score into Druid."""

import argparse
import asyncio
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import druid_latency
from bench.fleet import Fleet
from bench.live import run_live
from bench.measuring import CommittedOffsets, Throughput, drain, median_throughput
from bench.report import BAR_EVENTS_PER_S, BacklogRow, LiveRow, as_json, as_markdown
from bench.sending import PARTITIONS, ready_batches, send
from bench.workers import Kind, Place, running_worker
from stream_app.embedded_broker import EmbeddedBroker
from stream_app.stack.kafka import BrokerProcess, NativeKafka
from stream_app.stack.server_process import free_port
from stream_app.topics import create_topics

_TIMEOUT_S: Final = 300.0
_WARM_UP_SHARE: Final = 5
"""A fifth of the events is not counted: enough for every kernel to be compiled or loaded, and windows to end."""

_KAFKA_HEAP_MB: Final = 1024
_BROKERS: Final = {"both": ("embedded", "kafka"), "embedded": ("embedded",), "kafka": ("kafka",), "none": ()}


class _Bench:
    """The runs on one broker; each has topics of its own.

    Parameters
    ----------
    name, broker
        The broker, running.
    logs_dir
        Where the workers' logs go.
    """

    def __init__(self, name: str, broker: BrokerProcess, logs_dir: Path) -> None:
        self._name = name
        self._broker = broker
        self._logs_dir = logs_dir
        self._numbers: Iterator[int] = iter(range(1_000_000))

    def backlog(self, kind: Kind, vehicles: int, events: int, runs: int) -> BacklogRow:
        """Measure a worker on a full topic, the median of some runs."""
        results = [self._drain(kind, vehicles, events) for _ in range(runs)]
        return BacklogRow(self._name, kind, vehicles, median_throughput(results))

    def live(self, vehicles: int, events_per_s: float, seconds: float) -> LiveRow:
        """Measure our worker at a steady pace."""
        place, pid = self._new_place()
        result = run_live(
            place,
            pid,
            vehicles=vehicles,
            first=max(200_000, vehicles),
            events=int(events_per_s * seconds),
            events_per_s=events_per_s,
        )
        return LiveRow(self._name, vehicles, result)

    def _drain(self, kind: Kind, vehicles: int, events: int) -> Throughput:
        place, pid = self._new_place()
        asyncio.run(send(place.bootstrap, place.topic, ready_batches(Fleet(vehicles), events), events_per_s=None))
        offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
        with running_worker(kind, place, PARTITIONS) as worker:
            result = drain(worker, pid, offsets, warm_up=events // _WARM_UP_SHARE, events=events, timeout_s=_TIMEOUT_S)
        offsets.close()
        return result

    def _new_place(self) -> tuple[Place, int]:
        prefix = f"bench-{next(self._numbers)}-"
        place = Place(self._broker.bootstrap, prefix, free_port(), self._logs_dir / f"{self._name}-{prefix}worker.log")
        create_topics(place.bootstrap, prefix, PARTITIONS)
        pid = self._broker.pid
        if pid is None:
            raise RuntimeError("the broker does not run")
        return place, pid


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--broker", choices=list(_BROKERS), default="both")
    parser.add_argument("--vehicles", type=int, nargs="+", default=[1000, 100_000], help="shapes of the load")
    parser.add_argument("--events", type=int, default=1_500_000, help="in the topic that our worker works off")
    parser.add_argument("--stock-events", type=int, default=100_000, help="the same for stock Faust; 0 leaves it out")
    parser.add_argument("--runs", type=int, default=3, help="of the first shape; the median counts")
    parser.add_argument("--live-seconds", type=float, default=25, help="0 leaves the live runs out")
    parser.add_argument("--live-vehicles", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=BAR_EVENTS_PER_S, help="events a second of the live runs")
    parser.add_argument("--druid-seconds", type=float, default=40, help="0 leaves Druid out")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the page of the documentation")
    return parser.parse_args()


def main() -> None:
    """Run everything that was asked for and show it."""
    arguments = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it retries while a new topic has no leader
    load_before = os.getloadavg()[0]
    backlogs: list[BacklogRow] = []
    lives: list[LiveRow] = []
    logs_dir = Path(tempfile.mkdtemp(prefix="driver-score-bench-"))
    print(f"Logs: {logs_dir}", flush=True)
    for name in _BROKERS[arguments.broker]:
        broker = EmbeddedBroker(logs_dir) if name == "embedded" else NativeKafka(logs_dir, heap_mb=_KAFKA_HEAP_MB)
        with broker:
            bench = _Bench(name, broker, logs_dir)
            for place, vehicles in enumerate(arguments.vehicles):
                runs = arguments.runs if place == 0 else 1
                backlogs.append(bench.backlog("driver-score", vehicles, arguments.events, runs))
                print(backlogs[-1], flush=True)
            if arguments.stock_events:
                stock: tuple[Kind, ...] = ("stock-faust", "stock-faust, no table")
                for kind in stock:
                    backlogs.append(bench.backlog(kind, arguments.vehicles[0], arguments.stock_events, 1))
                    print(backlogs[-1], flush=True)
            if arguments.live_seconds:
                lives.append(bench.live(arguments.live_vehicles, arguments.rate, arguments.live_seconds))
                print(lives[-1], flush=True)
    druid = None
    if arguments.druid_seconds:
        druid = druid_latency.measure(logs_dir, seconds=arguments.druid_seconds, heap_mb=_KAFKA_HEAP_MB)
        print(druid, flush=True)
    page = as_markdown(backlogs, lives, druid, load_before)
    print(page[page.index("## Backlog") :])
    if arguments.write is not None:
        arguments.write.write_text(page)
    shutil.rmtree(logs_dir)  # gigabytes of topics; kept where a run fails
    if arguments.json:
        print(json.dumps(as_json(backlogs, lives, druid)))


if __name__ == "__main__":
    main()
