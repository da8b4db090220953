"""Run the application until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable

import structlog
from prometheus_client import start_http_server

from stream_app import metrics
from stream_app.app import Worker, build_worker
from stream_app.settings import Settings, WorkerSettings
from stream_app.topics import create_topics

log = structlog.get_logger(__name__)


def run_worker(settings: Settings, *, on_ready: Callable[[], None] | None = None) -> None:
    """Score trip events until SIGTERM or SIGINT, then store everything and leave.

    Parameters
    ----------
    settings
        What to connect to and how to score.
    on_ready
        Called when the worker has begun.

    Raises
    ------
    BrokerUnavailableError, TopicError, ModelError
        When it can't begin.
    DeliveryError
        When Kafka stops taking outputs.
    """
    log.info("settings", **settings.loggable())
    kafka = settings.kafka
    worker = build_worker(settings)
    if settings.worker.create_topics:
        create_topics(kafka.bootstrap, kafka.topic_prefix, kafka.partitions, kafka.replication, kafka.client_config())
    if settings.worker.metrics_port is not None:
        server, _ = start_http_server(settings.worker.metrics_port, settings.worker.metrics_host)
        log.info("metrics", address=f"http://{settings.worker.metrics_host}:{server.server_port}/metrics")
    asyncio.run(_run(worker, settings.worker, on_ready))


async def _run(worker: Worker, settings: WorkerSettings, on_ready: Callable[[], None] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await worker.app.start()
    log.info("worker started")
    if on_ready is not None:
        on_ready()
    try:
        await _work_until(stop, worker, settings)
        log.info("stopping")
        await worker.trips.checkpoint()
    finally:
        await worker.app.stop()
    log.info("stopped")


async def _work_until(stop: asyncio.Event, worker: Worker, settings: WorkerSettings) -> None:
    """Write a checkpoint every ``checkpoint_s``; an error of Faust's or of ours ends the work."""
    crashed = asyncio.ensure_future(worker.app._crashed.wait())  # noqa: SLF001
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stopping.done():
            await asyncio.wait({stopping, crashed}, timeout=settings.checkpoint_s, return_when=asyncio.FIRST_COMPLETED)
            if crashed.done():
                raise worker.app.crash_reason or RuntimeError("the Faust application crashed")
            await worker.trips.close_silent(settings.silent_partition_s)
            await worker.trips.checkpoint()
            _report_lag(worker)
    finally:
        crashed.cancel()
        stopping.cancel()


def _report_lag(worker: Worker) -> None:
    for tp in worker.app.consumer.assignment():
        if tp.topic in worker.app.batched_topics:
            read = worker.app.consumer._read_offset[tp]  # noqa: SLF001
            end = worker.app.consumer.highwater(tp)
            if read is not None and end is not None:
                metrics.LAG.labels(tp.topic, str(tp.partition)).set(max(0, end - read - 1))
