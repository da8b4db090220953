"""Whether a worker is live and ready: what an orchestrator asks before it restarts or replaces one.

*Live* means progress. A worker that has records to read and commits nothing, or whose event loop hangs, does not
recover by itself. *Ready* means that it is a member of the group: partitions are assigned, their states restored, and a
broker answers. A worker without a partition, as there are more workers than partitions, is ready to take over.

Heartbeats come from the event loop; the thread that serves metrics answers, also when the loop hangs.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stream_app.telemetry import metrics
from stream_app.telemetry.lag import Progress, TopicPartition


@dataclass(frozen=True)
class GroupState:
    """The place of a worker in its consumer group.

    Attributes
    ----------
    has_recovered
        Whether the last rebalance is over, and the states of the assigned partitions are restored.
    records_to_restore
        Records of changelogs that are left to read for that.
    """

    has_recovered: bool
    records_to_restore: int


class WorkerHealth:
    """What is wrong with a worker.

    Parameters
    ----------
    stalled_after_s
        No progress for longer than this is a fault.
    clock_s
        A clock that never goes back, seconds.
    """

    def __init__(self, stalled_after_s: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after_s = stalled_after_s
        self._clock_s = clock_s
        self._progress: Callable[[], Mapping[TopicPartition, Progress]] = dict
        self._group: GroupState | None = None
        self._heartbeat_s = self._moved_s = clock_s()
        self.has_broker = False
        self.is_stopping = False

    def watch(self, progress: Callable[[], Mapping[TopicPartition, Progress]]) -> None:
        """Set what gives the progress of partitions."""
        self._progress = progress

    def heartbeat(self, group: GroupState) -> None:
        """Record that the event loop runs, and the place in the group; called in the event loop once a second."""
        self._heartbeat_s = self._clock_s()
        if group != self._group:
            self._moved_s = self._heartbeat_s
        self._group = group

    def broker_answered(self, answered: bool) -> None:
        """Note whether a broker answers."""
        self.has_broker = answered
        metrics.BROKER_AVAILABLE.set(answered)

    def live_problems(self) -> list[str]:
        """Return why the worker should be started anew; nothing while it makes progress."""
        now_s = self._clock_s()
        silent_s = now_s - self._heartbeat_s
        problems = []
        if self._group is not None and silent_s > self._stalled_after_s:
            problems.append(f"no heartbeat of the event loop for {silent_s:.0f} s")
        for tp, progress in sorted(self._progress().items()):
            stalled_s = min(progress.stalled_s, now_s - self._moved_s)
            if stalled_s > self._stalled_after_s:
                problems.append(
                    f"{tp.topic} {tp.partition}: nothing committed for {stalled_s:.0f} s, with "
                    f"{progress.position.lag} records to read"
                )
        return problems

    def ready_problems(self) -> list[str]:
        """Return why the worker is not ready to score; nothing while it is."""
        if self._group is None:
            return ["starting"]
        problems = self.live_problems()
        if self.is_stopping:
            problems.append("stopping")
        if not self.has_broker:
            problems.append("no broker answers")
        if not self._group.has_recovered:
            left = self._group.records_to_restore
            problems.append(f"restoring states, {left} records left" if left else "waiting for partitions")
        return problems
