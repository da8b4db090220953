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
        description="Folder of data, configuration and logs; relative to the repository's root",
    )
    kafka_port: _Port = Field(default=9092, description="Port of Kafka")
    kafka_controller_port: _Port = Field(default=9095, description="Port of Kafka's controller")
    druid_port: _Port = Field(default=8888, description="Port of Druid's router: API, SQL and console")
    druid_zookeeper_port: _Port = Field(default=2181, description="Port of Druid's ZooKeeper")
    druid_metadata_port: _Port = Field(default=1527, description="Port of Druid's metadata database")
    druid_coordinator_port: _Port = Field(default=8081, description="Port of Druid's coordinator and overlord")
    druid_broker_port: _Port = Field(default=8082, description="Port of Druid's broker")
    druid_historical_port: _Port = Field(default=8083, description="Port of Druid's historical")
    druid_indexer_port: _Port = Field(default=8091, description="Port of Druid's indexer")
    prometheus_port: _Port = Field(default=9090, description="Port of Prometheus")
    alertmanager_port: _Port = Field(default=9093, description="Port of Alertmanager")
    grafana_port: _Port = Field(default=3000, description="Port of Grafana")
    worker_metrics_port: _Port = Field(default=9464, description="Port of the worker's metrics")
    exporter_port: _Port = Field(default=9465, description="Port of the exporter's metrics")
    kafka_heap_mb: int = Field(default=512, ge=256, description="Java heap of Kafka, MiB")
    druid_memory_factor: float = Field(
        default=1.0, ge=1, le=64, description="Factor for the memory of each Druid service; 1 is 3.5 GB in total"
    )
    grafana_home: Path = Field(
        default=Path("/usr/share/grafana"), description="Folder of an installed Grafana, which is started if it exists"
    )
    grafana_plugins: Path = Field(
        default=Path("/var/lib/grafana/plugins"), description="Folder of Grafana's plugins, with the Druid plugin"
    )
    druid: bool = Field(default=True, description="Start Druid, which needs most of the memory")
    worker: bool = Field(default=True, description="Start a worker")

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        return _REPOSITORY_DIR / folder.expanduser()
