"""TripAlert: a trip crossed into high risk, or a severe event, on ``trip-alerts``, keyed by ``trip_id``."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.messages.driver_score import ReasonCode, RiskBand
from schemas.messages.trip_event import EventType, Identifier, VehicleClass


class TripAlert(BaseModel):
    """One alert: a trip entered the high-risk band, again only after it had left it; or a single severe event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alert_id: str = Field(description="Deterministic id: the same crossing or event has the same id")
    alert_type: Literal["high_risk_trip", "severe_event"]
    score_id: str | None = Field(default=None, description="The DriverScore that raised it; null for a severe event")
    trip_id: Identifier
    vehicle_id: Identifier
    driver_id: Identifier
    client_id: Identifier
    vehicle_class: VehicleClass
    event_type: EventType | None = Field(default=None, description="Of a severe event: what it was")
    peak_mps2: float | None = Field(default=None, description="Of a severe event: its largest acceleration, signed")
    risk: float | None = Field(
        default=None, ge=0, le=1, description="Of the trip so far; null after too little driving"
    )
    score: float | None = Field(default=None, ge=0, le=100)
    band: RiskBand | None = None
    reason_1: ReasonCode | None = None
    reason_1_impact: float | None = None
    reason_2: ReasonCode | None = None
    reason_2_impact: float | None = None
    reason_3: ReasonCode | None = None
    reason_3_impact: float | None = None
    latitude: float | None = Field(default=None, description="Coarsened to 0.01 degrees, about a kilometre")
    longitude: float | None = Field(default=None, description="Coarsened to 0.01 degrees")
    model_name: str | None = None
    model_version: str | None = None
    event_time: AwareDatetime = Field(description="Time of the newest event included")
    raised_at: AwareDatetime = Field(description="Wall clock when the alert was raised")
