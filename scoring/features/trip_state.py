"""What is kept of the open trips of one partition: columns with a slot per trip, updated in place.

A trip's state is its **head** (what it is and which scores it has had), its **cursor** and **hard events** (where the
sums have got to), the sums of its current **window** and of the **trip** before that window, and a list of
**pending** events, those within the grace period, sorted by time, that are not yet in the sums. Zeros everywhere
are a trip that has not begun.
"""

import zlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.features.aggregates import AGGREGATES
from scoring.features.hard_events import HARD_EVENT

FREE: Final = 0
OPEN: Final = 1
FINAL: Final = 2

SCRATCH: Final = np.int64(0)
MERGED: Final = 1
EMPTY: Final = 2
FIRST_SLOT: Final = 3
"""Rows before it are no trips: two for what-if sums, and one that stays zero.

`SCRATCH` is typed, as numba compiles a kernel once more for each plain number that is handed to it.
"""

HEAD: Final = np.dtype(
    [
        ("first_ms", np.int64),
        ("newest_ms", np.int64),
        ("folded_ms", np.int64),  # time of the last event in the sums
        ("live_end_ms", np.int64),  # end of the newest window that has an event
        ("scored_end_ms", np.int64),  # end of the newest window that was scored
        ("dirty_end_ms", np.int64),  # end of a scored window that an event has changed since; 0 for none
        ("seen_ms", np.float64),  # the partition's clock at the last event
        ("ahead_ms", np.float64),  # how far the trip has run ahead of that clock
        ("event_count", np.int32),
        ("late_event_count", np.int32),
        ("revision", np.int32),
        ("window_revision", np.int32),  # how often the live window has been scored
        ("dirty_revision", np.int32),
        ("pending_first", np.int32),
        ("pending_last", np.int32),
        ("pending_count", np.int32),
        ("latitude", np.float32),
        ("longitude", np.float32),
        ("status", np.int8),
        ("vehicle_class", np.int8),
        ("changed", np.int8),  # whether a final trip has changed since it was scored
        ("high_risk", np.int8),  # whether the last score of the trip was in the high-risk band
    ],
    align=True,
)

CURSOR: Final = np.dtype(
    [
        ("window_end_ms", np.int64),
        ("sample_ms", np.int64),  # time of the last sample; 0 for none
        ("speed_ms", np.int64),  # time of the last sample with a speed; 0 for none
        ("tick_0_ms", np.int64),
        ("tick_1_ms", np.int64),
        ("tick_2_ms", np.int64),
        ("acceleration_ms", np.int64),
        ("phone_from_ms", np.int64),
        ("phone_until_ms", np.int64),
        ("speeding_from_ms", np.int64),
        ("speeding_until_ms", np.int64),
        ("acceleration_sum", np.float64),
        ("lateral_sum", np.float64),
        ("acceleration_mps2", np.float64),
        ("speed_kmh", np.float64),
        ("tick_0_kmh", np.float64),
        ("tick_1_kmh", np.float64),
        ("tick_2_kmh", np.float64),
        ("tick_0_deg", np.float64),
        ("tick_1_deg", np.float64),
        ("tick_2_deg", np.float64),
        ("phone_earlier_ms", np.int32),  # of reports that ended since the last sample with a speed
        ("speeding_earlier_ms", np.int32),
        ("standstill_ms", np.int32),
        ("acceleration_values", np.int32),
        ("lateral_values", np.int32),
        ("acceleration_rated", np.int8),
        ("standstill_counted", np.int8),
    ],
    align=True,
)

SAMPLE: Final = np.dtype(
    [
        ("timestamp_ms", np.int64),
        ("event_hash", np.uint64),  # of event_id; 0 for none
        ("following", np.int32),
        ("preceding", np.int32),
        ("duration_ms", np.int32),
        ("speed_kmh", np.float32),
        ("acceleration_mps2", np.float32),
        ("lateral_acceleration_mps2", np.float32),
        ("heading_deg", np.float32),
        ("speed_limit_kmh", np.float32),
        ("peak_mps2", np.float32),
        ("utc_offset_min", np.int16),
        ("event_type", np.int8),
    ],
    align=True,
)
"""One pending event; measurements are NaN when unknown. Row 0 of the pool is none."""

PARTITION: Final = np.dtype(
    [
        ("clock_ms", np.float64),
        ("next_sweep_ms", np.float64),
        ("active_trips", np.int64),
        ("free_sample", np.int64),
        ("free_samples", np.int64),
        ("duplicate_count", np.int64),
        ("late_count", np.int64),
        ("evicted_count", np.int64),
        ("sweep_slot", np.int64),  # where a paused sweep goes on; 0 for none
    ],
    align=True,
)
"""What the trips of a partition share: its clock, the free list of the pool, and counts since the start."""


class StateArrays(NamedTuple):
    """The arrays that kernels update in place; a slot is a row of each but the last two."""

    heads: NDArray[np.void]
    cursors: NDArray[np.void]
    hard_events: NDArray[np.void]
    windows: NDArray[np.void]
    trips: NDArray[np.void]
    pool: NDArray[np.void]
    partition: NDArray[np.void]


_GROWTH: Final = 1.5
"""Growing by half keeps the copying per trip constant and wastes a third at most."""


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
            pool=np.zeros(1, SAMPLE),
            partition=np.zeros(1, PARTITION),
        )
        self.arrays.partition["active_trips"] = 1
        self.chunk_of = np.zeros(rows, np.int32)
        self.changed_chunks = np.zeros(chunk_count, np.bool_)
        self._slot_of: dict[str, int] = {}
        self._ids: list[tuple[str, str, str, str] | None] = [None] * rows
        self._free = list(range(rows - 1, FIRST_SLOT - 1, -1))

    def __len__(self) -> int:
        return len(self._slot_of)

    @property
    def duplicate_count(self) -> int:
        """Events that were there already, since the start."""
        return int(self.arrays.partition["duplicate_count"][0])

    @property
    def late_count(self) -> int:
        """Events that came after the grace period, since the start."""
        return int(self.arrays.partition["late_count"][0])

    @property
    def slots(self) -> dict[str, int]:
        """Slot of each trip, by its key: vehicle and trip id."""
        return self._slot_of

    def ids_of(self, slot: int) -> tuple[str, str, str, str]:
        """Trip, vehicle, driver and client id of a slot."""
        ids = self._ids[slot]
        if ids is None:
            raise KeyError(slot)
        return ids

    def add(self, key: str, ids: tuple[str, str, str, str], vehicle_class: int) -> int:
        """Give a trip a slot; its state is zeros."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._slot_of[key] = slot
        self._ids[slot] = ids
        self.chunk_of[slot] = self.chunk_of_key(key)
        self.arrays.heads[slot]["vehicle_class"] = vehicle_class
        return slot

    def forget_evicted(self) -> None:
        """Give back the slots of the trips that the kernels have evicted."""
        if self.arrays.partition["evicted_count"][0] == 0:
            return
        self.arrays.partition["evicted_count"] = 0
        status = self.arrays.heads["status"]
        for key in [key for key, slot in self._slot_of.items() if status[slot] == FREE]:
            slot = self._slot_of.pop(key)
            self.changed_chunks[self.chunk_of[slot]] = True
            self._ids[slot] = None
            self._free.append(slot)

    def keep_for_ever(self) -> None:
        """Close and evict no trip for its silence: for files, which have an end."""
        self.arrays.partition["next_sweep_ms"] = np.inf

    def chunk_of_key(self, key: str) -> int:
        """Give the chunk that a trip is stored in."""
        return zlib.crc32(key.encode()) % len(self.changed_chunks)

    def mark_changed(self, slots: NDArray[np.integer]) -> None:
        """Note that these trips have changed since their chunks were stored."""
        self.changed_chunks[self.chunk_of[slots]] = True

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
        for name in ("heads", "cursors", "hard_events", "windows", "trips"):
            old = getattr(self.arrays, name)
            grown[name] = np.zeros((rows, *old.shape[1:]), old.dtype)
            grown[name][:used] = old
        self.arrays = self.arrays._replace(**grown)
        self.chunk_of = np.concatenate([self.chunk_of, np.zeros(rows - used, np.int32)])
        self._ids.extend([None] * (rows - used))
        self._free = list(range(rows - 1, used - 1, -1))
