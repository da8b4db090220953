"""``driver-score exporter``: metrics of Druid's ingestion."""

import signal
import threading
from contextlib import closing

from driver_score.exporter import DruidCollector, exporter_registry
from druid_specs import data_sources, druid_client
from schemas.settings import load_settings
from stream_app.kafka import TopicSizes
from stream_app.telemetry.logs import configure_logs
from stream_app.telemetry.metrics_server import serve_metrics


def exporter() -> None:
    """Serve metrics of Druid's ingestion to Prometheus until SIGTERM. One exporter is enough for all workers."""
    configure_logs()
    settings = load_settings()
    desired = data_sources(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(TopicSizes(settings.kafka)) as sizes, druid_client(settings) as client:
        registry = exporter_registry(DruidCollector(client, desired, sizes.ever_written))
        serve_metrics(settings.exporter.host, settings.exporter.port, "DRIVER_SCORE_EXPORTER__PORT", registry)
        stop.wait()
