"""One run of the demo, from an empty broker to the report."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from driver_score.demo.collector import Collector
from driver_score.demo.score_file import write_scores
from driver_score.demo.worker_metrics import worker_metrics
from driver_score.local_stack.server_process import free_port
from driver_score.local_stack.servers.embedded_broker import WORKER_ENVIRONMENT, EmbeddedBroker
from driver_score.local_stack.servers.worker import NativeWorker
from driver_score.losses import file_losses, unscored_sentences
from driver_score.replay import MessageSlice, ReplaySummary, replay
from driver_score.report import InputQuality, write_report
from driver_score.report.frames import latest_trips
from driver_score.report.headline import unscored_trips
from schemas.errors import DriverScoreError
from schemas.settings import KafkaSettings, load_settings
from schemas.topics import DRIVER_PROFILES, DRIVER_SCORES, TRIP_ALERTS, TRIP_EVENTS
from scoring.trip_files import ReadSummary
from stream_app.kafka import create_topics

PARTITIONS: Final = 2
"""One for each core of a small laptop."""

DEMO_MIN_DISTANCE_KM: Final = 20.0
"""Minimum distance of a ranked driver: those of the included fleet have driven some 40 km each, in a week."""

_REFRESH_S: Final = 0.5
_SETTLED_AFTER: Final = 4
"""Polls without anything left to collect: a profile follows its trip's score by one round trip through Kafka."""

_SILENT_S: Final = 5.0
"""After this long without events, trips get final scores: of those that had one, with the events that came after it.
Longer than `_SETTLED_AFTER` polls, so that trips without an end stay provisional where no event was late."""

_LATE_SETTLED_S: Final = _SILENT_S + 3.0
"""Time without events after which trips with late events have been scored again, or will not be."""

_QUIET_TIMEOUT_S: Final = 120.0
"""Without progress for this long, with events left, the worker is stalled."""


class DemoStalledError(DriverScoreError):
    """The pipeline makes no progress."""

    def __init__(self, waiting: float, log_folder: Path) -> None:
        super().__init__(
            f"no progress for {_QUIET_TIMEOUT_S:.0f} s with {waiting:,.0f} unprocessed events. "
            f"See the logs in {log_folder}, or run again with --debug."
        )


@dataclass(frozen=True)
class Progress:
    """State of the demo at a moment."""

    stage: str
    sent: int
    metrics: dict[str, float]
    events_per_s: float
    latest: list[dict[str, Any]]
    riskiest: list[dict[str, Any]]


@dataclass(frozen=True)
class DemoOutcome:
    """Result of the demo.

    Attributes
    ----------
    events, trips, scores, alerts
        Events that were read, trips of these, and what was published of them.
    rejected, rejects_by_code
        Messages that went to the dead-letter topic, and their codes.
    late, duplicates
        Events that came after the grace period, and that were merged with others.
    field_faults
        Events by field and fault of optional fields that count as unknown.
    rows_dropped
        Rows of the file that are no events, by cause.
    device_faults, late_trips
        Faults of devices by kind, of events or of final scores; final scores that missed late events, by outcome.
    unscored
        Trips without a score by cause.
    losses, large_losses
        All of this in sentences, large ones separately.
    notes
        Sentences about trips without a score.
    events_per_s
        Over the whole run.
    report
        Path of the report.
    """

    events: int
    rejected: int
    trips: int
    scores: int
    alerts: int
    late: int
    duplicates: int
    rejects_by_code: dict[str, int]
    field_faults: dict[str, dict[str, int]]
    rows_dropped: dict[str, int]
    device_faults: dict[str, int]
    late_trips: dict[str, int]
    unscored: dict[str, int]
    losses: list[str]
    large_losses: list[str]
    notes: list[str]
    events_per_s: float
    report: str


def run_demo(
    messages: Iterable[MessageSlice],
    events: pl.DataFrame,
    *,
    file: ReadSummary | None,
    title: str,
    report_path: Path,
    log_folder: Path,
    speed: float | None,
    show: Callable[[Progress], None],
    score_path: Path | None = None,
) -> DemoOutcome:
    """Send messages through the real pipeline and report on them.

    Parameters
    ----------
    messages
        The messages to send.
    events
        The same as an event frame, for the report's speed traces.
    file
        What the reader dropped of the file; None where its lines are sent as they are, and the worker judges them.
    title
        Of the report.
    report_path
        Path of the report: a folder or an ``.html`` file.
    log_folder
        Folder of the logs of broker and worker.
    speed
        Times real time; null for as fast as possible.
    show
        Called with the state from time to time.
    score_path
        File for the final scores of trips; null for none.
    """
    show(Progress("starting the embedded broker", 0, {}, 0.0, [], []))
    with EmbeddedBroker(log_folder) as broker:
        kafka = KafkaSettings(bootstrap=broker.bootstrap, partitions=PARTITIONS)
        create_topics(kafka)
        environment = {
            **WORKER_ENVIRONMENT,
            "DRIVER_SCORE_KAFKA__PARTITIONS": str(PARTITIONS),
            "DRIVER_SCORE_KAFKA__TOPIC_PREFIX": "",
            "DRIVER_SCORE_PROFILES__MIN_DISTANCE_KM": str(DEMO_MIN_DISTANCE_KM),
        }
        if speed is None:  # else vehicles may pause for longer
            environment["DRIVER_SCORE_WORKER__SILENT_PARTITION_S"] = str(_SILENT_S)
        show(Progress("starting the worker (the first time on a machine, it compiles)", 0, {}, 0.0, [], []))
        with NativeWorker(log_folder, broker, free_port(), environment) as worker:
            collector = Collector(kafka)
            collector.start()
            try:
                sender = _Sender(messages, kafka, speed)
                rate, metrics = _watch(
                    sender, worker, collector, show, late_settled_s=_LATE_SETTLED_S if speed is None else 0
                )
            finally:
                collector.stop()
    show(Progress("writing the report", sender.sent, metrics, rate, [], []))
    scores = collector.frame(DRIVER_SCORES.name)
    trips = latest_trips(scores)
    quality = _quality(metrics, file, trips.height)
    settings = load_settings()
    path = write_report(
        report_path,
        scores=scores,
        alerts=collector.frame(TRIP_ALERTS.name),
        profiles=collector.frame(DRIVER_PROFILES.name),
        events=events,
        quality=quality,
        title=title,
        threshold_profile=settings.thresholds,
        exposure=settings.exposure,
    )
    unscored = unscored_trips(trips)
    if score_path is not None:
        write_scores(score_path, scores)
    return DemoOutcome(
        events=quality.events,
        rejected=quality.rejected,
        trips=trips.height,
        scores=len(scores),
        alerts=round(metrics.get("alerts_total", 0)),
        late=quality.late,
        duplicates=quality.duplicates,
        rejects_by_code=quality.rejects_by_code,
        field_faults=_by_field(quality.faults),
        rows_dropped=dict(file.dropped) if file is not None else {},
        device_faults=dict(quality.device_faults),
        late_trips=dict(quality.late_trips or {}),
        unscored=unscored,
        losses=[str(loss) for loss in quality.losses if not loss.is_large],
        large_losses=[str(loss) for loss in quality.losses if loss.is_large],
        notes=unscored_sentences(trips.height, unscored, settings.exposure),
        events_per_s=round(rate, 1),
        report=str(path),
    )


class _Sender:
    """Replays in a thread of its own."""

    def __init__(self, messages: Iterable[MessageSlice], kafka: KafkaSettings, speed: float | None) -> None:
        self.sent = 0
        self.summary: ReplaySummary | None = None
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, args=(messages, kafka, speed), name="replay", daemon=True)
        self._thread.start()

    def _send(self, messages: Iterable[MessageSlice], kafka: KafkaSettings, speed: float | None) -> None:
        try:
            self.summary = replay(
                messages,
                kafka=kafka,
                topic=TRIP_EVENTS.name,
                speed=speed,
                progress=self._count,
                stop=self._stop,
            )
        except DriverScoreError as error:
            self._error = error

    def _count(self, events: int) -> None:
        self.sent += events

    def check(self) -> None:
        """Raise the error that ended the replay, if any."""
        if self._error is not None:
            raise self._error


def _watch(
    sender: _Sender,
    worker: NativeWorker,
    collector: Collector,
    show: Callable[[Progress], None],
    *,
    late_settled_s: float,
) -> tuple[float, dict[str, float]]:
    """Show progress until all sent events are scored and their scores collected.

    Where events came late, that is ``late_settled_s`` after the last event.

    Returns
    -------
    Events a second over the whole time, and the worker's metrics at the end.
    """
    started = last_moved = time.monotonic()
    taken_in = -1.0
    recent: list[tuple[float, float]] = []
    settled = 0
    metrics: dict[str, float] = {}
    while True:
        sender.check()
        worker.check_runs()
        metrics = worker_metrics(worker.port) or metrics
        now = time.monotonic()
        records = metrics.get("records_total", 0.0)
        if records > max(taken_in, 0.0):
            last_moved, taken_in = now, records
        recent = [*recent[-6:], (now, metrics.get("events_total", 0.0))]
        span = recent[-1][0] - recent[0][0]
        rate = (recent[-1][1] - recent[0][1]) / span if span else 0.0
        show(Progress("live", sender.sent, metrics, rate, collector.latest(), collector.riskiest(6)))
        is_settled = not metrics.get("late_events_total", 0) or now - last_moved > late_settled_s
        is_read = sender.summary is not None and records >= sender.summary.messages
        done = is_settled and is_read and _collected(metrics, collector)
        settled = settled + 1 if done else 0
        if settled > _SETTLED_AFTER:
            return metrics["events_total"] / (last_moved - started), metrics
        if now - last_moved > _QUIET_TIMEOUT_S and sender.sent > records:
            raise DemoStalledError(sender.sent - records, worker.log_path.parent)
        time.sleep(_REFRESH_S)


def _collected(metrics: dict[str, float], collector: Collector) -> bool:
    """Return whether everything that the worker has published was collected."""
    counts = collector.counts()
    return (
        metrics.get("waiting_late_trips", 0) == 0
        and metrics.get("closing_trips", 0) == 0
        and counts[DRIVER_SCORES.name] >= metrics.get("scores_total", 0)
        and counts[TRIP_ALERTS.name] >= metrics.get("alerts_total", 0)
        and counts[DRIVER_PROFILES.name] >= metrics.get("profiles_total", 0)
    )


def _quality(metrics: dict[str, float], file: ReadSummary | None, trips: int) -> InputQuality:
    faults = {}
    for name, count in _labelled(metrics, "field_faults_total:").items():
        field, _, fault = name.partition(":")
        faults[field, fault] = count
    return InputQuality(
        events=round(metrics.get("events_total", 0)),
        rejected=round(metrics.get("rejects_total", 0)),
        rejects_by_code=_labelled(metrics, "rejects_total:"),
        duplicates=round(metrics.get("duplicate_events_total", 0)),
        late=round(metrics.get("late_events_total", 0)),
        faults=faults,
        file_losses=tuple(file_losses(file)) if file is not None else (),
        trips=trips,
        device_faults=_labelled(metrics, "device_faults_total:"),
        late_trips=_labelled(metrics, "late_trips_total:"),
    )


def _labelled(metrics: dict[str, float], prefix: str) -> dict[str, int]:
    """Give the counts above 0 of the metrics with a prefix, without it."""
    return {
        name.removeprefix(prefix): round(count)
        for name, count in metrics.items()
        if name.startswith(prefix) and round(count) > 0
    }


def _by_field(faults: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    by_field: dict[str, dict[str, int]] = {}
    for (field, fault), count in faults.items():
        by_field.setdefault(field, {})[fault] = count
    return by_field
