"""TripFeatures: the feature log, what the model saw and said of each finished trip, on ``trip-features``."""

from pydantic import AwareDatetime, Field

from schemas.features import WindowedFeatures
from schemas.messages.driver_score import ModelRole, ScoreStatus
from schemas.messages.trip_event import Identifier, VehicleClass


class TripFeatures(WindowedFeatures):
    """Features of a finished trip as they were scored, with the model's output; training data of tomorrow."""

    score_id: str = Field(description="The DriverScore that these features led to")
    revision: int = Field(ge=0)
    trip_id: Identifier
    vehicle_id: Identifier
    driver_id: Identifier
    client_id: Identifier
    vehicle_class: VehicleClass
    window_start: AwareDatetime
    window_end: AwareDatetime
    event_count: int = Field(ge=0)
    late_event_count: int = Field(ge=0)
    threshold_profile: str
    status: ScoreStatus
    risk: float | None = Field(default=None, ge=0, le=1)
    score: float | None = Field(default=None, ge=0, le=100)
    model_name: str | None = None
    model_version: str | None = None
    model_role: ModelRole = "champion"
    event_time: AwareDatetime
    scored_at: AwareDatetime
