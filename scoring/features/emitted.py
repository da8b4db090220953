"""What the kernels emit: features of windows and trips that need a score, with the ids of their trips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.messages.trip_event import MAX_ID_BYTES, VEHICLE_DRIVER_PREFIX
from scoring.events.ids import decode_ids, encode_ids
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
        the order of `IdPlace`. They are those that are published: see `published_ids`.
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
        id_texts, id_sizes = _published(states, rows)
        return cls(
            rows=rows,
            features=features,
            id_texts=id_texts,
            id_sizes=id_sizes,
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


def published_ids(ids: tuple[str, ...], part: int) -> tuple[str, ...]:
    """Give the ids that scores of a driver's part of a trip have: each part is a trip of its own to readers.

    Parameters
    ----------
    ids
        Trip, vehicle, driver and client id, as they are in events; the driver's is empty where none is known.
    part
        Which driver of the trip, from 1: the second one's is ``trip_7.2``. Where the id would be too long, its end is
        cut off for that.
    """
    trip_id, vehicle_id, driver_id, client_id = ids
    if part > 1:
        number = f".{part}"
        trip_id = trip_id[: MAX_ID_BYTES - len(number)] + number
    return trip_id, vehicle_id, driver_id or f"{VEHICLE_DRIVER_PREFIX}{vehicle_id}"[:MAX_ID_BYTES], client_id


def _published(states: TripStates, rows: NDArray[np.void]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the published ids of emitted rows, concatenated, and their sizes.

    A driver who has logged in since a row was emitted is not yet its driver: rows do not depend on how events are
    batched.
    """
    slots = rows["slot"]
    texts, sizes = states.texts_of(slots), states.id_sizes(slots)
    parts = states.arrays.heads["part"][slots]
    if (parts == 1).all() and rows["driver_known"].all():
        return texts, sizes
    published = []
    for ids, part, known in zip(decode_ids(texts, sizes), parts.tolist(), rows["driver_known"].tolist(), strict=True):
        trip_id, vehicle_id, driver_id, client_id = ids
        published.append(published_ids((trip_id, vehicle_id, driver_id if known else "", client_id), part))
    return encode_ids(published)
