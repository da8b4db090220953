"""TripResult: the final score of a trip on its way to the driver's profile, keyed by ``driver_id``; internal."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.messages.trip_event import Identifier


class TripResult(BaseModel):
    """What a driver's profile needs of a final trip score.

    Unknown fields are ignored: during a rolling update, workers read what newer ones have written.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    trip_id: Identifier
    vehicle_id: Identifier
    driver_id: Identifier
    client_id: Identifier
    revision: int = Field(ge=0)
    window_end: AwareDatetime = Field(description="Time of the trip's newest event")
    distance_km: float | None = None
    duration_s: float | None = None
    score: float | None = Field(default=None, ge=0, le=100)
    model_version: str | None = None
