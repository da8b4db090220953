"""Supervisor specs of the output topics, made from the messages.

What differs between installations is left out: `druid_specs.specs.desired` fills in the addresses, names and counts.
"""

from typing import Any, Final

from druid_specs.specs.columns import TIME_COLUMN, column_types, time_columns
from schemas.columns import OUTPUT_MESSAGES

FLEET_HOURLY: Final = "fleet-hourly"
"""Data source with one row for each hour of each client, vehicle class, model and band."""

FLEET_HOURLY_TOPIC: Final = "driver-scores"

FLEET_HOURLY_DIMENSIONS: Final = (
    "client_id", "vehicle_class", "status", "band", "model_name", "model_version", "model_role", "threshold_profile",
)  # fmt: skip

_SORTED_FIRST: Final = ("client_id", "kind")
"""Nearly every query names a client; rows that stand together are read together, and compress better."""

_QUANTILES_K: Final = 128
"""Rank error of 1.7 %, 1 to 3 kB a sketch: Druid's default, fine enough for medians and tenths."""

_HLL_LG_K: Final = 14
"""Distinct counts within 0.8 %, at most 8 kB a sketch; an hour of a client needs far less."""


def supervisor_specs() -> dict[str, dict[str, Any]]:
    """Make the supervisor spec of each data source."""
    specs = {topic: _topic_spec(topic) for topic in OUTPUT_MESSAGES}
    return {**specs, FLEET_HOURLY: _fleet_hourly_spec()}


def _topic_spec(topic: str) -> dict[str, Any]:
    """Make the spec of a data source with one row for each message, and a column for each field."""
    message = OUTPUT_MESSAGES[topic]
    types = column_types(message)
    names = sorted(types, key=lambda name: _SORTED_FIRST.index(name) if name in _SORTED_FIRST else len(_SORTED_FIRST))
    transforms = [
        {"type": "expression", "name": name, "expression": f'timestamp_parse("{name}")'}
        for name in time_columns(message)
    ]
    return _spec(
        data_source=topic,
        topic=topic,
        dimensions=[{"type": types[name], "name": name} for name in names],
        metrics=[],
        transform={"filter": None, "transforms": transforms},
        granularity={"rollup": False, "queryGranularity": "NONE"},
    )


def _fleet_hourly_spec() -> dict[str, Any]:
    """Make the spec of the roll-up of final trip scores.

    Druid can't take back what was rolled up. A trip that is scored again, because of events that came after its end,
    counts again in ``trip_count``, the sums and the score sketch; ``trips`` counts it once.
    """
    types = column_types(OUTPUT_MESSAGES[FLEET_HOURLY_TOPIC])
    sums = {
        "score_sum": "score",
        "risk_sum": "risk",
        "distance_km_sum": "distance_km",
        "duration_s_sum": "duration_s",
        "scored_distance_km_sum": "scored_distance_km",
        "score_by_distance_sum": "score_by_distance",
        "speeding_s_sum": "speeding_s",
        "hard_event_count_sum": "hard_event_count",
        "hard_brake_count_sum": "hard_brake_count",
        "hard_acceleration_count_sum": "hard_acceleration_count",
        "hard_corner_count_sum": "hard_corner_count",
    }
    is_long = {column for column, kind in types.items() if kind == "long"}
    return _spec(
        data_source=FLEET_HOURLY,
        topic=FLEET_HOURLY_TOPIC,
        dimensions=[{"type": "string", "name": name} for name in FLEET_HOURLY_DIMENSIONS],
        metrics=[
            {"type": "count", "name": "trip_count"},
            *(
                {"type": "longSum" if column in is_long else "doubleSum", "name": name, "fieldName": column}
                for name, column in sums.items()
            ),
            {"type": "quantilesDoublesSketch", "name": "score_sketch", "fieldName": "score", "k": _QUANTILES_K},
            *(
                {"type": "HLLSketchBuild", "name": name, "fieldName": column, "lgK": _HLL_LG_K}
                for name, column in (("trips", "trip_id"), ("drivers", "driver_id"), ("vehicles", "vehicle_id"))
            ),
        ],
        transform={
            "filter": {
                "type": "and",
                "fields": [
                    {"type": "selector", "dimension": "kind", "value": "trip"},
                    {"type": "selector", "dimension": "final", "value": "true"},
                ],
            },
            "transforms": [
                _expression("scored_distance_km", 'if(isnull("score"), 0, "distance_km")'),
                _expression("score_by_distance", '"score" * "distance_km"'),
                _expression("speeding_s", '"speeding_ratio" * "duration_s"'),
            ],
        },
        granularity={"rollup": True, "queryGranularity": "HOUR"},
    )


def _expression(name: str, expression: str) -> dict[str, str]:
    return {"type": "expression", "name": name, "expression": expression}


def _spec(
    *,
    data_source: str,
    topic: str,
    dimensions: list[dict[str, str]],
    metrics: list[dict[str, Any]],
    transform: dict[str, Any],
    granularity: dict[str, Any],
) -> dict[str, Any]:
    return {
        "type": "kafka",
        "spec": {
            "dataSchema": {
                "dataSource": data_source,
                "timestampSpec": {"column": TIME_COLUMN, "format": "iso"},
                "dimensionsSpec": {"dimensions": dimensions, "useSchemaDiscovery": False},
                "metricsSpec": metrics,
                "transformSpec": transform,
                # Days, not hours: devices upload late and fleets are replayed, and a task keeps all that it has
                # seen open until it hands over.
                "granularitySpec": {"type": "uniform", "segmentGranularity": "DAY", **granularity},
            },
            "ioConfig": {
                "topic": topic,
                "inputFormat": {"type": "json"},
                "useEarliestOffset": True,
                "taskDuration": "PT1H",
                "completionTimeout": "PT30M",
                # Neither late nor early rows are rejected: Druid would drop them silently.
            },
            "tuningConfig": {
                "type": "kafka",
                "maxRowsInMemory": 150_000,
                "maxRowsPerSegment": 5_000_000,
                "maxTotalRows": 20_000_000,
                "intermediatePersistPeriod": "PT10M",
                "resetOffsetAutomatically": False,  # expired offsets are an incident
                "logParseExceptions": True,
                "maxSavedParseExceptions": 10,
            },
        },
    }
