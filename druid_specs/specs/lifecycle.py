"""Retention rules and automatic compaction of each data source."""

from dataclasses import dataclass
from typing import Any, Final

from druid_specs.specs.first_row import FIRST_ROW_INTERVAL
from druid_specs.specs.supervisor_specs import FLEET_HOURLY


@dataclass(frozen=True)
class Lifecycle:
    """How long a data source is kept, and how its segments are merged.

    Attributes
    ----------
    keep
        ISO 8601 period of event time; null for ever. What is older is no longer served; it stays in deep storage
        until an operator has it deleted.
    granularity
        Of compacted segments.
    skip_latest
        ISO 8601 period before the newest row that is not compacted: what still comes late.
    """

    keep: str | None
    granularity: str
    skip_latest: str


LIFECYCLES: Final = {
    "driver-scores": Lifecycle("P2Y", "DAY", "P2D"),
    "driver-profiles": Lifecycle("P5Y", "MONTH", "P32D"),
    "trip-alerts": Lifecycle("P5Y", "MONTH", "P32D"),
    "trip-features": Lifecycle("P2Y", "DAY", "P2D"),
    FLEET_HOURLY: Lifecycle(None, "MONTH", "P32D"),
}

_TARGET_ROWS: Final = 5_000_000
"""Druid's advice: segments of 300 to 700 MB."""


def retention_rules() -> dict[str, list[dict[str, Any]]]:
    """Make the retention rules of each data source, in Druid's form."""
    return {name: _rules(lifecycle) for name, lifecycle in LIFECYCLES.items()}


def compaction_configs() -> dict[str, dict[str, Any]]:
    """Make the automatic compaction of each data source, in Druid's form."""
    return {
        name: {
            "dataSource": name,
            "skipOffsetFromLatest": lifecycle.skip_latest,
            "granularitySpec": {"segmentGranularity": lifecycle.granularity},
            "tuningConfig": {
                "type": "index_parallel",
                "partitionsSpec": {
                    "type": "range",
                    "partitionDimensions": ["client_id"],
                    "targetRowsPerSegment": _TARGET_ROWS,
                },
            },
        }
        for name, lifecycle in LIFECYCLES.items()
    }


def _rules(lifecycle: Lifecycle) -> list[dict[str, Any]]:
    load = {"tieredReplicants": {"_default_tier": 1}}
    if lifecycle.keep is None:
        return [{"type": "loadForever", **load}]
    return [
        {"type": "loadByInterval", "interval": FIRST_ROW_INTERVAL, **load},
        {"type": "loadByPeriod", "period": lifecycle.keep, "includeFuture": True, **load},
        {"type": "dropForever"},
    ]
