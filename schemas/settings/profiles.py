"""The rolling score of a driver."""

from pydantic import Field

from schemas.settings.component import Component


class ProfileSettings(Component):
    """The rolling score of a driver."""

    half_life_days: float = Field(
        default=14, gt=0, description="Age at which a trip has half its weight; two weeks, as in Damoov's scores"
    )
    min_distance_km: float = Field(default=50, ge=0, description="Minimum distance for a profile score, km")
