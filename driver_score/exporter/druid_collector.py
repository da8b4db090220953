"""Metrics of Druid's ingestion, compared with what was published.

All values are queried at each scrape, so that none is old. Whether Druid and Kafka are available is a metric too.
"""

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from druid_specs import (
    DataSource,
    DruidClient,
    DruidRefusedError,
    DruidUnavailableError,
    IngestionStatus,
    ingestion_status,
)
from stream_app.kafka import KafkaAccessError

log = structlog.get_logger(__name__)

_NUMBERS: Final[dict[str, tuple[str, Callable[[IngestionStatus], float | None]]]] = {
    "driver_score_druid_supervisor_healthy": (
        "1 while the supervisor of a data source is healthy according to Druid",
        lambda status: float(status.is_healthy),
    ),
    "driver_score_druid_lag_records": ("Messages that Druid has not read", lambda status: status.lag),
    "driver_score_druid_published_records": (
        "Messages ever written to the topic of a data source; none for a roll-up",
        lambda status: status.published,
    ),
    "driver_score_druid_rows": ("Rows that can be queried", lambda status: status.rows),
    "driver_score_druid_unparseable_rows": (
        "Messages that running tasks could not parse",
        lambda status: status.unparseable,
    ),
}


class DruidCollector(Collector):
    """Queries Druid and Kafka at each scrape.

    Parameters
    ----------
    client
        Of Druid.
    desired
        The data sources.
    count_written
        Returns how many messages a topic ever held.
    """

    def __init__(
        self, client: DruidClient, desired: list[DataSource], count_written: Callable[[str], int | None]
    ) -> None:
        self._client = client
        self._desired = desired
        self._count_written = count_written
        self._roll_ups = {source.name for source in desired if source.is_rolled_up}
        self._lock = Lock()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the availability of both, and the numbers of each data source while Druid answers."""
        with self._lock:
            topics = _Topics(self._count_written)
            try:
                statuses = ingestion_status(self._client, self._desired, topics.count)
                druid_available = True
            except (DruidUnavailableError, DruidRefusedError) as error:
                log.warning("Druid does not answer", reason=str(error))
                statuses, druid_available = [], False
                topics.count(self._desired[0].topic)
        yield GaugeMetricFamily("driver_score_druid_available", "1 while Druid answers", value=druid_available)
        yield GaugeMetricFamily(
            "driver_score_exporter_broker_available", "1 while a Kafka broker answers", value=topics.available
        )
        for name, (about, number_of) in _NUMBERS.items():
            metric = GaugeMetricFamily(name, about, labels=["data_source"])
            for status in statuses:
                number = number_of(status)
                is_of_messages = name != "driver_score_druid_published_records" or (
                    status.data_source not in self._roll_ups
                )
                if number is not None and is_of_messages:
                    metric.add_metric([status.data_source], number)
            yield metric


class _Topics:
    """Counts messages; after a broker did not answer, it is not asked again."""

    def __init__(self, count_written: Callable[[str], int | None]) -> None:
        self._count_written = count_written
        self.available = True

    def count(self, topic: str) -> int | None:
        if not self.available:
            return None
        try:
            return self._count_written(topic)
        except KafkaAccessError as error:
            log.warning("Kafka can't be used", reason=str(error))
            self.available = False
            return None


def exporter_registry(collector: Collector) -> CollectorRegistry:
    """Return a registry of one collector, which is not called before the first scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry
