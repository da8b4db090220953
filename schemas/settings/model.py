"""Which model scores, and how much driving a score needs."""

from pathlib import Path

from pydantic import Field

from schemas.settings.component import Component


class ModelSettings(Component):
    """Which model scores."""

    path: Path | None = Field(default=None, description="Folder of the model; the default model if unset")


class ExposureSettings(Component):
    """Minimum exposure for a score; below it the score is null, not 0 or 100.

    A trip of less than 1 km is a car that is parked again, and rates per 100 km are published from 1 km on; one of less
    than 120 s has seen a junction or two, and is mostly starting and parking. 0.2 km in a window of 60 s is 12 km/h:
    below it the window is a queue or a car park. 30 s is half the window, so that the first and the last window of a
    trip are scored when the trip covers most of them.
    """

    min_trip_km: float = Field(default=1.0, ge=0, description="Minimum distance of a trip, km")
    min_trip_s: float = Field(default=120.0, ge=0, description="Minimum duration of a trip, s")
    min_window_km: float = Field(default=0.2, ge=0, description="Minimum distance of a window, km")
    min_window_s: float = Field(default=30.0, ge=0, description="Minimum duration of a window, s")
