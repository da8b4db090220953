"""Whether a worker lives, and whether it is ready: what an orchestrator asks before it restarts or replaces one.

*Live* means progress. A worker that has records to read and commits nothing, or whose event loop hangs, will not come
back by itself. *Ready* means that it has its place in the group: partitions were shared out, the states of its own are
restored, and a broker answers. A worker that got no partition, as there are more workers than partitions, is ready to
take over.

Asked for on the thread that serves metrics, told from the event loop: the answer comes also when the loop hangs.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import faust
from faust.types import TP

from stream_app.telemetry import metrics
from stream_app.telemetry.lag import Progress


@dataclass(frozen=True)
class GroupState:
    """Where a worker is on its way to work.

    Attributes
    ----------
    has_recovered
        Whether the last rebalance is over, and the states of the partitions that it brought are restored.
    records_to_restore
        Records of changelogs that are still to be read for that.
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
        self._progress: Callable[[], Mapping[TP, Progress]] = dict
        self._group: GroupState | None = None
        self._seen_s = self._moved_s = clock_s()
        self.has_broker = False
        self.is_stopping = False

    def watch(self, progress: Callable[[], Mapping[TP, Progress]]) -> None:
        """Take the progress of partitions from here, from now on."""
        self._progress = progress

    def saw(self, group: GroupState) -> None:
        """Note where the worker is; called from the event loop, once a second."""
        self._seen_s = self._clock_s()
        if group != self._group:
            self._moved_s = self._seen_s
        self._group = group

    def broker_answered(self, answered: bool) -> None:
        """Note whether a broker answers."""
        self.has_broker = answered
        metrics.BROKER_AVAILABLE.set(answered)

    def live_problems(self) -> list[str]:
        """Return why the worker should be started anew; nothing while it makes progress."""
        now_s = self._clock_s()
        silent_s = now_s - self._seen_s
        problems = []
        if self._group is not None and silent_s > self._stalled_after_s:
            problems.append(f"the event loop has hung for {silent_s:.0f} s")
        for tp, progress in sorted(self._progress().items()):
            stalled_s = min(progress.stalled_s, now_s - self._moved_s)
            if stalled_s > self._stalled_after_s:
                problems.append(
                    f"{tp.topic} {tp.partition}: nothing committed for {stalled_s:.0f} s, with "
                    f"{progress.position.lag} records to read"
                )
        return problems

    def ready_problems(self) -> list[str]:
        """Return why the worker does not score now; nothing while it does, or would if it had a partition."""
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


def group_state(app: faust.App) -> GroupState:
    """Look at a Faust application that has started; in its event loop."""
    if app.tables.actives_ready:  # false before the first rebalance, and from the beginning of each until it is done
        return GroupState(has_recovered=True, records_to_restore=0)
    return GroupState(has_recovered=False, records_to_restore=app.tables.recovery.active_remaining_total())
