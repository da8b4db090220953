"""Settings of all parts, from environment variables: ``DRIVER_SCORE_<PART>__<NAME>``.

For example ``DRIVER_SCORE_KAFKA__BOOTSTRAP=kafka:9092``. ``docs/settings.md`` lists them all.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnparsableError

from scoring.errors import SettingsError
from scoring.features.parameters import SevereEventSettings, ThresholdProfile, WindowSettings

_PREFIX: Final = "DRIVER_SCORE_"
_REPOSITORY_DIR: Final = Path(__file__).resolve().parents[2]
_REMEDY: Final = "docs/settings.md lists the settings and their limits"


Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(_Part):
    """Where Kafka is, and how its topics are called."""

    bootstrap: str = Field(default="127.0.0.1:9092", min_length=1, description="Addresses, host:port, comma-separated")
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_.\-]{0,100}$", description="Before each topic's name")
    partitions: int = Field(default=4, ge=1, le=10_000, description="Of every topic")
    replication: int = Field(default=1, ge=1, le=10, description="Copies of each partition")
    group: str = Field(default="driver-score", pattern=r"^[A-Za-z0-9_.\-]{1,100}$", description="Consumer group")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How the brokers are spoken to"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How the user is made known, with SASL"
    )
    username: str | None = Field(default=None, description="Needed with SASL")
    password: SecretStr | None = Field(default=None, description="Needed with SASL; never logged")

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if self.security_protocol.startswith("SASL") and (self.username is None or self.password is None):
            raise ValueError(f"{self.security_protocol} needs username and password")
        return self

    def client_config(self) -> dict[str, str]:
        """Give the connection settings of confluent-kafka, but for the address."""
        config: dict[str, str] = {"security.protocol": self.security_protocol}
        if self.username is not None and self.password is not None:
            config |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password.get_secret_value(),
            }
        return config


class ModelSettings(_Part):
    """Which model scores."""

    path: Path | None = Field(default=None, description="Folder of the model; the one that is shipped when unset")


class ExposureSettings(_Part):
    """The least driving for a score; below it the score is null, not 0 or 100."""

    min_trip_km: float = Field(default=1.0, ge=0, description="Least distance of a trip, km")
    min_trip_s: float = Field(default=120.0, ge=0, description="Least duration of a trip, s")
    min_window_km: float = Field(default=0.2, ge=0, description="Least distance of a window, km")
    min_window_s: float = Field(default=30.0, ge=0, description="Least duration of a window, s")


class DecodingSettings(_Part):
    """What is accepted of devices."""

    max_value_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="Longer messages are rejected unread")
    max_ahead_s: float = Field(default=86_400, ge=0, description="Timestamps further ahead of the clock are rejected")
    time_zones: dict[str, str] = Field(
        default_factory=dict, description="IANA time zone of each client, for events without an offset; JSON"
    )

    @field_validator("time_zones")
    @classmethod
    def _are_known(cls, time_zones: dict[str, str]) -> dict[str, str]:
        for client_id, name in time_zones.items():
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"client {client_id}: {name!r} is no IANA time zone, such as Europe/Berlin") from error
        return time_zones


class WorkerSettings(_Part):
    """How the worker works."""

    checkpoint_s: float = Field(
        default=5.0, gt=0, le=60, description="States are stored and offsets committed this often"
    )
    state_chunks: int = Field(default=16, ge=1, le=4096, description="Stored parts of each partition's trip states")
    fetch_bytes: int = Field(default=6 * 1024 * 1024, ge=1024, description="Fetched of a partition at once, at most")
    session_timeout_s: float = Field(
        default=10, ge=6, le=300, description="A worker that is silent for so long loses its partitions"
    )
    silent_partition_s: float = Field(
        default=300, gt=0, description="Open trips close when their partition had no events for this long, wall clock"
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address that Prometheus metrics are served on")
    metrics_port: int | None = Field(default=None, ge=0, le=65_535, description="Of Prometheus metrics; 0 for any free")
    create_topics: bool = Field(default=True, description="Create missing topics at the start")
    stalled_after_s: float = Field(  # a sign of life comes once a second, later on a busy machine
        default=300, ge=5, le=86_400, description="No progress for longer than this, and the worker is not alive"
    )
    stop_timeout_s: float = Field(
        default=10,
        gt=0,
        le=600,
        description="A stop that takes longer is given up; what is not committed is read again",
    )


class ProfileSettings(_Part):
    """The rolling score of a driver."""

    half_life_days: float = Field(default=14, gt=0, description="A trip this old counts half: two weeks, as Damoov's")
    min_distance_km: float = Field(default=50, ge=0, description="Less driving than this gives no profile score")


class DruidSettings(_Part):
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


class ExporterSettings(_Part):
    """Where `driver-score exporter` serves metrics of what Druid has taken in."""

    host: str = Field(default="127.0.0.1", description="Address that metrics are served on")
    port: int = Field(default=9465, ge=0, le=65_535, description="Of the metrics; 0 for any free")


class AlertSettings(_Part):
    """Who is told of alerts: each channel that has an address is used, for alerts of its severities."""

    runbook_base: str = Field(
        default="", pattern=r"^(https?://\S+/)?$", description="Before `docs/runbooks/…` in links, ends with a slash"
    )
    webhook_url: SecretStr | None = Field(default=None, description="Gets Alertmanager's JSON by POST")
    webhook_severities: tuple[Severity, ...] = Field(default=SEVERITIES, description="JSON list")
    email_to: str | None = Field(default=None, description="Addresses, comma-separated")
    email_from: str | None = Field(default=None, description="Needed for e-mail")
    email_smarthost: str | None = Field(
        default=None, pattern=r"^[^\s:]+:\d+$", description="host:port of the SMTP server; needed for e-mail"
    )
    email_username: str | None = Field(default=None, description="Of the SMTP server, where it asks for one")
    email_password: SecretStr | None = Field(default=None, description="Goes with the user name; never logged")
    email_require_tls: bool = Field(default=True, description="Refuse an SMTP server without STARTTLS")
    email_severities: tuple[Severity, ...] = Field(default=SEVERITIES, description="JSON list")
    chat_url: SecretStr | None = Field(
        default=None, description="Incoming webhook of Slack, or of a chat that takes its messages, as Mattermost does"
    )
    chat_channel: str | None = Field(default=None, description="Where the webhook does not fix one")
    chat_severities: tuple[Severity, ...] = Field(default=SEVERITIES, description="JSON list")
    sns_topic_arn: str | None = Field(
        default=None, pattern=r"^arn:aws[\w-]*:sns:[\w-]+:\d{12}:\S+$", description="AWS SNS topic"
    )
    sns_severities: tuple[Severity, ...] = Field(default=("critical",), description="JSON list")

    @model_validator(mode="after")
    def _can_send_email(self) -> Self:
        if self.email_to is not None and (self.email_from is None or self.email_smarthost is None):
            raise ValueError("e-mail needs email_from and email_smarthost")
        if (self.email_username is None) != (self.email_password is None):
            raise ValueError("email_username and email_password go together")
        return self


_Port = Annotated[int, Field(ge=1, le=65_535)]


class StackSettings(_Part):
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


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    model: ModelSettings = ModelSettings()
    exposure: ExposureSettings = ExposureSettings()
    decoding: DecodingSettings = DecodingSettings()
    thresholds: ThresholdProfile = ThresholdProfile()
    windows: WindowSettings = WindowSettings()
    severe_events: SevereEventSettings = SevereEventSettings()
    worker: WorkerSettings = WorkerSettings()
    profiles: ProfileSettings = ProfileSettings()
    druid: DruidSettings = DruidSettings()
    exporter: ExporterSettings = ExporterSettings()
    alerts: AlertSettings = AlertSettings()
    stack: StackSettings = StackSettings()

    def loggable(self) -> dict[str, Any]:
        """Give the effective settings, secrets masked."""
        return self.model_dump(mode="json")


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises
    ------
    SettingsError
        When one is not known, or has a value that can't work; the message names its environment variable.
    """
    _refuse_unknown()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = _PREFIX + "__".join(str(part).upper() for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            problem = "there is no such setting"
        raise SettingsError(name, problem, remedy=_REMEDY) from error
    except UnparsableError as error:
        raise SettingsError(f"{_PREFIX}…", f"{error}: not JSON", remedy=_REMEDY) from error


def _refuse_unknown() -> None:
    """Refuse a variable that names no part, or has one underscore in place of two: it would have no effect."""
    for variable in os.environ:
        part, delimiter, _ = variable.removeprefix(_PREFIX).lower().partition("__")
        is_meant = variable.startswith(_PREFIX) and (delimiter or part.partition("_")[0] in Settings.model_fields)
        if is_meant and part not in Settings.model_fields:
            raise SettingsError(variable, "there is no such setting", remedy=_REMEDY)
