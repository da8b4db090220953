"""DriverScore: what the service publishes to ``driver-scores``, keyed by ``trip_id``."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from schemas.features import WindowedFeatures
from schemas.messages.trip_event import Identifier, VehicleClass

ScoreKind = Literal["window", "trip"]
ScoreStatus = Literal["scored", "insufficient_exposure"]
RiskBand = Literal["low", "moderate", "high"]
ModelRole = Literal["champion", "challenger"]
ReasonCode = Literal[
    "HARD_BRAKING",
    "HARD_ACCELERATION",
    "HARD_CORNERING",
    "SPEEDING",
    "SPEED_VARIATION",
    "JERKY_DRIVING",
    "NIGHT_DRIVING",
    "PHONE_USE",
]
"""Stable codes of the factors that move a score; ``docs/reasons.md`` has a sentence for each."""

Impact = Annotated[float, Field(description="Signed points of score that the factor added or took away")]


class DriverScore(WindowedFeatures):
    """A score of one window of a trip, or of the trip so far, flat: every field is a column.

    A trip that is scored again has the same ids and window start, and a higher ``revision``: readers take the
    highest. ``score_id`` is a hash of what the score is of, so that a repeated publication has the same id.
    """

    score_id: str = Field(description="Deterministic id of this score")
    revision: int = Field(ge=0, description="How often this window or trip had been scored before")
    kind: ScoreKind = Field(description="One tumbling window, or the whole trip so far")
    final: bool = Field(description="Whether the trip had ended when it was scored")
    status: ScoreStatus = Field(description="Why there is a score, or none")
    trip_id: Identifier
    vehicle_id: Identifier
    driver_id: Identifier
    client_id: Identifier
    vehicle_class: VehicleClass
    window_start: AwareDatetime = Field(description="Start of the window; for a trip, its first event")
    window_end: AwareDatetime = Field(description="End of the window; for a trip, of what it includes so far")
    event_count: int = Field(ge=0, description="Distinct events included")
    late_event_count: int = Field(ge=0, description="Events of the trip that came after the grace period")
    risk: float | None = Field(default=None, ge=0, le=1, description="Calibrated probability of a conflict")
    score: float | None = Field(default=None, ge=0, le=100, description="0 (worst) to 100 (best), or null")
    band: RiskBand | None = Field(default=None, description="Risk band of the score")
    reason_1: ReasonCode | None = Field(default=None, description="Factor with the largest impact")
    reason_1_impact: Impact | None = None
    reason_2: ReasonCode | None = Field(default=None, description="Factor with the second largest impact")
    reason_2_impact: Impact | None = None
    reason_3: ReasonCode | None = Field(default=None, description="Factor with the third largest impact")
    reason_3_impact: Impact | None = None
    model_name: str | None = None
    model_version: str | None = Field(default=None, description="With a letter first: v12")
    model_role: ModelRole = "champion"
    threshold_profile: str = Field(description="Name and version of the thresholds behind the features")
    event_time: AwareDatetime = Field(description="Time of the newest event included")
    scored_at: AwareDatetime = Field(description="Wall clock when the score was made")
