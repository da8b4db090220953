"""How the worker works."""

from pydantic import Field

from schemas.settings.component import Component


class WorkerSettings(Component):
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
    changelog_properties: dict[str, str] = Field(
        default_factory=dict, description="Further librdkafka properties of the producer of changelogs; JSON"
    )
