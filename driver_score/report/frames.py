"""The border of the report: messages as they come, in; one row a trip and one row a driver, out."""

from typing import Final

import polars as pl

from schemas.features import COUNT_FEATURES, FEATURE_NAMES

_INSTANT: Final = pl.Datetime("ms", "UTC")
_TRIP_IDS: Final = ("trip_id", "vehicle_id", "driver_id", "client_id", "vehicle_class")
_REASONS: Final = {
    f"reason_{rank}{suffix}": dtype
    for rank in (1, 2, 3)
    for suffix, dtype in (("", pl.String()), ("_impact", pl.Float64()))
}

TRIP_SCHEMA: Final = pl.Schema(
    {
        **dict.fromkeys(_TRIP_IDS, pl.String()),
        **dict.fromkeys(("kind", "status", "band", "model_name", "model_version", "model_role"), pl.String()),
        "threshold_profile": pl.String(),
        "revision": pl.Int64(),
        "final": pl.Boolean(),
        **dict.fromkeys(("window_start", "window_end", "scored_at"), _INSTANT),
        **dict.fromkeys(("risk", "score"), pl.Float64()),
        **_REASONS,
        **{name: pl.Int64() if name in COUNT_FEATURES else pl.Float64() for name in FEATURE_NAMES},
    }
)
"""Columns of ``driver-scores`` that the report reads."""

PROFILE_SCHEMA: Final = pl.Schema(
    {
        **dict.fromkeys(("driver_id", "client_id", "status", "band"), pl.String()),
        **dict.fromkeys(("score", "previous_score", "distance_km", "duration_s", "half_life_days"), pl.Float64()),
        "trip_count": pl.Int64(),
        **dict.fromkeys(("event_time", "updated_at"), _INSTANT),
    }
)
"""Columns of ``driver-profiles`` that the report reads."""

ALERT_SCHEMA: Final = pl.Schema(
    {**dict.fromkeys(("alert_id", "alert_type", "trip_id", "vehicle_id"), pl.String()), "event_time": _INSTANT}
)
"""Columns of ``trip-alerts`` that the report reads."""


def _with_types(messages: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Keep the columns of a schema; times may be ISO 8601 text or Datetime, and no messages need no columns."""
    if messages.is_empty():
        return pl.DataFrame(schema=schema)

    def typed(name: str, dtype: pl.DataType) -> pl.Expr:
        if dtype == _INSTANT and messages.schema[name] == pl.String:
            return pl.col(name).str.to_datetime("%+", time_unit="ms", time_zone="UTC")
        return pl.col(name).cast(dtype)

    return messages.select(typed(name, dtype) for name, dtype in schema.items())


def latest_trips(scores: pl.DataFrame) -> pl.DataFrame:
    """Return each trip's champion score of the highest revision.

    Parameters
    ----------
    scores
        ``DriverScore`` messages: windows and trips, provisional and final, in any order, repeated or not.

    Returns
    -------
    polars.DataFrame
        One row a trip of `TRIP_SCHEMA`, by vehicle and trip; a score that there is not is null.
    """
    trips = _with_types(scores, TRIP_SCHEMA).filter(kind="trip", model_role="champion")
    return trips.sort("vehicle_id", "trip_id", "revision", "scored_at").unique(
        ["vehicle_id", "trip_id"], keep="last", maintain_order=True
    )


def latest_profiles(profiles: pl.DataFrame) -> pl.DataFrame:
    """Return the newest ``DriverProfile`` of each driver, of `PROFILE_SCHEMA`, by driver."""
    typed = _with_types(profiles, PROFILE_SCHEMA)
    return typed.sort("driver_id", "event_time", "updated_at").unique("driver_id", keep="last", maintain_order=True)


def distinct_alerts(alerts: pl.DataFrame) -> pl.DataFrame:
    """Return each ``TripAlert`` of a trip at high risk once, of `ALERT_SCHEMA`, oldest first."""
    at_high_risk = _with_types(alerts, ALERT_SCHEMA).filter(alert_type="high_risk_trip")
    return at_high_risk.unique("alert_id", keep="first").sort("event_time", "alert_id")
