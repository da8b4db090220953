"""DriverProfile: the rolling score of a driver, on ``driver-profiles``, keyed by ``driver_id``."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.messages.driver_score import RiskBand
from schemas.messages.trip_event import Identifier


class DriverProfile(BaseModel):
    """Exposure-weighted mean of a driver's final trip scores, older trips counting less by a half-life."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver_id: Identifier
    client_id: Identifier
    status: Literal["scored", "insufficient_exposure"]
    score: float | None = Field(default=None, ge=0, le=100, description="Rolling score, or null")
    band: RiskBand | None = None
    previous_score: float | None = Field(default=None, ge=0, le=100, description="The score before this trip")
    trip_count: int = Field(ge=0, description="Scored trips, all time")
    distance_km: float = Field(ge=0, description="Distance of the scored trips, all time")
    duration_s: float = Field(ge=0, description="Duration of the scored trips, all time")
    effective_distance_km: float = Field(ge=0, description="Distance after decay: what the score stands on")
    half_life_days: float = Field(gt=0)
    last_trip_id: Identifier
    model_version: str | None = Field(default=None, description="Model of the newest trip")
    event_time: AwareDatetime = Field(description="End of the newest trip included")
    updated_at: AwareDatetime
