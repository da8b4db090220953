"""The rolling score of a driver."""

from pydantic import Field

from schemas.settings.component import Component


class ProfileSettings(Component):
    """The rolling score of a driver."""

    half_life_days: float = Field(default=14, gt=0, description="A trip this old counts half: two weeks, as Damoov's")
    min_distance_km: float = Field(default=50, ge=0, description="Less driving than this gives no profile score")
