"""Whether a worker is live and ready: what an orchestrator asks before it restarts or replaces one.

*Live* means progress. A worker that has records to read and commits nothing, or whose event loop hangs, does not
recover by itself. *Ready* means that it is a member of the group: partitions are assigned, their states restored, and a
broker answers. A worker without a partition, as there are more workers than partitions, is ready to take over.

Heartbeats come from the event loop; the thread that serves metrics answers, also when the loop hangs.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stream_app.telemetry import metrics
from stream_app.telemetry.health_reasons import HEALTHY, MEANINGS, Effect, HealthCode, HealthReport, Reason
from stream_app.telemetry.lag import Progress, TopicPartition
from stream_app.telemetry.trends import RestoreRate, Rise

__all__ = [
    "HEALTHY",
    "MEANINGS",
    "Effect",
    "GroupState",
    "HealthCode",
    "HealthCollector",
    "HealthReport",
    "Reason",
    "WorkerHealth",
]

NOT_READING_AFTER_S: Final = 60.0
"""Unread records are read within a second, under backpressure within some: a minute is neither."""


@dataclass(frozen=True)
class GroupState:
    """The place of a worker in its consumer group.

    Attributes
    ----------
    has_recovered
        Whether the last rebalance is over, and the states of the assigned partitions are restored.
    records_to_restore
        Records of changelogs that are left to read for that.
    partitions
        Number of assigned partitions of the topics that are consumed.
    """

    has_recovered: bool
    records_to_restore: int
    partitions: int = 1


class WorkerHealth:
    """What is wrong with a worker, and what it does besides its usual work.

    Any thread may ask. `report` and `clear` are for those who know of something that can't be seen from here.

    Parameters
    ----------
    stalled_after_s
        No progress for longer than this is a fault.
    clock_s
        A clock that never goes back, seconds.

    Examples
    --------
    >>> health = WorkerHealth(stalled_after_s=300)
    >>> health.report(HealthCode.CLOSING_SILENT_PARTITION, "closing open trips", partition=3, trips_left=70)
    >>> [reason.as_json() for reason in health.ready().reasons][-1]["trips_left"]
    70
    >>> health.clear(HealthCode.CLOSING_SILENT_PARTITION, partition=3)
    """

    def __init__(self, stalled_after_s: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after_s = stalled_after_s
        self._clock_s = clock_s
        self._progress: Callable[[], Mapping[TopicPartition, Progress]] = dict
        self._group: GroupState | None = None
        self._started_s = self._heartbeat_s = self._moved_s = self._left_group_s = self._broker_s = clock_s()
        self._restore = RestoreRate()
        self._rises: dict[HealthCode, tuple[Rise, str, str]] = {}
        self._reported: dict[tuple[HealthCode, str | None, int | None], Reason] = {}
        self._lock = Lock()
        self.has_broker = False
        self.is_stopping = False

    def watch(self, progress: Callable[[], Mapping[TopicPartition, Progress]]) -> None:
        """Set what gives the progress of partitions."""
        self._progress = progress

    def watch_counter(self, code: HealthCode, message: str, unit: str, read: Callable[[], float]) -> None:
        """Give a reason while a counter rises, and for some minutes after.

        Parameters
        ----------
        code, message
            Of the reason.
        unit
            Field of the reason with how much the counter has risen.
        read
            Gives the counter; called at each heartbeat.
        """
        self._rises[code] = (Rise(read), message, unit)

    def report(
        self,
        code: HealthCode,
        message: str,
        *,
        topic: str | None = None,
        partition: int | None = None,
        **numbers: float,
    ) -> None:
        """Give a reason from now on, in place of one with the same code, topic and partition.

        Parameters
        ----------
        code
            Its effect on the endpoints is what `MEANINGS` says.
        message
            For people.
        topic, partition
            Where; null if it is about the whole worker.
        **numbers
            Further fields, such as what is left to do.
        """
        with self._lock:
            self._reported[code, topic, partition] = Reason(code, message, topic, partition, numbers)

    def clear(self, code: HealthCode, *, topic: str | None = None, partition: int | None = None) -> None:
        """Give a reported reason no longer; without topic and partition, none with this code."""
        with self._lock:
            if topic is None and partition is None:
                self._reported = {key: reason for key, reason in self._reported.items() if key[0] is not code}
            else:
                self._reported.pop((code, topic, partition), None)

    def heartbeat(self, group: GroupState) -> None:
        """Record that the event loop runs, and the place in the group; called in the event loop once a second."""
        now_s = self._heartbeat_s = self._clock_s()
        if group != self._group:
            self._moved_s = now_s
        if self._group is None or (self._group.has_recovered and not group.has_recovered):
            self._left_group_s = now_s
        self._restore.add(group.records_to_restore, now_s)
        self._group = group
        for rise, _, _ in self._rises.values():
            rise.sample(now_s)

    def broker_answered(self, answered: bool) -> None:
        """Note whether a broker answers."""
        if answered or self.has_broker:
            self._broker_s = self._clock_s()
        self.has_broker = answered
        metrics.BROKER_AVAILABLE.set(answered)

    def live(self) -> HealthReport:
        """Report why the worker should be restarted; no reason while it makes progress."""
        reasons = [reason for reason in self.reasons() if reason.effect is Effect.NOT_LIVE]
        return HealthReport(ok=not reasons, reasons=reasons)

    def ready(self) -> HealthReport:
        """Report whether the worker is ready to score, with all reasons and notes."""
        reasons = self.reasons()
        return HealthReport(ok=all(reason.effect is Effect.NOTE for reason in reasons), reasons=reasons)

    def reasons(self) -> list[Reason]:
        """Give all reasons there are now, the worst first."""
        now_s, group = self._clock_s(), self._group
        if group is None:
            found = [
                _reason(
                    HealthCode.STARTING, "starting, not yet a member of the consumer group", now_s - self._started_s
                )
            ]
        else:
            found = [*self._of_progress(group, now_s), *self._of_broker(now_s), *self._of_group(group, now_s)]
        if self.is_stopping:
            found.append(Reason(HealthCode.STOPPING, "stopping"))
        for code, (rise, message, unit) in self._rises.items():
            if rise.amount:
                found.append(Reason(code, message, numbers={unit: round(rise.amount)}))
        with self._lock:
            found += self._reported.values()
        return sorted(found, key=lambda reason: _ORDER[reason.effect])

    def _of_progress(self, group: GroupState, now_s: float) -> Iterator[Reason]:
        silent_s = now_s - self._heartbeat_s
        if silent_s > self._stalled_after_s:
            message = f"no heartbeat of the event loop for {silent_s:.0f} s"
            yield _reason(HealthCode.EVENT_LOOP_STUCK, message, silent_s)
        for tp, progress in sorted(self._progress().items()):
            position = progress.position
            stalled_s, unread_s = (min(s, now_s - self._moved_s) for s in (progress.stalled_s, progress.unread_s))
            if stalled_s > self._stalled_after_s:
                message = f"nothing committed for {stalled_s:.0f} s, with {position.lag} records to process"
                yield _reason(HealthCode.STALLED, message, stalled_s, tp, records=position.lag)
            if unread_s > NOT_READING_AFTER_S and group.has_recovered and self.has_broker:
                message = f"nothing read for {unread_s:.0f} s, with {position.unread} records on the broker"
                yield _reason(HealthCode.NOT_READING, message, unread_s, tp, records=position.unread)

    def _of_broker(self, now_s: float) -> Iterator[Reason]:
        if not self.has_broker:
            yield _reason(HealthCode.NO_BROKER, "no broker answers", now_s - self._broker_s)

    def _of_group(self, group: GroupState, now_s: float) -> Iterator[Reason]:
        seconds = now_s - self._left_group_s
        if group.has_recovered:
            if group.partitions == 0:
                yield Reason(
                    HealthCode.NO_PARTITION, "no partition is assigned: there are more workers than partitions"
                )
        elif group.records_to_restore:
            left, rate = group.records_to_restore, self._restore.records_per_s
            message = f"restoring states, {left} records left, {rate:.0f} records per second"
            yield _reason(HealthCode.RESTORING, message, seconds, records_left=left, records_per_s=round(rate))
        else:
            yield _reason(HealthCode.WAITING_FOR_PARTITIONS, "waiting for partitions", seconds)


class HealthCollector(Collector):
    """Serves 1 for each code that is a reason now, and 0 for all others.

    Parameters
    ----------
    reasons
        Gives the reasons there are.
    """

    def __init__(self, reasons: Callable[[], list[Reason]]) -> None:
        self._reasons = reasons

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metric, a sample a code."""
        gauge = GaugeMetricFamily(
            "driver_score_worker_health_reason", "1 while the health endpoints give this reason", labels=["code"]
        )
        given = {reason.code for reason in self._reasons()}
        for code in HealthCode:
            gauge.add_metric([code.value], code in given)
        yield gauge


_ORDER: Final = {Effect.NOT_LIVE: 0, Effect.NOT_READY: 1, Effect.NOTE: 2}


def _reason(
    code: HealthCode, message: str, seconds: float, tp: TopicPartition | None = None, **numbers: float
) -> Reason:
    topic, partition = tp or (None, None)
    return Reason(code, message, topic, partition, {**numbers, "seconds": round(seconds)})
