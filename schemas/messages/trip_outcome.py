"""TripOutcome: what became of a trip, on ``trip-outcomes``, keyed by ``trip_id``; arrives late."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.messages.trip_event import Identifier


class TripOutcome(BaseModel):
    """A claim, an incident, a dismissed event or a reviewer's label of a trip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trip_id: Identifier
    vehicle_id: Identifier
    driver_id: Identifier
    client_id: Identifier
    outcome: Literal["claim", "incident", "dismissed_event", "reviewed_label"]
    event_id: Identifier | None = Field(default=None, description="The event concerned, when there is one")
    label: bool | None = Field(default=None, description="A reviewer's verdict: was the trip risky?")
    occurred_at: AwareDatetime = Field(description="When it happened on the road")
    reported_at: AwareDatetime = Field(description="When it became known")
