"""How far commits are behind what is on Kafka, and for how long they have stood still.

Worked out when Prometheus asks, on the thread that answers it: a worker whose event loop hangs is still seen to stall.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

import faust
from faust.types import TP
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_LABELS = ["topic", "partition"]


@dataclass(frozen=True)
class Position:
    """Where a partition is: the offset that would be read first after a restart, and the one written next."""

    committed: int
    end: int

    @property
    def lag(self) -> int:
        """Records that a restart would have to read."""
        return max(0, self.end - self.committed)


@dataclass(frozen=True)
class Progress:
    """Where a partition is, and for how long its commits have stood still while there was lag, seconds."""

    position: Position
    stalled_s: float


class LagCollector(Collector):
    """Serves the lag of each owned partition, and for how long its commits have stood still.

    Parameters
    ----------
    positions
        Gives the positions of the partitions that are owned now.
    clock_s
        A clock that never goes back, seconds.
    """

    def __init__(
        self, positions: Callable[[], Mapping[TP, Position]], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._positions = positions
        self._clock_s = clock_s
        self._moved: dict[TP, tuple[int, float]] = {}
        self._lock = Lock()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield both metrics, a sample a partition."""
        lag = GaugeMetricFamily("driver_score_worker_lag_records", "Records not yet committed", labels=_LABELS)
        stalled = GaugeMetricFamily(
            "driver_score_worker_stalled_seconds",
            "Time since the committed offset last moved, while there is lag; else 0",
            labels=_LABELS,
        )
        for tp, progress in sorted(self.look().items()):
            lag.add_metric([tp.topic, str(tp.partition)], progress.position.lag)
            stalled.add_metric([tp.topic, str(tp.partition)], progress.stalled_s)
        yield lag
        yield stalled

    def look(self) -> dict[TP, Progress]:
        """Look at each partition; the oftener this is called, the finer is the time."""
        with self._lock:
            now_s = self._clock_s()
            positions = self._positions()
            self._moved = {tp: self._last_moved(tp, position, now_s) for tp, position in positions.items()}
            return {tp: Progress(position, now_s - self._moved[tp][1]) for tp, position in positions.items()}

    def _last_moved(self, tp: TP, position: Position, now_s: float) -> tuple[int, float]:
        before = self._moved.get(tp)
        if before is None or position.lag == 0 or before[0] != position.committed:
            return position.committed, now_s
        return before


def owned_positions(app: faust.App, topics: frozenset[str]) -> dict[TP, Position]:
    """Read the positions of a worker's partitions; those of which nothing is known yet are left out.

    Parameters
    ----------
    app
        A Faust application that has started.
    topics
        Full names of the topics that it works on: its tables' changelogs have no lag.
    """
    consumer = app.consumer
    positions = {}
    for tp in list(consumer.assignment()):
        if tp.topic not in topics:
            continue
        end = consumer.highwater(tp)
        committed = consumer._committed_offset.get(tp)  # noqa: SLF001 - Faust has no public name for it
        if committed is None or committed < 0:
            committed = 0  # never committed: all of the partition is ahead
        if end is not None:
            positions[tp] = Position(committed, end)
    return positions
