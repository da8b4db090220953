"""Where Druid is, and where its exporter serves metrics."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from schemas.settings.component import Component


class DruidSettings(Component):
    """Where Druid is, and how it takes in the output topics."""

    url: str = Field(default="http://127.0.0.1:8888", pattern=r"^https?://[^\s/]+/?$", description="Of Druid's router")
    username: str | None = Field(default=None, description="Needed where Druid asks for one")
    password: SecretStr | None = Field(default=None, description="Goes with the user name; never logged")
    timeout_s: float = Field(default=30.0, gt=0, le=600, description="How long an answer may take")
    data_source_prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.\-]{0,100}$", description="Before each data source's name"
    )
    task_count: int = Field(default=1, ge=1, le=1000, description="Druid tasks that share the partitions of a topic")
    replicas: int = Field(default=1, ge=1, le=10, description="Copies of each task, on different machines")
    kafka_bootstrap: str | None = Field(
        default=None, min_length=1, description="Kafka as Druid's machines reach it, where that is another address"
    )
    consumer_properties: dict[str, str] = Field(
        default_factory=dict,
        description="Further settings of Druid's Kafka consumers; stored in Druid, no secrets; JSON",
    )
    specs_dir: Path | None = Field(default=None, description="Folder of edited specs; the shipped ones when unset")

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("user name and password go together")
        return self

    def credentials(self) -> tuple[str, str] | None:
        """Give user name and password, where they are set."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password.get_secret_value()


class ExporterSettings(Component):
    """Where `driver-score exporter` serves metrics of what Druid has taken in."""

    host: str = Field(default="127.0.0.1", description="Address that metrics are served on")
    port: int = Field(default=9465, ge=0, le=65_535, description="Of the metrics; 0 for any free")
