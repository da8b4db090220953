"""What is kept of the open trips of one partition: columns with a slot per trip, updated in place.

A trip's state is its **head** (what it is and which scores it has had), its **cursor** and **hard events** (where the
sums have got to), the sums of its current **window** and of the **trip** before that window, and a list of
**pending** events, those within the grace period, sorted by time, that are not yet in the sums. Zeros everywhere
are a trip that has not begun. A trip is found by its ids (``lookup``).
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import ID_COLUMNS
from schemas.messages.trip_event import MAX_ID_BYTES
from scoring.errors import StateError
from scoring.events.ids import decode_ids
from scoring.events.sample import SAMPLE
from scoring.features.aggregation.aggregates import AGGREGATES, WINDOW_AGGREGATES
from scoring.features.aggregation.hard_events import HARD_EVENT
from scoring.features.aggregation.sensor_check import SENSOR_CHECK, Sensor
from scoring.features.state.arrays import (
    CURSOR,
    FIRST_SLOT,
    HEAD,
    IDENTITY,
    PARTITION,
    ROW_ARRAYS,
    StateArrays,
    TripStatus,
)
from scoring.features.state.device_faults import DeviceFault
from scoring.features.state.lookup import gather_texts, insert_slots, remove_slots
from scoring.features.state.vehicles import insert_vehicles, remove_vehicles, restore_lists

_GROWTH: Final = 1 + 1 / 32
"""Growth is small, as little memory is then unused, and cheap, as the C library moves the pages of a large array."""

_LEAST_TABLE: Final = 1024

EvictionCause = Literal["vehicle", "partition"]
"""Whose trips were more than the maximum."""

_LONGEST_TEXTS: Final = len(ID_COLUMNS) * MAX_ID_BYTES
"""Of one trip."""

_MOST_TEXTS: Final = np.iinfo(IDENTITY["text_start"]).max
"""Of all trips, in bytes: some forty million trips."""


@dataclass(frozen=True)
class LateTrip:
    """A trip with a final score that misses events, as they came late.

    Attributes
    ----------
    ids
        As they are in events, in the order of `ID_COLUMNS`; the driver's is empty where none is known.
    first_offset, last_offset
        Of the events, in the partition's log, that its corrected score is computed from.
    revision
        Of that score.
    lost_event_count
        Events that are missing for another reason.
    part
        Which driver of the trip: `HEAD`.
    """

    ids: tuple[str, ...]
    first_offset: int
    last_offset: int
    revision: int
    lost_event_count: int = 0
    part: int = 1

    @property
    def key(self) -> tuple[tuple[str, ...], int]:
        """What tells it from others, also from an earlier trip with the same ids."""
        return self.ids, self.first_offset


class TripStates:
    """The open trips of one partition.

    Parameters
    ----------
    capacity
        Trips to reserve memory for at first; it grows as needed.
    chunk_count
        Parts that the states are stored in; a trip is always in the same one, by a hash of its key.
    """

    def __init__(self, capacity: int = 64, *, chunk_count: int = 1) -> None:
        rows = FIRST_SLOT + capacity
        self.arrays = StateArrays(
            heads=np.zeros(rows, HEAD),
            cursors=np.zeros(rows, CURSOR),
            hard_events=np.zeros((rows, 3), HARD_EVENT),
            sensor_checks=np.zeros((rows, len(Sensor)), SENSOR_CHECK),
            windows=np.zeros(rows, WINDOW_AGGREGATES),
            trips=np.zeros(rows, AGGREGATES),
            identities=np.zeros(rows, IDENTITY),
            texts=np.zeros(_LONGEST_TEXTS, np.uint8),
            pool=np.zeros(1, SAMPLE),
            table=np.zeros(_LEAST_TABLE, np.int32),
            vehicles=np.zeros(_LEAST_TABLE, np.int32),
            free=np.arange(rows - 1, FIRST_SLOT - 1, -1, dtype=np.int32),
            changed_chunks=np.zeros(chunk_count, np.bool_),
            partition=np.zeros(1, PARTITION),
        )
        self.arrays.partition["free_slots"] = capacity
        self.arrays.partition["free_sample"] = len(self.arrays.pool)
        self.first_revision = 0
        """Revision of the first score of each trip and window: more than 0 where records are scored again."""
        self.late_trips: dict[tuple[tuple[str, ...], int], LateTrip] = {}
        """Trips to be computed again, by their keys; the oldest ones first."""

    def __len__(self) -> int:
        return int(self.arrays.partition["trips"][0])

    @property
    def duplicate_count(self) -> int:
        """Events that were there already, since the start."""
        return int(self.arrays.partition["duplicate_count"][0])

    @property
    def fault_counts(self) -> dict[DeviceFault, int]:
        """Faults of devices since the start, by kind: events, but for the last four, which count final scores."""
        partition = self.arrays.partition[0]
        return {fault: int(partition[f"{fault}_count"]) for fault in get_args(DeviceFault)}

    @property
    def late_count(self) -> int:
        """Events that came after the grace period, since the start."""
        return int(self.arrays.partition["late_count"][0])

    @property
    def eviction_counts(self) -> dict[EvictionCause, int]:
        """Trips evicted since the start because a maximum was exceeded, by which one."""
        partition = self.arrays.partition[0]
        return {"vehicle": int(partition["vehicle_evictions"]), "partition": int(partition["partition_evictions"])}

    @property
    def changed_chunks(self) -> NDArray[np.bool_]:
        """Which chunks have changed since they were stored."""
        return self.arrays.changed_chunks

    @property
    def nbytes(self) -> int:
        """Size of a copy, in bytes."""
        return sum(_padded(array.nbytes) for array in self.arrays)

    def copy(self, buffer: NDArray[np.uint8]) -> "TripStates":
        """Copy everything into a buffer of ``nbytes`` or more; the copy is valid until the buffer is used again."""
        arrays, end = {}, 0
        for name, array in self.arrays._asdict().items():
            part = buffer[end : end + array.nbytes]
            part[:] = array.view(np.uint8).reshape(-1)  # NumPy copies structured rows by the field
            arrays[name] = part.view(array.dtype).reshape(array.shape)
            end += _padded(array.nbytes)
        copied = copy.copy(self)
        copied.arrays = StateArrays(**arrays)
        return copied

    def expect_cut_trips(self, for_ms: float) -> None:
        """Count an event as missing of each trip that begins within a time on the clock, unless by its ``trip_start``.

        For states that begin in the middle of a log: a trip that was under way goes on, as if it began.
        """
        partition = self.arrays.partition
        partition["cut_until_ms"] = partition["clock_ms"] + for_ms

    def slots(self) -> NDArray[np.int64]:
        """Give the slots that have a trip."""
        return np.flatnonzero(self.arrays.identities["trip_size"])

    def ids_of(self, slots: NDArray[np.integer]) -> list[tuple[str, ...]]:
        """Give trip, vehicle, driver and client id of each slot."""
        return decode_ids(self.texts_of(slots), self.id_sizes(slots))

    def texts_of(self, slots: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Give the ids of these slots, concatenated."""
        sizes = self.text_sizes(slots)
        ends = np.cumsum(sizes)
        gathered = np.zeros(sizes.sum(), np.uint8)
        gather_texts(self.arrays, slots, ends - sizes, gathered)
        return gathered

    def text_sizes(self, slots: NDArray[np.integer]) -> NDArray[np.int64]:
        """Give how many bytes the ids of each slot have together."""
        sizes: NDArray[np.int64] = self.id_sizes(slots).sum(axis=1)
        return sizes

    def write_texts(self, slots: NDArray[np.integer], texts: NDArray[np.uint8]) -> int:
        """Write the ids of slots whose identities have their sizes; give how many bytes of ``texts`` were used."""
        sizes = self.text_sizes(slots)
        size = int(sizes.sum())
        self._reserve_texts(size)
        used = int(self.arrays.partition["text_bytes"][0])
        self.arrays.texts[used : used + size] = texts[:size]
        self.arrays.identities["text_start"][slots] = used + np.cumsum(sizes) - sizes
        self.arrays.partition["text_bytes"] += size
        return size

    def chunks_of(self, slots: NDArray[np.integer]) -> NDArray[np.int64]:
        """Give the chunk that each slot's trip is stored in."""
        return (self.arrays.identities["key"][slots] % np.uint64(len(self.changed_chunks))).astype(np.int64)

    def slots_by_chunk(self) -> list[NDArray[np.int64]]:
        """Give the slots of each chunk's trips, without those that are evicted."""
        slots = self.slots()
        slots = slots[self.arrays.heads["status"][slots] != TripStatus.FREE]
        chunks = self.chunks_of(slots)
        ends = np.cumsum(np.bincount(chunks, minlength=len(self.changed_chunks)))
        return np.split(slots[np.argsort(chunks, kind="stable")], ends[:-1])

    def enter_high_risk(
        self, slots: NDArray[np.integer], is_first_score: NDArray[np.bool_], is_high_risk: Sequence[bool | None]
    ) -> list[bool]:
        """Record which trips are in the high-risk band, and give which rows took their trip into it.

        Each emitted row must come here once, in the order of emission. The states may have been updated meanwhile: a
        trip that is evicted leaves its slot as it was, and the first score of the next trip there resets it.

        Parameters
        ----------
        slots
            Of the emitted rows.
        is_first_score
            Whether the row is the first score of its trip.
        is_high_risk
            Whether the row is a trip in the high-risk band; null, as of a trip without a score, changes nothing.
        """
        in_high_risk = self.arrays.heads["high_risk"]
        entered = []
        for slot, is_first, is_high in zip(slots.tolist(), is_first_score.tolist(), is_high_risk, strict=True):
            if is_first:
                in_high_risk[slot] = 0
            entered.append(bool(is_high) and in_high_risk[slot] == 0)
            if is_high is not None:
                in_high_risk[slot] = is_high
        return entered

    def mark_changed(self, slots: NDArray[np.integer]) -> None:
        """Note that these trips have changed since their chunks were stored."""
        self.changed_chunks[self.chunks_of(slots)] = True

    def reserve_trip(self) -> None:
        """Reserve memory for one more trip at least: slots, texts, and a table that stays at most half full.

        Raises
        ------
        StateError
            When there are too many.
        """
        partition = self.arrays.partition[0]
        if partition["free_slots"] == 0:
            self._grow()
        self._reserve_texts(_LONGEST_TEXTS)
        if 2 * partition["trips"] >= len(self.arrays.table):
            self._enlarge_tables()

    def allocate_slots(self, count: int) -> NDArray[np.int64]:
        """Give free slots for trips whose rows the caller writes, before it calls `insert`."""
        partition = self.arrays.partition[0]
        while partition["free_slots"] < count:
            self._grow()
        partition["free_slots"] -= count
        partition["trips"] += count
        used = int(partition["free_slots"])
        if 2 * partition["trips"] >= len(self.arrays.table):
            self._enlarge_tables()
        return self.arrays.free[used : used + count].astype(np.int64)

    def insert(self, slots: NDArray[np.integer]) -> None:
        """Let trips be found whose rows were written to allocated slots."""
        insert_slots(self.arrays, slots)
        restore_lists(self.arrays, slots)
        self.arrays.partition["kept_trips"] += len(slots)

    def release_evicted(self) -> None:
        """Release the slots of the trips that the kernels have evicted."""
        partition = self.arrays.partition[0]
        count = int(partition["evicted_count"])
        if count == 0:
            return
        partition["evicted_count"] = 0
        evicted = self.arrays.free[-count:].copy()
        self.arrays.heads["evicted"][evicted] = 0
        evicted = evicted[self.arrays.heads["status"][evicted] == TripStatus.FREE]  # others have begun again since
        self.mark_changed(evicted)
        partition["idle_text_bytes"] += self.text_sizes(evicted).sum()
        remove_slots(self.arrays, evicted)
        remove_vehicles(self.arrays, evicted)
        self.arrays.identities[evicted] = np.zeros(1, IDENTITY)
        free = int(partition["free_slots"])
        self.arrays.free[free : free + len(evicted)] = evicted
        partition["free_slots"] += len(evicted)
        partition["trips"] -= len(evicted)
        if 2 * partition["idle_text_bytes"] > partition["text_bytes"]:
            self._compact_texts()

    def note_late_trips(self, rows: NDArray[np.void]) -> None:
        """Note the trips of emitted rows that are to be computed again; their slots are still theirs."""
        late = rows[(rows["final"] == 1) & (rows["first_offset"] >= 0)]
        parts = self.arrays.heads["part"][late["slot"]].tolist()
        self.expect_late_trips(
            LateTrip(
                ids, int(row["first_offset"]), int(row["last_offset"]), int(row["revision"]) + 1, int(row["cut"]), part
            )
            for ids, row, part in zip(self.ids_of(late["slot"]), late, parts, strict=True)
        )

    def expect_late_trips(self, trips: Iterable[LateTrip]) -> None:
        """Note trips that are to be computed again."""
        self.late_trips |= {trip.key: trip for trip in trips}

    def find(self, key: int, part: int) -> int | None:
        """Find the slot of a driver's part of a trip by its key; null where it is not kept."""
        identities, heads = self.arrays.identities, self.arrays.heads
        is_it = (identities["key"] == np.uint64(key)) & (heads["part"] == part) & (identities["trip_size"] > 0)
        found = np.flatnonzero(is_it)
        return int(found[0]) if len(found) > 0 else None

    def disable_expiry(self) -> None:
        """Close and evict no trip for its silence: for files, which have an end."""
        self.arrays.partition["next_sweep_ms"] = np.inf

    def reserve_samples(self, count: int) -> None:
        """Reserve memory for this many more pending events."""
        partition = self.arrays.partition[0]
        if partition["free_samples"] >= count:
            return
        used = len(self.arrays.pool)
        size = max(int(used * _GROWTH), used + count)
        _lengthen(self.arrays.pool, size)
        partition["free_samples"] += size - used

    def id_sizes(self, slots: NDArray[np.integer]) -> NDArray[np.int64]:
        """Give the sizes of the ids of each slot, shape (slots, 4)."""
        identities = self.arrays.identities[slots]
        return np.column_stack([identities[f"{name.removesuffix('_id')}_size"] for name in ID_COLUMNS]).astype(np.int64)

    def _reserve_texts(self, size: int) -> None:
        needed = int(self.arrays.partition["text_bytes"][0]) + size
        if needed > _MOST_TEXTS:
            raise StateError(
                f"the ids of a partition's {len(self)} trips take more than {_MOST_TEXTS} bytes",
                remedy="Spread the vehicles over more partitions",
            )
        if needed > len(self.arrays.texts):
            _lengthen(self.arrays.texts, min(int(needed * _GROWTH), _MOST_TEXTS))

    def _compact_texts(self) -> None:
        """Remove the texts of released trips."""
        slots = self.slots()
        texts = self.texts_of(slots)
        self.arrays.partition["text_bytes"] = 0
        self.arrays.partition["idle_text_bytes"] = 0
        self.write_texts(slots, texts)

    def _enlarge_tables(self) -> None:
        """Make both tables again, larger."""
        size = len(self.arrays.table)
        while 2 * len(self) >= size:
            size *= 2
        self.arrays = self.arrays._replace(table=np.zeros(size, np.int32), vehicles=np.zeros(size, np.int32))
        slots = self.slots()
        insert_slots(self.arrays, slots)
        insert_vehicles(self.arrays, slots)

    def _grow(self) -> None:
        used = len(self.arrays.heads)
        rows = int(used * _GROWTH) + 64
        for name in ROW_ARRAYS:
            _lengthen(getattr(self.arrays, name), rows)
        free = np.zeros(rows, np.int32)
        count = int(self.arrays.partition["free_slots"][0])
        free[: rows - used] = np.arange(rows - 1, used - 1, -1)
        free[rows - used : rows - used + count] = self.arrays.free[:count]
        evicted = int(self.arrays.partition["evicted_count"][0])
        free[rows - evicted :] = self.arrays.free[used - evicted :]
        self.arrays.partition["free_slots"] += rows - used
        self.arrays = self.arrays._replace(free=free)


def _lengthen(array: NDArray[Any], rows: int) -> None:
    """Add rows of zeros to an array in place; views of it become invalid."""
    array.resize((rows, *array.shape[1:]), refcheck=False)


def _padded(size: int) -> int:
    """Round up to where an array of any type may begin."""
    return -(-size // 8) * 8
