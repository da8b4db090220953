"""What the local stack starts, and where."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator

from schemas.settings.component import Component

_REPOSITORY_DIR: Final = Path(__file__).resolve().parents[2]

_Port = Annotated[int, Field(ge=1, le=65_535)]


class StackSettings(Component):
    """What `driver-score stack` starts on this machine; all listen on loopback only."""

    folder: Path = Field(
        default=Path("var/stack"),
        validate_default=True,
        description="Of data, configuration and logs; a relative one counts from the repository's root",
    )
    kafka_port: _Port = Field(default=9092, description="Of Kafka")
    kafka_controller_port: _Port = Field(default=9095, description="Of Kafka's own controller")
    druid_port: _Port = Field(default=8888, description="Of Druid's router: its API, SQL and console")
    druid_zookeeper_port: _Port = Field(default=2181, description="Of Druid's ZooKeeper")
    druid_metadata_port: _Port = Field(default=1527, description="Of Druid's metadata")
    druid_coordinator_port: _Port = Field(default=8081, description="Of Druid's coordinator and overlord")
    druid_broker_port: _Port = Field(default=8082, description="Of Druid's broker")
    druid_historical_port: _Port = Field(default=8083, description="Of Druid's historical")
    druid_indexer_port: _Port = Field(default=8091, description="Of Druid's indexer")
    prometheus_port: _Port = Field(default=9090, description="Of Prometheus")
    alertmanager_port: _Port = Field(default=9093, description="Of Alertmanager")
    grafana_port: _Port = Field(default=3000, description="Of Grafana")
    worker_metrics_port: _Port = Field(default=9464, description="Of the worker's metrics")
    exporter_port: _Port = Field(default=9465, description="Of the metrics of what Druid has taken in")
    kafka_heap_mb: int = Field(default=512, ge=256, description="Java heap of Kafka")
    druid_memory_factor: float = Field(
        default=1.0, ge=1, le=64, description="Times the memory of each Druid service, 3.5 GB in all at 1"
    )
    grafana_home: Path = Field(
        default=Path("/usr/share/grafana"), description="Of an installed Grafana; it is started where there is one"
    )
    grafana_plugins: Path = Field(
        default=Path("/var/lib/grafana/plugins"), description="Of its plugins, that for Druid among them"
    )
    druid: bool = Field(default=True, description="Start Druid, which takes most of the memory")
    worker: bool = Field(default=True, description="Start a worker")

    @field_validator("folder")
    @classmethod
    def _is_the_same_from_everywhere(cls, folder: Path) -> Path:
        return _REPOSITORY_DIR / folder.expanduser()
