"""How far committed offsets are behind the end of their partitions, and for how long they have not moved.

Computed when Prometheus scrapes, on the thread that answers: also while the event loop hangs.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_LABELS = ["topic", "partition"]


class TopicPartition(NamedTuple):
    """A partition of a topic, which is given by its full name."""

    topic: str
    partition: int


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
    """Where a partition is, and for how long its committed offset has not moved while there was lag, seconds."""

    position: Position
    stalled_s: float


class LagCollector(Collector):
    """Serves the lag of each owned partition, and for how long its committed offset has not moved.

    Parameters
    ----------
    positions
        Gives the positions of the partitions that are owned now.
    clock_s
        A clock that never goes back, seconds.
    """

    def __init__(
        self, positions: Callable[[], Mapping[TopicPartition, Position]], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._positions = positions
        self._clock_s = clock_s
        self._moved: dict[TopicPartition, tuple[int, float]] = {}
        self._lock = Lock()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield both metrics, a sample a partition."""
        lag = GaugeMetricFamily("driver_score_worker_lag_records", "Records not yet committed", labels=_LABELS)
        stalled = GaugeMetricFamily(
            "driver_score_worker_stalled_seconds",
            "Time since the committed offset last moved, while there is lag; else 0",
            labels=_LABELS,
        )
        for tp, progress in sorted(self.snapshot().items()):
            lag.add_metric([tp.topic, str(tp.partition)], progress.position.lag)
            stalled.add_metric([tp.topic, str(tp.partition)], progress.stalled_s)
        yield lag
        yield stalled

    def snapshot(self) -> dict[TopicPartition, Progress]:
        """Give the progress of each partition; its times are as fine as this is called often."""
        with self._lock:
            now_s = self._clock_s()
            positions = self._positions()
            self._moved = {tp: self._last_moved(tp, position, now_s) for tp, position in positions.items()}
            return {tp: Progress(position, now_s - self._moved[tp][1]) for tp, position in positions.items()}

    def _last_moved(self, tp: TopicPartition, position: Position, now_s: float) -> tuple[int, float]:
        before = self._moved.get(tp)
        if before is None or position.lag == 0 or before[0] != position.committed:
            return position.committed, now_s
        return before
