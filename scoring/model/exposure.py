"""How much driving a score needs before it says anything."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES

_DISTANCE = FEATURE_NAMES.index("distance_km")
_DURATION = FEATURE_NAMES.index("duration_s")


@dataclass(frozen=True)
class ExposureLimits:
    """The least distance and time for a score; both must be reached, and an unknown one is not.

    Attributes
    ----------
    min_distance_km
        For a trip 1 km: what a car does while it is parked again is not a trip, and rates per 100 km are
        published from 1 km on.
    min_duration_s
        For a trip 120 s: shorter ones have seen a junction or two, and are mostly starting and parking.
    """

    min_distance_km: float | NDArray[np.float64] = 1.0
    min_duration_s: float | NDArray[np.float64] = 120.0

    @classmethod
    def for_windows(cls) -> Self:
        """Give the limits of a live window of 60 s.

        0.2 km in 60 s is 12 km/h: below it the window is a queue or a car park. 30 s is half the window, so that
        the first and the last window of a trip are scored when the trip covers most of them.
        """
        return cls(min_distance_km=0.2, min_duration_s=30.0)

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
