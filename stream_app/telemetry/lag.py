"""How far committed offsets are behind the end of their partitions, and for how long offsets have not moved.

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
    """Where a partition is.

    Attributes
    ----------
    committed
        The offset that would be read first after a restart.
    end
        The offset that is written next.
    read
        The offset that is read next; null if not known.
    """

    committed: int
    end: int
    read: int | None = None

    @property
    def lag(self) -> int:
        """Records that a restart would have to read."""
        return max(0, self.end - self.committed)

    @property
    def unread(self) -> int:
        """Records that were not read yet, as far as is known."""
        return 0 if self.read is None else max(0, self.end - self.read)


@dataclass(frozen=True)
class Progress:
    """Where a partition is, and for how long it has stood still there.

    Attributes
    ----------
    position
        Its offsets.
    stalled_s
        Seconds since the committed offset moved, while there was lag.
    unread_s
        Seconds since a record was read, while there were unread ones.
    """

    position: Position
    stalled_s: float
    unread_s: float = 0.0


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
        self._committed = _StandingStill()
        self._read = _StandingStill()
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
            commits = {tp: (position.committed, position.lag) for tp, position in positions.items()}
            reads = {tp: (position.read or 0, position.unread) for tp, position in positions.items()}
            stalled_s, unread_s = self._committed.seconds(commits, now_s), self._read.seconds(reads, now_s)
            return {tp: Progress(position, stalled_s[tp], unread_s[tp]) for tp, position in positions.items()}


class _StandingStill:
    """For how long offsets have not moved, while there was something ahead of them."""

    def __init__(self) -> None:
        self._moved: dict[TopicPartition, tuple[int, float]] = {}

    def seconds(self, offsets: Mapping[TopicPartition, tuple[int, int]], now_s: float) -> dict[TopicPartition, float]:
        """Give the seconds of each partition, from its offset and the number of records ahead of it."""
        self._moved = {tp: self._last_moved(tp, *offset, now_s) for tp, offset in offsets.items()}
        return {tp: now_s - moved_s for tp, (_, moved_s) in self._moved.items()}

    def _last_moved(self, tp: TopicPartition, offset: int, ahead: int, now_s: float) -> tuple[int, float]:
        before = self._moved.get(tp)
        if before is None or ahead == 0 or before[0] != offset:
            return offset, now_s
        return before
