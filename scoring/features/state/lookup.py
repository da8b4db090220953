"""The slot of each event's trip: a hash table over the trips of a partition, and the texts of their ids.

A trip's key is its vehicle and trip id; a trip id need only be unique within its vehicle. The table is open addressing
with linear probing (Knuth, The Art of Computer Programming 3, 6.4, algorithm L), at most half full; a match is always
by the bytes, never by the hash alone. The ids of a trip are adjacent in the texts.
"""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import borrowed, inlined_kernel, kernel
from scoring.events.hashing import FNV_OFFSET, FNV_PRIME, fold_bytes, mixed
from scoring.events.ids import IdPlace
from scoring.features.state.arrays import StateArrays, borrowed_arrays

_SEPARATOR: Final = np.uint64(0x1F)
"""Between vehicle and trip id; no id can contain it."""


@inlined_kernel
def same_text(texts: Any, known: int, content: Any, start: int, size: int) -> bool:
    """Tell whether a text and a part of some content are the same bytes."""
    for at in range(size):  # noqa: SIM110 - kernels have no generators
        if texts[known + at] != content[start + at]:
            return False
    return True


@kernel
def find_or_add(
    arrays: StateArrays, content: Any, id_starts: Any, id_sizes: Any, vehicle_classes: Any, slots: Any, begin: int
) -> int:
    """Find the slot of each event's trip; trips not seen before get one, with the ids of their first event.

    Parameters
    ----------
    arrays
        State of the partition.
    content, id_starts, id_sizes, vehicle_classes
        As in ``EventColumns``.
    slots
        int64 array [events], filled from ``begin``.
    begin
        Where to start.

    Returns
    -------
    int
        Events done in all; fewer than given where one more trip, or its ids, would not fit.
    """
    arrays = borrowed_arrays(arrays)
    content, id_starts, id_sizes = borrowed(content), borrowed(id_starts), borrowed(id_sizes)
    partition = arrays.partition[0]
    last_place = np.uint64(arrays.table.size - 1)
    for row in range(begin, slots.size):
        vehicle_start, vehicle_size = id_starts[row, IdPlace.VEHICLE], id_sizes[row, IdPlace.VEHICLE]
        trip_start, trip_size = id_starts[row, IdPlace.TRIP], id_sizes[row, IdPlace.TRIP]
        hashed = (fold_bytes(FNV_OFFSET, content, vehicle_start, vehicle_size) ^ _SEPARATOR) * FNV_PRIME
        hashed = mixed(fold_bytes(hashed, content, trip_start, trip_size))
        place = hashed & last_place
        slot = arrays.table[place]
        while slot != 0:
            known = arrays.identities[slot]
            if (
                known.key == hashed
                and known.trip_size == trip_size
                and known.vehicle_size == vehicle_size
                and same_text(arrays.texts, known.text_start, content, trip_start, trip_size)
                and same_text(arrays.texts, known.text_start + trip_size, content, vehicle_start, vehicle_size)
            ):
                break
            place = (place + np.uint64(1)) & last_place
            slot = arrays.table[place]
        if slot == 0:
            text_size = id_sizes[row].sum()
            if (
                partition.free_slots == 0
                or 2 * partition.trips >= arrays.table.size
                or partition.text_bytes + text_size > arrays.texts.size
            ):
                return row
            partition.free_slots -= 1
            partition.trips += 1
            slot = arrays.free[partition.free_slots]
            arrays.table[place] = slot
            arrays.heads[slot].vehicle_class = vehicle_classes[row]
            identity = arrays.identities[slot]
            identity.key = hashed
            identity.text_start = partition.text_bytes
            identity.trip_size = trip_size
            identity.vehicle_size = vehicle_size
            identity.driver_size = id_sizes[row, IdPlace.DRIVER]
            identity.client_size = id_sizes[row, IdPlace.CLIENT]
            for number in range(id_sizes.shape[1]):
                start = id_starts[row, number]
                for at in range(id_sizes[row, number]):
                    arrays.texts[partition.text_bytes] = content[start + at]
                    partition.text_bytes += 1
        slots[row] = slot
    return slots.size


@kernel
def insert_slots(arrays: StateArrays, slots: Any) -> None:
    """Insert slots into the table by their keys; it must be large enough, and contain none of them."""
    last_place = np.uint64(arrays.table.size - 1)
    for slot in slots:
        place = arrays.identities[slot].key & last_place
        while arrays.table[place] != 0:
            place = (place + np.uint64(1)) & last_place
        arrays.table[place] = slot


@kernel
def remove_slots(arrays: StateArrays, slots: Any) -> None:
    """Remove slots from the table: what follows them is moved up (Knuth 3, 6.4, algorithm R)."""
    last_place = np.uint64(arrays.table.size - 1)
    for slot in slots:
        place = arrays.identities[slot].key & last_place
        while arrays.table[place] != slot:
            place = (place + np.uint64(1)) & last_place
        following = (place + np.uint64(1)) & last_place
        while arrays.table[following] != 0:
            home = arrays.identities[arrays.table[following]].key & last_place
            if (following - home) & last_place >= (following - place) & last_place:
                arrays.table[place] = arrays.table[following]
                place = following
            following = (following + np.uint64(1)) & last_place
        arrays.table[place] = 0


@kernel
def gather_texts(arrays: StateArrays, slots: Any, starts: Any, gathered: Any) -> None:
    """Copy the texts of some slots, each to its place in ``gathered``."""
    for number in range(slots.size):
        identity = arrays.identities[slots[number]]
        size = np.int64(identity.trip_size) + identity.vehicle_size + identity.driver_size + identity.client_size
        for at in range(size):
            gathered[starts[number] + at] = arrays.texts[identity.text_start + at]
