"""The least driving that a score needs."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES
from schemas.settings import ExposureSettings

_DISTANCE = FEATURE_NAMES.index("distance_km")
_DURATION = FEATURE_NAMES.index("duration_s")


@dataclass(frozen=True)
class ExposureLimits:
    """The least distance and time for a score; both must be reached, and an unknown one is not.

    Attributes
    ----------
    min_distance_km, min_duration_s
        One for all rows, or one for each, shape (n,).
    """

    min_distance_km: float | NDArray[np.float64]
    min_duration_s: float | NDArray[np.float64]

    @classmethod
    def of_trips(cls, settings: ExposureSettings) -> Self:
        """Give the limits of trips."""
        return cls(settings.min_trip_km, settings.min_trip_s)

    @classmethod
    def of_windows(cls, settings: ExposureSettings) -> Self:
        """Give the limits of live windows."""
        return cls(settings.min_window_km, settings.min_window_s)

    @classmethod
    def of_rows(cls, is_trip: NDArray[np.bool_], trip: Self, window: Self) -> Self:
        """Give each row its own limits: those of a trip, or those of a window; arrays of shape (n,)."""
        return cls(
            min_distance_km=np.where(is_trip, trip.min_distance_km, window.min_distance_km),
            min_duration_s=np.where(is_trip, trip.min_duration_s, window.min_duration_s),
        )

    @classmethod
    def none(cls) -> Self:
        """Give limits that everything reaches whose distance and time are known, for windows cut by their label."""
        return cls(min_distance_km=0.0, min_duration_s=0.0)

    def reached(self, features: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which rows of a feature matrix, shape (n, ``len(FEATURE_NAMES)``), have enough exposure; shape (n,)."""
        return (features[:, _DISTANCE] >= self.min_distance_km) & (features[:, _DURATION] >= self.min_duration_s)
