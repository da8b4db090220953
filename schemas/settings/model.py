"""Which model scores, and how much driving a score needs."""

from pathlib import Path

from pydantic import Field

from schemas.settings.component import Component


class ModelSettings(Component):
    """Which model scores."""

    path: Path | None = Field(default=None, description="Folder of the model; the one that is shipped when unset")


class ExposureSettings(Component):
    """The least driving for a score; below it the score is null, not 0 or 100."""

    min_trip_km: float = Field(default=1.0, ge=0, description="Least distance of a trip, km")
    min_trip_s: float = Field(default=120.0, ge=0, description="Least duration of a trip, s")
    min_window_km: float = Field(default=0.2, ge=0, description="Least distance of a window, km")
    min_window_s: float = Field(default=30.0, ge=0, description="Least duration of a window, s")
