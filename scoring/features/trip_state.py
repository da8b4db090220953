"""What is kept of the open trips of one partition: columns with a slot per trip, updated in place.

A trip's state is its **head** (what it is and which scores it has had), its **cursor** and **hard events** (where the
sums have got to), the sums of its current **window** and of the **trip** before that window, and a list of
**pending** events, those within the grace period, sorted by time, that are not yet in the sums. Zeros everywhere
are a trip that has not begun. Beside it stand the trip's ids, and where to find it by them (``trip_lookup``).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import ID_COLUMNS
from schemas.trip_event import MAX_ID_BYTES
from scoring.features.aggregates import AGGREGATES
from scoring.features.hard_events import HARD_EVENT
from scoring.features.state_arrays import (
    CURSOR,
    FIRST_SLOT,
    FREE,
    HEAD,
    PARTITION,
    ROW_ARRAYS,
    SAMPLE,
    StateArrays,
)
from scoring.features.trip_lookup import enter

_GROWTH: Final = 1.5
"""Growing by half keeps the copying per trip constant and wastes a third at most."""

_LEAST_TABLE: Final = 1024


class TripStates:
    """The open trips of one partition.

    Parameters
    ----------
    capacity
        Trips to make room for at first; it grows as needed.
    chunk_count
        Parts that the states are stored in; a trip is always in the same one, by a hash of its key.
    """

    def __init__(self, capacity: int = 64, *, chunk_count: int = 1) -> None:
        rows = FIRST_SLOT + capacity
        self.arrays = StateArrays(
            heads=np.zeros(rows, HEAD),
            cursors=np.zeros(rows, CURSOR),
            hard_events=np.zeros((rows, 3), HARD_EVENT),
            windows=np.zeros(rows, AGGREGATES),
            trips=np.zeros(rows, AGGREGATES),
            ids=np.zeros((rows, len(ID_COLUMNS), MAX_ID_BYTES), np.uint8),
            keys=np.zeros(rows, np.uint64),
            pool=np.zeros(1, SAMPLE),
            table=np.zeros(_LEAST_TABLE, np.int32),
            free=np.arange(rows - 1, FIRST_SLOT - 1, -1, dtype=np.int32),
            partition=np.zeros(1, PARTITION),
        )
        self.arrays.partition["active_trips"] = 1
        self.arrays.partition["free_slots"] = capacity
        self.changed_chunks = np.zeros(chunk_count, np.bool_)

    def __len__(self) -> int:
        return int(self.arrays.partition["trips"][0])

    @property
    def duplicate_count(self) -> int:
        """Events that were there already, since the start."""
        return int(self.arrays.partition["duplicate_count"][0])

    @property
    def late_count(self) -> int:
        """Events that came after the grace period, since the start."""
        return int(self.arrays.partition["late_count"][0])

    def slots(self) -> NDArray[np.int64]:
        """Give the slots that have a trip."""
        return np.flatnonzero(self.arrays.ids[:, 0, 0])

    def ids_of(self, slots: NDArray[np.integer]) -> list[tuple[str, ...]]:
        """Give trip, vehicle, driver and client id of each slot."""
        texts = self.arrays.ids[slots].view(f"S{MAX_ID_BYTES}")[..., 0]
        return [tuple(text.decode() for text in of_trip) for of_trip in texts.tolist()]

    def chunks_of(self, slots: NDArray[np.integer]) -> NDArray[np.int64]:
        """Give the chunk that each slot's trip is stored in."""
        return (self.arrays.keys[slots] % np.uint64(len(self.changed_chunks))).astype(np.int64)

    def slots_by_chunk(self) -> list[NDArray[np.int64]]:
        """Give the slots of each chunk's trips, those left out that are evicted."""
        slots = self.slots()
        slots = slots[self.arrays.heads["status"][slots] != FREE]
        chunks = self.chunks_of(slots)
        ends = np.cumsum(np.bincount(chunks, minlength=len(self.changed_chunks)))
        return np.split(slots[np.argsort(chunks, kind="stable")], ends[:-1])

    def mark_changed(self, slots: NDArray[np.integer]) -> None:
        """Note that these trips have changed since their chunks were stored."""
        self.changed_chunks[self.chunks_of(slots)] = True

    def make_room(self) -> None:
        """Make room for more trips: slots, and a table that stays at most half full."""
        partition = self.arrays.partition[0]
        if partition["free_slots"] == 0:
            self._grow()
        if 2 * partition["trips"] >= len(self.arrays.table):
            self.enter_all()

    def take_slots(self, count: int) -> NDArray[np.int32]:
        """Give free slots to trips whose rows the caller writes, and then enters with `enter_all`."""
        partition = self.arrays.partition[0]
        while partition["free_slots"] < count:
            self._grow()
        partition["free_slots"] -= count
        partition["trips"] += count
        used = int(partition["free_slots"])
        return self.arrays.free[used : used + count].copy()

    def enter_all(self) -> None:
        """Make the table anew."""
        size = len(self.arrays.table)
        while 2 * len(self) >= size:
            size *= 2
        self.arrays = self.arrays._replace(table=np.zeros(size, np.int32))
        enter(self.arrays, self.slots())

    def forget_evicted(self) -> None:
        """Give back the slots of the trips that the kernels have evicted."""
        partition = self.arrays.partition[0]
        if partition["evicted_count"] == 0:
            return
        partition["evicted_count"] = 0
        slots = self.slots()
        evicted = slots[self.arrays.heads["status"][slots] == FREE]
        self.mark_changed(evicted)
        self.arrays.ids[evicted] = 0
        self.arrays.heads["high_risk"][evicted] = 0  # set again by the scores of what was due last
        free = int(partition["free_slots"])
        self.arrays.free[free : free + len(evicted)] = evicted
        partition["free_slots"] += len(evicted)
        partition["trips"] -= len(evicted)
        self.enter_all()

    def keep_for_ever(self) -> None:
        """Close and evict no trip for its silence: for files, which have an end."""
        self.arrays.partition["next_sweep_ms"] = np.inf

    def reserve_samples(self, count: int) -> None:
        """Make room for this many more pending events."""
        partition = self.arrays.partition[0]
        if partition["free_samples"] >= count:
            return
        used = len(self.arrays.pool)
        size = max(int(used * _GROWTH), used + count)
        pool = np.zeros(size, SAMPLE)
        pool[:used] = self.arrays.pool
        pool["following"][used:] = np.arange(used + 1, size + 1)
        pool["following"][-1] = partition["free_sample"]
        partition["free_sample"] = used
        partition["free_samples"] += size - used
        self.arrays = self.arrays._replace(pool=pool)

    def _grow(self) -> None:
        used = len(self.arrays.heads)
        rows = int(used * _GROWTH) + 64
        grown = {}
        for name in ROW_ARRAYS:
            old = getattr(self.arrays, name)
            grown[name] = np.zeros((rows, *old.shape[1:]), old.dtype)
            grown[name][:used] = old
        free = np.zeros(rows, np.int32)
        count = int(self.arrays.partition["free_slots"][0])
        free[: rows - used] = np.arange(rows - 1, used - 1, -1)
        free[rows - used : rows - used + count] = self.arrays.free[:count]
        self.arrays.partition["free_slots"] += rows - used
        self.arrays = self.arrays._replace(free=free, **grown)
