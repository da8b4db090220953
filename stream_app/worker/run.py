"""Run the worker until SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from functools import partial
from typing import Final, get_args

import structlog
from prometheus_client import REGISTRY

from schemas.messages.dead_letter import RejectCode
from schemas.messages.driver_score import ScoreStatus
from schemas.messages.optional_fields import POSSIBLE_FAULTS
from schemas.settings import KafkaSettings, Settings, WorkerSettings
from schemas.topics import SCORES_BY_DRIVER, TRIP_EVENTS
from scoring.features.state import DeviceFault, EvictionCause
from scoring.model import Scorer
from stream_app.faust_bridge.app import BatchApp
from stream_app.faust_bridge.progress import assigned_partitions, committed_positions, group_state
from stream_app.kafka import EndOffsets, watch_broker
from stream_app.state.log_changes import LogChange
from stream_app.telemetry import metrics
from stream_app.telemetry.health import HealthCode, HealthCollector, WorkerHealth
from stream_app.telemetry.lag import LagCollector
from stream_app.telemetry.logs import write_suppressed_lines
from stream_app.telemetry.metrics_server import serve_metrics
from stream_app.worker.freed_memory import return_large_arrays
from stream_app.worker.graceful_stop import StopDeadline
from stream_app.worker.kafka_start import prepare_kafka
from stream_app.worker.warm_up import warm_up
from stream_app.worker.wiring import Worker, build_worker, load_scorer

log = structlog.get_logger(__name__)

_SWITCH_S: Final = 0.001
"""A thread that returns from a kernel waits at most so long for the one that runs Python. The default of 5 ms, many
times a batch, cost a fifth of the throughput; with 0.3 ms threads switch too often for the caches of two processors."""

_HEARTBEAT_S: Final = 1.0
_END_OFFSETS_S: Final = 10.0
"""A small request for each broker; a scrape sees ends that are at most so old."""

_NO_BROKER: Final = "no broker answers"
_SLOW: Final = "the last batch or Kafka takes longer"


def run_worker(settings: Settings) -> None:
    """Score trip events until SIGTERM or SIGINT, then write a last checkpoint.

    Parameters
    ----------
    settings
        What to connect to and how to score.

    Raises
    ------
    KafkaAccessError, TopicError, ModelError
        When it can't start.
    AuthorizationError, DeliveryError
        When Kafka does not accept outputs, or does not let it read.
    """
    log.info("settings", **settings.loggable())
    kafka = settings.kafka
    metrics.start_at_zero(
        reject_codes=RejectCode,
        field_faults=POSSIBLE_FAULTS,
        statuses=get_args(ScoreStatus),
        topics=_topics(kafka),
        eviction_causes=get_args(EvictionCause),
        device_faults=get_args(DeviceFault),
        log_changes=LogChange,
    )
    return_large_arrays()
    scorer = load_scorer(settings)
    warm_up()
    prepare_kafka(kafka, create=settings.worker.create_topics)
    health = _health(settings.worker)
    if settings.worker.metrics_port is not None:
        serve_metrics(
            settings.worker.metrics_host,
            settings.worker.metrics_port,
            "DRIVER_SCORE_WORKER__METRICS_PORT",
            live=health.live,
            ready=health.ready,
        )
    sys.setswitchinterval(_SWITCH_S)
    deadline = StopDeadline(settings.worker.stop_timeout_s, holdup=lambda: _SLOW if health.has_broker else _NO_BROKER)
    collector = HealthCollector(health.reasons)
    REGISTRY.register(collector)
    try:
        asyncio.run(_run(settings, scorer, health, deadline))
    finally:
        deadline.cancel()
        REGISTRY.unregister(collector)


def _health(settings: WorkerSettings) -> WorkerHealth:
    health = WorkerHealth(settings.stalled_after_s)
    replayed, lost = partial(metrics.total, metrics.REPLAYED), partial(metrics.total, metrics.EXPIRED)
    health.watch_counter(HealthCode.REPLAYING, "events are read again, and skipped", "events", replayed)
    health.watch_counter(
        HealthCode.RECORDS_LOST, "records were deleted before they were read, and are lost", "records", lost
    )
    return health


async def _run(settings: Settings, scorer: Scorer, health: WorkerHealth, deadline: StopDeadline) -> None:
    worker = build_worker(settings, scorer)  # here, as Faust binds to the running loop
    stop = asyncio.Event()

    def begin_stop() -> None:
        if not stop.is_set():
            log.info("stopping")
            deadline.begin()
            health.is_stopping = True
            worker.app.stop_consuming()
            worker.checkpoint.drain()
            stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_stop)
    try:
        await worker.app.begin()
        log.info("worker started")
        with _watched(worker, settings.kafka, health):
            await _work_until(stop, worker, settings.worker)
            await worker.checkpoint.write()
    except Exception as error:
        deadline.begin(error)
        raise
    finally:
        deadline.begin()
        await worker.app.stop()
    write_suppressed_lines()
    log.info("stopped")


async def _work_until(stop: asyncio.Event, worker: Worker, settings: WorkerSettings) -> None:
    """Write a checkpoint every ``checkpoint_s`` until the stop; an error of an agent or of Faust is raised."""
    failed = asyncio.ensure_future(worker.app.wait_until_failed())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while True:
            await asyncio.wait({failed, stopping}, timeout=settings.checkpoint_s, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                failed.result()
            if stopping.done():
                return
            await worker.silence.close()
            await worker.checkpoint.write()
    finally:
        failed.cancel()
        stopping.cancel()


@contextlib.contextmanager
def _watched(worker: Worker, kafka: KafkaSettings, health: WorkerHealth) -> Iterator[None]:
    """Observe the worker's lag and health, and whether its broker answers, while it works."""
    topics = _topics(kafka)
    ends: dict[tuple[str, int], int] = {}
    lag = LagCollector(partial(committed_positions, worker.app, topics, ends))
    health.watch(lag.snapshot)
    topic = kafka.topic_prefix + TRIP_EVENTS.name
    watches = [
        asyncio.ensure_future(watch_broker(kafka, topic, health.broker_answered)),
        asyncio.ensure_future(_send_heartbeats(worker, lag, health, topics)),
        asyncio.ensure_future(_read_ends(worker, EndOffsets(kafka), ends, topics)),
        asyncio.ensure_future(worker.late.run()),
        asyncio.ensure_future(worker.sources.watch(sorted(topics), kafka.partitions, health)),
    ]
    for watch in watches:
        watch.add_done_callback(partial(_fail, worker.app))
    REGISTRY.register(lag)
    try:
        yield
    finally:
        REGISTRY.unregister(lag)
        for watch in watches:
            watch.cancel()


def _fail(app: BatchApp, watch: asyncio.Future[None]) -> None:
    """Let the worker fail with the error of a watch; without it nobody would know that it watches no more."""
    if not watch.cancelled() and (error := watch.exception()) is not None:
        app.fail(error)


async def _send_heartbeats(worker: Worker, lag: LagCollector, health: WorkerHealth, topics: frozenset[str]) -> None:
    """Send heartbeats from the event loop until cancelled."""
    while True:
        lag.snapshot()
        health.heartbeat(group_state(worker.app, topics))
        _report_closing(worker, health)
        await asyncio.sleep(_HEARTBEAT_S)


def _report_closing(worker: Worker, health: WorkerHealth) -> None:
    health.clear(HealthCode.CLOSING_SILENT_PARTITION)
    for partition, left in worker.processing.closing().items():
        message = f"closing the trips of a silent partition, {left} are left"
        health.report(HealthCode.CLOSING_SILENT_PARTITION, message, partition=partition, trips_left=left)


async def _read_ends(
    worker: Worker, offsets: EndOffsets, ends: dict[tuple[str, int], int], topics: frozenset[str]
) -> None:
    """Keep the end offsets of assigned partitions up to date until cancelled."""
    while True:
        assigned = assigned_partitions(worker.app, topics)
        found = await asyncio.to_thread(offsets.read, assigned)
        for revoked in ends.keys() - assigned:
            del ends[revoked]
        ends.update(found)  # an end that was not told this time is still a lower bound
        await asyncio.sleep(_END_OFFSETS_S)


def _topics(kafka: KafkaSettings) -> frozenset[str]:
    return frozenset(kafka.topic_prefix + topic.name for topic in (TRIP_EVENTS, SCORES_BY_DRIVER))
