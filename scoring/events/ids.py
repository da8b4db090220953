"""The ids of an event or a trip: their places in a row of ids, and texts that follow each other."""

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


class IdPlace(IntEnum):
    """Column of an id, in the order of ``ID_COLUMNS``; vehicle and trip are the key of a trip."""

    TRIP = 0
    VEHICLE = 1
    DRIVER = 2
    CLIENT = 3


def decode_ids(texts: NDArray[np.uint8], sizes: NDArray[np.int64]) -> list[tuple[str, ...]]:
    """Decode the ids of each row.

    Parameters
    ----------
    texts
        The ids of all rows in UTF-8, one after the other.
    sizes
        Their sizes in bytes, shape (rows, ``len(IdPlace)``).
    """
    ends = np.cumsum(sizes).tolist()
    content = texts.tobytes()
    ids = [content[start:end].decode() for start, end in pairwise([0, *ends])]
    return list(zip(*(ids[place :: len(IdPlace)] for place in IdPlace), strict=True))


def encode_ids(ids: Sequence[tuple[str, ...]]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Encode the ids of rows: what `decode_ids` takes."""
    encoded = [text.encode() for row in ids for text in row]
    sizes = np.array([len(text) for text in encoded], np.int64).reshape(-1, len(IdPlace))
    return np.frombuffer(b"".join(encoded), np.uint8), sizes
