"""Trip states as bytes and back: chunks of a partition's trips, to be stored and restored.

A chunk is a line of JSON, which says what it includes and what it was made with, and an Arrow IPC file with a row a
trip. Each array's rows are stored as they are in memory; the fingerprint of their layout and of the settings keeps
old states from being read as new ones.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import StateError
from scoring.features.compilation import kernel
from scoring.features.pending import insert
from scoring.features.thresholds import KernelParameters
from scoring.features.trip_state import FREE, SAMPLE, StateArrays, TripStates
from scoring.features.update import trip_key

_ID_NAMES: Final = ("trip_id", "vehicle_id", "driver_id", "client_id")
_ROW_ARRAYS: Final = ("heads", "cursors", "hard_events", "windows", "trips")


@dataclass(frozen=True)
class ChunkHeader:
    """What a chunk includes.

    Attributes
    ----------
    fingerprint
        Of the layout and the settings.
    included_offset
        Offset of the last source record that is included; -1 for none.
    clock
        The partition's clock, next sweep and active trips, when the chunk was stored.
    """

    fingerprint: str
    included_offset: int
    clock: tuple[float, float, int]


def fingerprint_of(parameters: KernelParameters) -> str:
    """Give the fingerprint of states that are made with these settings."""
    layout = [TripStates().arrays._asdict()[name].dtype.descr for name in (*_ROW_ARRAYS, "pool")]
    settings = [np.asarray(number).tolist() for number in parameters]
    return hashlib.sha256(repr((layout, settings)).encode()).hexdigest()[:16]


def pack_chunk(states: TripStates, chunk: int, *, included_offset: int, fingerprint: str) -> bytes:
    """Make bytes of the trips of one chunk."""
    slots = np.flatnonzero((states.chunk_of == chunk) & (states.arrays.heads["status"] != FREE))
    ids = [states.ids_of(slot) for slot in slots.tolist()]
    samples, counts = _pending_of(states, slots)
    ends = np.cumsum(counts)
    columns = {
        **{
            name: pl.Series([of_trip[place] for of_trip in ids], dtype=pl.String)
            for place, name in enumerate(_ID_NAMES)
        },
        **{name: _rows_as_bytes(getattr(states.arrays, name)[slots]) for name in _ROW_ARRAYS},
        "pending": pl.Series(
            [samples[end - count : end].tobytes() for end, count in zip(ends, counts, strict=True)], dtype=pl.Binary
        ),
    }
    partition = states.arrays.partition[0]
    header = {
        "fingerprint": fingerprint,
        "included_offset": included_offset,
        "clock": [partition["clock_ms"].item(), partition["next_sweep_ms"].item(), partition["active_trips"].item()],
    }
    packed = io.BytesIO()
    packed.write(json.dumps(header).encode() + b"\n")
    pl.DataFrame(columns).write_ipc(packed, compression="lz4")
    return packed.getvalue()


def read_header(packed: bytes) -> ChunkHeader:
    """Read what a chunk includes.

    Raises
    ------
    StateError
        When the bytes are no chunk.
    """
    try:
        content = json.loads(packed[: packed.index(b"\n")])
        clock_ms, next_sweep_ms, active_trips = content["clock"]
        return ChunkHeader(content["fingerprint"], content["included_offset"], (clock_ms, next_sweep_ms, active_trips))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"a chunk can't be read ({error})",
            remedy="Delete the changelog topic; trips that are open go on from the committed offsets",
        ) from error


def unpack_chunk(states: TripStates, packed: bytes) -> None:
    """Add the trips of a chunk to the states; its fingerprint must be right."""
    frame = pl.read_ipc(io.BytesIO(packed[packed.index(b"\n") + 1 :]))
    clock_ms, next_sweep_ms, active_trips = read_header(packed).clock
    partition = states.arrays.partition[0]
    if clock_ms >= partition["clock_ms"]:
        partition["clock_ms"] = clock_ms
        partition["next_sweep_ms"] = next_sweep_ms
        partition["active_trips"] = active_trips
    for row in frame.iter_rows(named=True):
        ids = tuple(row[name] for name in _ID_NAMES)
        slot = states.add(trip_key(ids[0], ids[1]), ids, 0)
        for name in _ROW_ARRAYS:
            array = getattr(states.arrays, name)
            array[slot] = np.frombuffer(row[name], array.dtype).reshape(array.shape[1:])
        pending = np.frombuffer(row["pending"], SAMPLE)
        states.reserve_samples(len(pending))
        head = states.arrays.heads[slot]
        head["pending_first"] = head["pending_last"] = head["pending_count"] = 0
        _insert_all(states.arrays, slot, pending)


def _rows_as_bytes(rows: NDArray[np.void]) -> pl.Series:
    size = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
    flat = rows.tobytes()
    return pl.Series([flat[start : start + size] for start in range(0, len(flat), size)], dtype=pl.Binary)


def _pending_of(states: TripStates, slots: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """Collect the pending events of trips: all samples, one trip after another, and how many are each trip's."""
    counts = states.arrays.heads["pending_count"][slots]
    samples = np.zeros(int(counts.sum()), SAMPLE)
    _collect(states.arrays, slots, samples)
    return samples, counts


@kernel
def _collect(arrays: StateArrays, slots: Any, samples: Any) -> None:
    count = 0
    for slot in slots:
        index = arrays.heads[slot].pending_first
        while index != 0:
            samples[count] = arrays.pool[index]
            count += 1
            index = arrays.pool[index].following


@kernel
def _insert_all(arrays: StateArrays, slot: int, samples: Any) -> None:
    for sample in samples:
        insert(arrays, slot, sample)
