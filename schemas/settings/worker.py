"""Settings of the worker."""

from typing import Literal

from pydantic import Field

from schemas.settings.component import Component

ChangedLogPolicy = Literal["stop", "fresh_states", "unchecked"]


class WorkerSettings(Component):
    """Checkpoints, consumer, health and stop of the worker."""

    checkpoint_s: float = Field(
        default=5.0, gt=0, le=60, description="Interval of checkpoints: states are stored and offsets committed"
    )
    state_chunks: int = Field(
        default=16, ge=1, le=4096, description="Number of chunks in which the trip states of a partition are stored"
    )
    fetch_bytes: int = Field(default=6 * 1024 * 1024, ge=1024, description="Maximum bytes per fetch from a partition")
    session_timeout_s: float = Field(
        default=10,
        ge=6,
        le=300,
        description="Session timeout: a worker without heartbeat for this long loses its partitions",
    )
    silent_partition_s: float = Field(
        default=300,
        gt=0,
        description="Open trips are closed when their partition has had no events for this long, wall clock",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address that metrics and health are served at")
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="Port of metrics and health; 0 for any free port; not served if unset",
    )
    changed_log: ChangedLogPolicy = Field(
        default="stop",
        description="What to do when stored states and committed offset no longer belong to the log: a topic "
        "created anew, an offset beyond the end, set or deleted by hand, lost states. It stops, or begins "
        "without states in the partitions concerned; unchecked is for the embedded broker, whose end offsets are wrong",
    )
    create_topics: bool = Field(default=True, description="Create missing topics when starting")
    stalled_after_s: float = Field(  # a heartbeat comes once a second, later on a busy machine
        default=300, ge=5, le=86_400, description="Without progress for longer than this, the worker is not live"
    )
    start_timeout_s: float = Field(  # a group waits up to 60 s for members that are busy
        default=120, ge=10, le=3600, description="Timeout of joining the consumer group when starting"
    )
    stop_timeout_s: float = Field(
        default=10,
        gt=0,
        le=600,
        description="Timeout of a graceful stop; then the worker exits, and uncommitted records are read again",
    )
    changelog_properties: dict[str, str] = Field(
        default_factory=dict, description="Further librdkafka properties of the producer of changelogs; JSON"
    )
