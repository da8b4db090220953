"""The slot of each event's trip: a hash table over the trips of a partition, and the texts of their ids.

A trip's key is its vehicle and trip id; a trip id need only be unique within its vehicle. The table is open addressing
with linear probing (Knuth, The Art of Computer Programming 3, 6.4, algorithm L), at most half full; a match is always
by the bytes, never by the hash alone. The ids of a trip are adjacent in the texts.

Each driver of a trip has a slot of its own, so that nobody is rated by what another person does. An event without a
driver is of the one who logged in last; until somebody does, the trip has no driver, and it then becomes the trip of
the first one.
"""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import borrowed, inlined_kernel, kernel
from scoring.events.hashing import FNV_OFFSET, FNV_PRIME, fold_bytes, mixed
from scoring.events.ids import IdPlace
from scoring.features.state.arrays import LAST_LOGIN, StateArrays, borrowed_arrays

_SEPARATOR: Final = np.uint64(0x1F)
"""Between vehicle and trip id; no id can contain it."""

_MOST_PARTS: Final = np.iinfo(np.uint8).max
"""Of a trip; further ones have the number of the last."""


@inlined_kernel
def same_text(texts: Any, known: int, content: Any, start: int, size: int) -> bool:
    """Tell whether a text and a part of some content are the same bytes."""
    for at in range(size):  # noqa: SIM110 - kernels have no generators
        if texts[known + at] != content[start + at]:
            return False
    return True


@inlined_kernel
def _is_of_trip(
    arrays: StateArrays, slot: int, hashed: Any, content: Any, trip: tuple[int, int], vehicle: tuple[int, int]
) -> bool:
    """Tell whether a slot is of the trip with these ids, each given by its place in the content and its size."""
    known = arrays.identities[slot]
    return (
        known.key == hashed
        and known.trip_size == trip[1]
        and known.vehicle_size == vehicle[1]
        and same_text(arrays.texts, known.text_start, content, trip[0], trip[1])
        and same_text(arrays.texts, known.text_start + trip[1], content, vehicle[0], vehicle[1])
    )


@inlined_kernel
def _is_of_driver(arrays: StateArrays, slot: int, content: Any, driver_start: int, driver_size: int) -> bool:
    """Tell whether a slot of an event's trip is that of its driver, or, if it has none, of the current one."""
    known = arrays.identities[slot]
    if driver_size == 0:
        return arrays.heads[slot].login & LAST_LOGIN != 0
    start = known.text_start + np.int64(known.trip_size) + np.int64(known.vehicle_size)
    return known.driver_size == driver_size and same_text(arrays.texts, start, content, driver_start, driver_size)


@kernel
def _slot_before(
    arrays: StateArrays, hashed: Any, content: Any, trip: tuple[int, int], vehicle: tuple[int, int]
) -> tuple[Any, Any]:
    """Give the current slot of a trip, and the number of its last part; 0 and 0 if it has none."""
    last_place = np.uint64(arrays.table.size - 1)
    place = hashed & last_place
    current, last_part = np.int64(0), np.int64(0)
    slot = np.int64(arrays.table[place])
    while slot != 0:
        if _is_of_trip(arrays, slot, hashed, content, trip, vehicle):
            head = arrays.heads[slot]
            last_part = max(last_part, np.int64(head.part))
            if head.login & LAST_LOGIN != 0:
                current = slot
        place = (place + np.uint64(1)) & last_place
        slot = np.int64(arrays.table[place])
    return current, last_part


@inlined_kernel
def _write_ids(arrays: StateArrays, slot: int, content: Any, id_starts: Any, id_sizes: Any, row: int) -> None:
    """Write the ids of an event behind all other texts, where they fit, as those of a slot."""
    partition = arrays.partition[0]
    identity = arrays.identities[slot]
    identity.text_start = partition.text_bytes
    identity.trip_size = id_sizes[row, IdPlace.TRIP]
    identity.vehicle_size = id_sizes[row, IdPlace.VEHICLE]
    identity.driver_size = id_sizes[row, IdPlace.DRIVER]
    identity.client_size = id_sizes[row, IdPlace.CLIENT]
    for number in range(id_sizes.shape[1]):
        _append(arrays, content, id_starts[row, number], id_sizes[row, number])


@kernel
def _log_in(arrays: StateArrays, slot: int, content: Any, driver_start: int, driver_size: int) -> bool:
    """Give a slot without a driver one, and write its ids anew behind all other texts; false where they do not fit."""
    partition = arrays.partition[0]
    identity = arrays.identities[slot]
    before = np.int64(identity.trip_size) + np.int64(identity.vehicle_size)
    old_size = before + np.int64(identity.client_size)
    if partition.text_bytes + old_size + driver_size > arrays.texts.size:
        return False
    old_start = np.int64(identity.text_start)
    identity.text_start = partition.text_bytes
    identity.driver_size = driver_size
    partition.idle_text_bytes += old_size
    for at in range(old_size):
        if at == before:
            _append(arrays, content, driver_start, driver_size)
        arrays.texts[partition.text_bytes] = arrays.texts[old_start + at]
        partition.text_bytes += 1
    return True


@inlined_kernel
def _append(arrays: StateArrays, content: Any, start: int, size: int) -> None:
    """Append a part of some content to the texts."""
    partition = arrays.partition[0]
    for at in range(size):
        arrays.texts[partition.text_bytes] = content[start + at]
        partition.text_bytes += 1


@kernel
def find_or_add(
    arrays: StateArrays, content: Any, id_starts: Any, id_sizes: Any, vehicle_classes: Any, slots: Any, begin: int
) -> int:
    """Find the slot of each event's trip and driver; those not seen before get one, with the ids of the event.

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
        vehicle = (id_starts[row, IdPlace.VEHICLE], np.int64(id_sizes[row, IdPlace.VEHICLE]))
        trip = (id_starts[row, IdPlace.TRIP], np.int64(id_sizes[row, IdPlace.TRIP]))
        driver_start, driver_size = id_starts[row, IdPlace.DRIVER], np.int64(id_sizes[row, IdPlace.DRIVER])
        hashed = (fold_bytes(FNV_OFFSET, content, vehicle[0], vehicle[1]) ^ _SEPARATOR) * FNV_PRIME
        hashed = mixed(fold_bytes(hashed, content, trip[0], trip[1]))
        place = hashed & last_place
        slot = np.int64(arrays.table[place])
        while slot != 0:
            if _is_of_trip(arrays, slot, hashed, content, trip, vehicle) and _is_of_driver(
                arrays, slot, content, driver_start, driver_size
            ):
                break
            place = (place + np.uint64(1)) & last_place
            slot = np.int64(arrays.table[place])
        if slot == 0 or arrays.heads[slot].login & LAST_LOGIN == 0:
            text_size = id_sizes[row].sum()
            if (
                partition.free_slots == 0
                or 2 * partition.trips >= arrays.table.size
                or partition.text_bytes + text_size > arrays.texts.size
            ):
                return row
            current, last_part = _slot_before(arrays, hashed, content, trip, vehicle)
            if slot == 0 and current != 0 and arrays.identities[current].driver_size == 0:
                if not _log_in(arrays, current, content, driver_start, driver_size):
                    return row
                slot = current
            else:
                if current != 0:
                    arrays.heads[current].login &= ~LAST_LOGIN
                if slot == 0:
                    partition.free_slots -= 1
                    partition.trips += 1
                    slot = np.int64(arrays.free[partition.free_slots])
                    arrays.table[place] = slot
                    arrays.heads[slot].vehicle_class = vehicle_classes[row]
                    arrays.identities[slot].key = hashed
                    arrays.heads[slot].part = min(last_part + 1, _MOST_PARTS)
                    arrays.heads[slot].login = 0
                    _write_ids(arrays, slot, content, id_starts, id_sizes, row)
                arrays.heads[slot].login |= LAST_LOGIN
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
