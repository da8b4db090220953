"""The features of a window or a trip: names, units and meaning, in the order of every feature matrix.

One list, because messages, model, training and documentation all speak of the same columns.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field


class WindowedFeatures(BaseModel):
    """Features of a window or a trip; a factor whose sensor is missing is null, never 0.

    Names carry their unit, but for the three that fleets already use: ``avg_speed`` and ``speed_volatility``
    are km/h, ``hard_event_count`` is a count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    duration_s: float | None = Field(
        default=None, description="Time covered by intervals between samples, gaps left out"
    )
    distance_km: float | None = Field(default=None, description="Distance driven, from speed over time")
    avg_speed: float | None = Field(default=None, description="Distance over the time in which speed is known, km/h")
    speed_volatility: float | None = Field(default=None, description="Time-weighted standard deviation of speed, km/h")
    max_speed_kmh: float | None = Field(default=None, description="Highest speed")
    hard_event_count: int | None = Field(
        default=None, description="Hard brakes, accelerations and corners, of those that can be rated"
    )
    hard_brake_count: int | None = Field(default=None, description="Hard brakes")
    hard_acceleration_count: int | None = Field(default=None, description="Hard accelerations")
    hard_corner_count: int | None = Field(default=None, description="Hard corners")
    hard_events_per_100km: float | None = Field(default=None, description="Hard events per 100 km; null below 1 km")
    speeding_ratio: float | None = Field(
        default=None, description="Share of the time with a known limit spent more than 5 km/h above it"
    )
    speeding_ratio_moderate: float | None = Field(default=None, description="The same, 5 to 15 km/h above")
    speeding_ratio_serious: float | None = Field(default=None, description="The same, 15 to 30 km/h above")
    speeding_ratio_severe: float | None = Field(default=None, description="The same, more than 30 km/h above")
    night_ratio: float | None = Field(default=None, description="Share of time between 23:00 and 05:00 local time")
    idle_ratio: float | None = Field(default=None, description="Share of time below 3 km/h")
    stop_count: int | None = Field(default=None, description="Standstills of at least 10 s")
    phone_use_ratio: float | None = Field(default=None, description="Share of moving time covered by phone use")
    jerk_rms_mps3: float | None = Field(default=None, description="Root mean square of the change of acceleration")
    peak_deceleration_mps2: float | None = Field(default=None, description="Strongest deceleration")
    peak_acceleration_mps2: float | None = Field(default=None, description="Strongest acceleration")
    peak_lateral_mps2: float | None = Field(default=None, description="Strongest lateral acceleration")
    acceleration_rms_mps2: float | None = Field(
        default=None, description="Root mean square of longitudinal acceleration"
    )
    lateral_rms_mps2: float | None = Field(default=None, description="Root mean square of lateral acceleration")


FEATURE_NAMES: Final[tuple[str, ...]] = tuple(WindowedFeatures.model_fields)
"""Names of the columns of a feature matrix, in order."""

COUNT_FEATURES: Final[frozenset[str]] = frozenset(
    name for name, field in WindowedFeatures.model_fields.items() if field.annotation == int | None
)
"""Features that are whole numbers in messages."""

FEATURE_DEFINITION: Final = 2
"""Version of how the features are computed.

Raise it when features of the same events change. A new feature needs no new version.

1. The first one.
2. Faults of devices that made false hard events, speeds and distances are known as such; of faultless data the same.
"""

OLDEST_FEATURE_DEFINITION: Final = 1
"""Models that were trained on features of this definition or a later one are accepted.

Raise it, too, when a feature gets another meaning.
"""
