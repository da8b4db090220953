"""The trips of a vehicle: a list of those in the states, the one with the newest event first.

The lists are linked by slots in the heads of the trips (``newer``, ``older``); 0 is the end of a list. The first trip
of each is found in a hash table (``StateArrays.vehicles``) by the vehicle's id: open addressing with linear probing, as
in ``lookup``. Both are made again when states are restored, by the numbers of the trips' last events.
"""

from typing import Any

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel
from scoring.events.hashing import hash_text
from scoring.features.state.arrays import StateArrays, TripStatus
from scoring.features.state.lookup import same_text


@inlined_kernel
def _home_of(arrays: StateArrays, slot: int) -> Any:
    """Give the place in the table that the hash of the trip's vehicle has."""
    identity = arrays.identities[slot]
    start = np.int64(identity.text_start) + np.int64(identity.trip_size)
    return hash_text(arrays.texts, start, np.int64(identity.vehicle_size)) & np.uint64(arrays.vehicles.size - 1)


@kernel
def _place_of(arrays: StateArrays, slot: int) -> Any:
    """Find the place in the table of the trip's vehicle, or the free one where it would be."""
    own = arrays.identities[slot]
    own_start = np.int64(own.text_start) + np.int64(own.trip_size)
    own_size = np.int64(own.vehicle_size)
    last_place = np.uint64(arrays.vehicles.size - 1)
    place = _home_of(arrays, slot)
    first = arrays.vehicles[place]
    while first != 0:
        known = arrays.identities[first]
        known_start = np.int64(known.text_start) + np.int64(known.trip_size)
        if np.int64(known.vehicle_size) == own_size and same_text(
            arrays.texts, known_start, arrays.texts, own_start, own_size
        ):
            break
        place = (place + np.uint64(1)) & last_place
        first = arrays.vehicles[place]
    return place


@kernel
def join_vehicle(arrays: StateArrays, slot: int) -> None:
    """Put a trip that is about to begin first in its vehicle's list."""
    place = _place_of(arrays, slot)
    first = arrays.vehicles[place]
    head = arrays.heads[slot]
    head.newer = 0
    head.older = 0
    # An evicted trip that was the last of its vehicle, maybe this one, stays in the table until it is released.
    if first != 0 and arrays.heads[first].status != TripStatus.FREE:
        head.older = first
        arrays.heads[first].newer = slot
    arrays.vehicles[place] = slot


@kernel
def move_to_front(arrays: StateArrays, slot: int) -> None:
    """Put a trip that is not first in its vehicle's list first, as it has the newest event."""
    head = arrays.heads[slot]
    arrays.heads[head.newer].older = head.older
    if head.older != 0:
        arrays.heads[head.older].newer = head.newer
    place = _place_of(arrays, slot)
    first = arrays.vehicles[place]
    arrays.heads[first].newer = slot
    head.older = first
    head.newer = 0
    arrays.vehicles[place] = slot


@kernel
def leave_vehicle(arrays: StateArrays, slot: int) -> None:
    """Take a trip that is evicted out of its vehicle's list."""
    head = arrays.heads[slot]
    if head.older != 0:
        arrays.heads[head.older].newer = head.newer
    if head.newer != 0:
        arrays.heads[head.newer].older = head.older
    elif head.older != 0:
        arrays.vehicles[_place_of(arrays, slot)] = head.older


@kernel
def restore_lists(arrays: StateArrays, slots: Any) -> None:
    """Put restored trips into the lists of their vehicles, each before those whose last event was earlier."""
    for slot in slots:
        head = arrays.heads[slot]
        place = _place_of(arrays, slot)
        newer = np.int32(0)
        older = arrays.vehicles[place]
        while older != 0 and arrays.heads[older].last_event > head.last_event:
            newer = older
            older = arrays.heads[older].older
        head.newer = newer
        head.older = older
        if older != 0:
            arrays.heads[older].newer = slot
        if newer != 0:
            arrays.heads[newer].older = slot
        else:
            arrays.vehicles[place] = slot


@kernel
def insert_vehicles(arrays: StateArrays, slots: Any) -> None:
    """Insert the vehicles of these trips into the table; it must contain none of them."""
    for slot in slots:
        head = arrays.heads[slot]
        if head.status != TripStatus.FREE and head.newer == 0:
            arrays.vehicles[_place_of(arrays, slot)] = slot


@kernel
def remove_vehicles(arrays: StateArrays, slots: Any) -> None:
    """Remove the vehicles from the table whose last trip is one of these, which were evicted."""
    last_place = np.uint64(arrays.vehicles.size - 1)
    for slot in slots:
        place = _place_of(arrays, slot)
        if arrays.vehicles[place] != slot:
            continue
        following = (place + np.uint64(1)) & last_place
        while arrays.vehicles[following] != 0:
            home = _home_of(arrays, arrays.vehicles[following])
            if (following - home) & last_place >= (following - place) & last_place:
                arrays.vehicles[place] = arrays.vehicles[following]
                place = following
            following = (following + np.uint64(1)) & last_place
        arrays.vehicles[place] = 0
