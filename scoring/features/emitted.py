"""What the kernels emit: features of windows and trips that need a score, with the ids of their trips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.events.ids import decode_ids
from scoring.features.emission import RowKind


@dataclass(frozen=True)
class EmittedFeatures:
    """Windows and trips to be scored, with all that scoring needs.

    Attributes
    ----------
    rows
        Array of ``EMITTED`` [rows], in the order of emission. Slots are for the states that emitted them.
    features
        float64 array [rows, features], columns in the order of ``FEATURE_NAMES``; NaN where a sensor is missing.
    id_texts, id_sizes
        uint8 array: the ids of all rows in UTF-8, concatenated; int64 array [rows, 4]: their sizes in bytes, in
        the order of `IdPlace`.
    vehicle_classes
        int8 array [rows]: positions in ``VEHICLE_CLASSES``.
    first_revision
        What is added to the revisions of all rows.
    """

    rows: NDArray[np.void]
    features: NDArray[np.float64]
    id_texts: NDArray[np.uint8]
    id_sizes: NDArray[np.int64]
    vehicle_classes: NDArray[np.int8]
    first_revision: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_first_score(self) -> NDArray[np.bool_]:
        """Tell of each row whether it is the first score of its trip."""
        return (self.rows["kind"] == RowKind.TRIP) & (self.rows["revision"] == 0)

    def ids(self) -> list[tuple[str, ...]]:
        """Give trip, vehicle, driver and client id of each row."""
        return decode_ids(self.id_texts, self.id_sizes)
