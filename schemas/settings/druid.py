"""Where Druid is, and where its exporter serves metrics."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from schemas.settings.component import Component


class DruidSettings(Component):
    """Where Druid is, and how it ingests the output topics."""

    url: str = Field(
        default="http://127.0.0.1:8888", pattern=r"^https?://[^\s/]+/?$", description="URL of Druid's router"
    )
    username: str | None = Field(default=None, description="User name, if Druid requires one")
    password: SecretStr | None = Field(default=None, description="Password of that user; never logged")
    timeout_s: float = Field(default=30.0, gt=0, le=600, description="Timeout of a request")
    data_source_prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.\-]{0,100}$", description="Prefix of each data source's name"
    )
    task_count: int = Field(
        default=1, ge=1, le=1000, description="Number of tasks that share the partitions of a topic"
    )
    replicas: int = Field(default=1, ge=1, le=10, description="Replicas of each task, on different machines")
    kafka_bootstrap: str | None = Field(
        default=None, min_length=1, description="Address of Kafka as seen from Druid's machines, if it differs"
    )
    consumer_properties: dict[str, str] = Field(
        default_factory=dict,
        description="Further properties of Druid's Kafka consumers; Druid stores them, so no secrets; JSON",
    )
    specs_dir: Path | None = Field(default=None, description="Folder of your own specs; the included ones if unset")

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("set both username and password, or neither")
        return self

    def credentials(self) -> tuple[str, str] | None:
        """Return user name and password, if they are set."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password.get_secret_value()


class ExporterSettings(Component):
    """Where `driver-score exporter` serves the metrics of Druid's ingestion."""

    host: str = Field(default="127.0.0.1", description="Address that metrics are served at")
    port: int = Field(default=9465, ge=0, le=65_535, description="Port of the metrics; 0 for any free port")
