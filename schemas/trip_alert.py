"""TripAlert: a trip crossed into high risk, on ``trip-alerts``, keyed by ``trip_id``."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.driver_score import ReasonCode, RiskBand
from schemas.trip_event import Identifier, VehicleClass


class TripAlert(BaseModel):
    """One alert, raised when a trip enters the high-risk band; raised again only after it had left it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alert_id: str = Field(description="Deterministic id: the same crossing has the same id")
    alert_type: Literal["high_risk_trip"] = "high_risk_trip"
    score_id: str = Field(description="The DriverScore that raised it")
    trip_id: Identifier
    vehicle_id: Identifier
    driver_id: Identifier
    client_id: Identifier
    vehicle_class: VehicleClass
    risk: float = Field(ge=0, le=1)
    score: float = Field(ge=0, le=100)
    band: RiskBand
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
