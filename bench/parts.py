"""The parts of the benchmark, each of which can be left out."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from bench.measurements import druid_latency, onnx_speed
from bench.measurements.backlog import BacklogRow, Broker, Load
from bench.measurements.live import run_live
from bench.measurements.memory import measure as measure_memory
from bench.measurements.recovery import kill_one_of_two
from bench.measurements.score_latency import TopicLatency, alert_latencies, score_latency
from bench.measurements.stages import stage_costs_us
from bench.measuring import BenchmarkError
from bench.results import KAFKA, Results
from bench.verdicts import EVENTS_PER_S, HALF
from bench.workers import OURS, Kind
from driver_score.local_stack.servers.embedded_broker import EmbeddedBroker
from driver_score.local_stack.servers.kafka import NativeKafka

Result = TypeVar("Result")

FLEET: Final = 1_000
LARGE_FLEET: Final = 300_000
_KAFKA_HEAP_MB: Final = 1024

_EVENTS: Final = 10_000_000
"""Several commits of the fastest worker, so that what it processed before the first one hardly counts."""

_PEER_EVENTS: Final[dict[Kind, int]] = {
    "kafka-streams, 1 thread": _EVENTS,
    "kafka-streams, 2 threads": _EVENTS,
    "polars-loop": 4_000_000,
    "quix-streams": 600_000,
    "stock-faust": 100_000,
    "stock-faust, no table": 100_000,
}
_LARGE_PEERS: Final[tuple[Kind, ...]] = ("kafka-streams, 1 thread", "kafka-streams, 2 threads")
_MORE_WORKERS: Final = (2, 4)
_SAMPLES: Final = 30
_ENVELOPE_EVENTS: Final = 15_000_000
"""More than of single events: envelopes are processed faster, and several commits are needed to measure between."""

_SHARES: Final = (0.1, HALF, 0.9)
_ALERT_FLEET: Final = 20_000
_LATENCY_S: Final = 20.0
_LIVE_S: Final = 25.0
_DRUID_S: Final = 40.0
_ONNX_S: Final = 1.0
_KILLS: Final = 3
_RECOVERY_EVENTS_PER_S: Final = 20_000
_VERY_LARGE_FLEET: Final = 1_000_000
_MEMORY_EVENTS: Final = 3_000_000


@dataclass(frozen=True)
class Sizes:
    """Amount of events, seconds and runs.

    Attributes
    ----------
    scale
        Times the events and seconds of the full benchmark.
    runs
        Of our worker on the first backlog, and at half of its maximum; the median counts.
    large_peers
        Whether Kafka Streams processes the large fleet too.
    """

    scale: float
    runs: int
    large_peers: bool

    def load(self, vehicles: int, events: int = _EVENTS, samples: int = 1) -> Load:
        """Return a load at this scale."""
        return Load(vehicles, int(events * self.scale), samples)


class OnKafka:
    """Runs the parts that share one Kafka, and adds to the results.

    Parameters
    ----------
    results
        Of all parts.
    sizes
        Amount of events, seconds and runs.
    broker
        The real Kafka.
    """

    def __init__(self, results: Results, sizes: Sizes, broker: Broker) -> None:
        self._results = results
        self._sizes = sizes
        self._broker = broker

    def backlog(self) -> None:
        """Process the events of a small and of a large fleet."""
        for vehicles in (FLEET, LARGE_FLEET):
            self._ours(vehicles)

    def peers(self) -> None:
        """Process the same backlog with the peers."""
        self._ours(FLEET)
        for kind, events in _PEER_EVENTS.items():
            self._results.backlog.append(self._process(kind, self._sizes.load(FLEET, events)))
        for kind in _LARGE_PEERS if self._sizes.large_peers else ():
            self._ours(LARGE_FLEET)
            self._results.backlog.append(self._process(kind, self._sizes.load(LARGE_FLEET)))

    def workers(self) -> None:
        """Process the backlog with several workers."""
        self._results.workers.append(self._ours(FLEET))
        for count in _MORE_WORKERS:
            self._results.workers.append(self._process(OURS, self._sizes.load(FLEET), count=count))

    def envelopes(self) -> None:
        """Process the same events as single messages and in envelopes."""
        load = self._sizes.load(FLEET, _ENVELOPE_EVENTS, _SAMPLES)
        self._results.envelopes += [self._ours(FLEET), self._process(OURS, load)]

    def latency(self) -> None:
        """Measure latency at shares of the maximum rate; at half of it several times, as there is a target for it."""
        for vehicles, shares in ((FLEET, _SHARES), (LARGE_FLEET, (HALF,))):
            maximum = self._ours(vehicles).throughput.events_per_s
            for share in shares:
                runs = self._sizes.runs if share == HALF else 1
                timed = [self._time_scores(vehicles, share, maximum) for _ in range(runs)]
                self._results.scores.append(sorted(timed, key=lambda run: run.p99_s)[runs // 2])

    def _time_scores(self, vehicles: int, share: float, maximum: float) -> TopicLatency:
        with self._broker.place() as place:
            return _shown(
                score_latency(
                    place,
                    vehicles=vehicles,
                    events_per_s=share * maximum,
                    share=share,
                    seconds=_LATENCY_S * self._sizes.scale,
                )
            )

    def alerts(self) -> None:
        """Measure the latency of alerts at a moderate rate."""
        with self._broker.place() as place:
            timed = alert_latencies(
                place, vehicles=_ALERT_FLEET, events_per_s=_ALERT_FLEET, seconds=_LATENCY_S * self._sizes.scale
            )
        self._results.alerts = _shown(timed)

    def live(self) -> None:
        """Measure a constant rate of events."""
        with self._broker.place() as place:
            seconds = _LIVE_S * self._sizes.scale
            live = run_live(place, vehicles=FLEET, events_per_s=EVENTS_PER_S, seconds=seconds)
        self._results.lives.append(_shown(live))

    def recovery(self) -> None:
        """Kill one of two workers, several times."""
        for _ in range(_KILLS):
            with self._broker.place() as place:
                killed = kill_one_of_two(place, vehicles=FLEET, events_per_s=_RECOVERY_EVENTS_PER_S)
            self._results.recoveries.append(_shown(killed))

    def memory(self) -> None:
        """Measure memory with few open trips, and with a million."""
        for vehicles in (FLEET, _VERY_LARGE_FLEET):
            load = self._sizes.load(vehicles, _MEMORY_EVENTS)
            with self._broker.place() as place:
                self._results.memory.append(_shown(measure_memory(place, load.vehicles, load.events)))

    def stages(self) -> None:
        """Measure the processor time of each stage of the worker."""
        with self._broker.place() as place:
            self._broker.drain(place, "driver-score, metered", self._sizes.load(FLEET))
            self._results.stages_us = _shown(stage_costs_us(place.stages_path))

    def _ours(self, vehicles: int) -> BacklogRow:
        """Return what one worker of ours does of a fleet's events, measured if it is not yet."""
        known = self._results.ours(vehicles)
        if known is None:
            runs = self._sizes.runs if vehicles == FLEET else 1
            known = self._process(OURS, self._sizes.load(vehicles), runs=runs)
            self._results.backlog.append(known)
        return known

    def _process(self, kind: Kind, load: Load, *, count: int = 1, runs: int = 1) -> BacklogRow:
        return _shown(self._broker.process(kind, load, count=count, runs=runs))


def embedded(results: Results, sizes: Sizes, logs_dir: Path) -> None:
    """Process both fleets' events on the embedded broker."""
    with EmbeddedBroker(logs_dir) as process:
        broker = Broker("embedded", process, logs_dir)
        for vehicles in (FLEET, LARGE_FLEET):
            results.backlog.append(_shown(broker.process(OURS, sizes.load(vehicles))))


def onnx(results: Results, sizes: Sizes, _logs_dir: Path) -> None:
    """Measure the model."""
    results.onnx = _shown(onnx_speed.measure(_ONNX_S * sizes.scale))


def druid(results: Results, sizes: Sizes, logs_dir: Path) -> None:
    """Measure the latency until rows can be queried in Druid."""
    results.druid = _shown(druid_latency.measure(logs_dir, seconds=_DRUID_S * sizes.scale, heap_mb=_KAFKA_HEAP_MB))


def _shown(result: Result) -> Result:
    """Print a result at once, as a run takes a while."""
    print(result, flush=True)
    return result


ON_KAFKA: Final[dict[str, Callable[[OnKafka], None]]] = {
    "backlog": OnKafka.backlog,
    "peers": OnKafka.peers,
    "workers": OnKafka.workers,
    "envelopes": OnKafka.envelopes,
    "latency": OnKafka.latency,
    "alerts": OnKafka.alerts,
    "live": OnKafka.live,
    "stages": OnKafka.stages,
    "recovery": OnKafka.recovery,
    "memory": OnKafka.memory,
}
"""Parts that share one broker, in the order in which they run."""

ALONE: Final[dict[str, Callable[[Results, Sizes, Path], None]]] = {
    "embedded": embedded,
    "onnx": onnx,
    "druid": druid,
}
"""Parts that start their own servers."""


def run_parts(chosen: Sequence[str], results: Results, sizes: Sizes, logs_dir: Path) -> None:
    """Run the chosen parts, in the order of this module; a part that fails does not stop the others."""
    if any(name in chosen for name in ON_KAFKA):
        with NativeKafka(logs_dir, heap_mb=_KAFKA_HEAP_MB) as process:
            on_kafka = OnKafka(results, sizes, Broker(KAFKA, process, logs_dir))
            for name, part in ON_KAFKA.items():
                if name in chosen:
                    with _noting_failure(name, results):
                        part(on_kafka)
    for name, alone in ALONE.items():
        if name in chosen:
            with _noting_failure(name, results):
                alone(results, sizes, logs_dir)


@contextlib.contextmanager
def _noting_failure(name: str, results: Results) -> Iterator[None]:
    try:
        yield
    except BenchmarkError as error:
        results.failures.append(f"{name}: {error}")
        _shown(results.failures[-1])
