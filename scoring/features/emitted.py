"""What the kernels emit: features of windows and trips that need a score, with the ids of their trips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.events.ids import decode_ids
from scoring.features.emission import RowKind
from scoring.features.state.trip_states import TripStates


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

    @classmethod
    def of(cls, states: TripStates, rows: NDArray[np.void], features: NDArray[np.float64]) -> "EmittedFeatures":
        """Resolve the ids of emitted rows while the slots are still those of their trips."""
        slots = rows["slot"]
        return cls(
            rows=rows,
            features=features,
            id_texts=states.texts_of(slots),
            id_sizes=states.id_sizes(slots),
            vehicle_classes=states.arrays.heads["vehicle_class"][slots],
            first_revision=states.first_revision,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_first_score(self) -> NDArray[np.bool_]:
        """Tell of each row whether it is the first score of its trip."""
        return (self.rows["kind"] == RowKind.TRIP) & (self.rows["revision"] == 0)

    def ids(self) -> list[tuple[str, ...]]:
        """Give trip, vehicle, driver and client id of each row."""
        return decode_ids(self.id_texts, self.id_sizes)
