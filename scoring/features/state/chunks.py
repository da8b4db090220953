"""Trip states as bytes and back: chunks of a partition's trips, to be stored and restored.

A chunk is a header, one line of JSON, and a compressed body: the rows of its trips, array after array, the first byte
of all rows first, the texts of their ids, and their pending events. The header's fingerprint of layout and settings
keeps old states from being read as new ones. (An Arrow IPC file with a row per trip took six times as long to write:
half of a worker's time with 100,000 open trips.)
"""

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from scoring.errors import StateError
from scoring.events.compilation import kernel
from scoring.events.sample import SAMPLE
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import ROW_ARRAYS, StateArrays
from scoring.features.state.pending import insert
from scoring.features.state.trip_states import TripStates

_CLOCK: Final = (
    "clock_ms",
    "next_sweep_ms",
    "active_trips",
    "mover_ms",
    "epoch_ms",
    "epoch_votes",
    "event_number",
    "cut_until_ms",
)

_PLACES: Final = {"heads": ("pending_first", "pending_last", "newer", "older"), "identities": ("text_start",)}
"""Positions in the other arrays, which are not stored: they are computed again on restore."""

_BLOCK: Final = 256
"""Rows packed at a time, few enough to stay in the processor's cache."""

_PACKING: Final = "bytes by column, lz4"
"""Part of the fingerprint."""

_MAXIMA: Final = ("max_vehicle_trips", "max_partition_trips")
"""No part of it: they change no state that is kept, and are raised while trips are open."""


@dataclass(frozen=True)
class ChunkHeader:
    """Header of a chunk.

    Attributes
    ----------
    fingerprint
        Of the layout and the settings.
    trips
        How many it holds.
    clock
        Of the partition, when the chunk was stored: `_CLOCK`.
    """

    fingerprint: str
    trips: int
    clock: tuple[float, ...]


def fingerprint_of(parameters: KernelParameters) -> str:
    """Give the fingerprint of states that are made with these settings."""
    arrays = TripStates().arrays._asdict()
    layout = [(arrays[name].dtype.descr, arrays[name].shape[1:]) for name in (*ROW_ARRAYS, "pool")]
    settings = [np.asarray(number).tolist() for name, number in parameters._asdict().items() if name not in _MAXIMA]
    return hashlib.sha256(repr((_PACKING, layout, settings)).encode()).hexdigest()[:16]


def pack_chunk(
    states: TripStates, slots: NDArray[np.int64], *, fingerprint: str, buffer: NDArray[np.uint8] | None = None
) -> bytes:
    """Make the bytes that are stored of the trips of a chunk.

    Parameters
    ----------
    states, slots
        The trips.
    fingerprint
        Of the layout and the settings.
    buffer
        Memory of `unpacked_size`; to reuse it for the next chunk saves half of the time.
    """
    if buffer is None:
        buffer = np.empty(unpacked_size(states, slots), np.uint8)
    end = 0
    for name in ROW_ARRAYS:
        array = getattr(states.arrays, name)
        rows = _as_bytes(array)
        columns = buffer[end : end + len(slots) * rows.shape[1]].reshape(rows.shape[1], len(slots))
        for first in range(0, len(slots), _BLOCK):
            own = rows.take(slots[first : first + _BLOCK], axis=0)
            for place in _PLACES.get(name, ()):
                own.view(array.dtype)[place] = 0
            columns[:, first : first + len(own)] = own.T
        end += columns.size
    texts = states.texts_of(slots)
    buffer[end : end + len(texts)] = texts
    end += len(texts)
    end += _write_pending(states, slots, buffer[end:])
    return _header(states, len(slots), fingerprint) + b"\n" + bytes(cramjam.lz4.compress_block(buffer[:end].data))


def unpacked_size(states: TripStates, slots: NDArray[np.int64]) -> int:
    """Give the size of the body of a chunk before it is compressed, in bytes."""
    rows = sum(_as_bytes(getattr(states.arrays, name)).shape[1] for name in ROW_ARRAYS) * len(slots)
    samples = int(states.arrays.heads["pending_count"][slots].sum()) * SAMPLE.itemsize
    return rows + int(states.text_sizes(slots).sum()) + samples


def _header(states: TripStates, trips: int, fingerprint: str) -> bytes:
    partition = states.arrays.partition[0]
    clock = [partition[name].item() for name in _CLOCK]
    return json.dumps({"fingerprint": fingerprint, "trips": trips, "clock": clock}).encode()


def read_header(packed: bytes) -> ChunkHeader:
    """Read the header of a chunk.

    Raises
    ------
    StateError
        When the bytes are no chunk.
    """
    try:
        content = json.loads(packed[: packed.index(b"\n")])
        return ChunkHeader(content["fingerprint"], content["trips"], tuple(content["clock"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"a chunk can't be read ({error})",
            remedy="`driver-score reprocess` makes the states again from the events; docs/operations.md, Restore",
        ) from error


def unpack_chunk(states: TripStates, packed: bytes) -> None:
    """Add the trips of a chunk to the states; its fingerprint must be right, and the chunk stored last comes last."""
    header = read_header(packed)
    partition = states.arrays.partition[0]
    for name, content in zip(_CLOCK, header.clock, strict=True):
        partition[name] = content
    body = bytes(cramjam.lz4.decompress_block(packed[packed.index(b"\n") + 1 :]))
    slots = states.allocate_slots(header.trips)
    position = 0
    for name in ROW_ARRAYS:
        array = _as_bytes(getattr(states.arrays, name))
        columns = body[position : position + len(slots) * array.shape[1]]
        array[slots] = _by_row(columns, array.shape[1])
        position += len(columns)
    position += states.write_texts(slots, np.frombuffer(body, np.uint8, offset=position))
    samples = np.ascontiguousarray(_by_row(body[position:], SAMPLE.itemsize)).view(SAMPLE).reshape(-1)
    states.reserve_samples(len(samples))
    _restore_pending(states.arrays, slots, samples)
    states.insert(slots)


def _as_bytes(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    """View rows as bytes, shape (rows, bytes a row): NumPy takes these by the row, structured ones by the field."""
    return rows.view(np.uint8).reshape(len(rows), rows.itemsize * math.prod(rows.shape[1:]))


def _by_row(columns: bytes, row_bytes: int) -> NDArray[np.uint8]:
    return np.frombuffer(columns, np.uint8).reshape(row_bytes, len(columns) // row_bytes).T


def _write_pending(states: TripStates, slots: NDArray[np.int64], buffer: NDArray[np.uint8]) -> int:
    """Write the pending events of trips, one trip after another; each trip's head has their number."""
    heads = states.arrays.heads
    begins = heads["pending_first"][slots]
    ends = np.append(0, np.cumsum(heads["pending_count"][slots], dtype=np.int64))
    columns = buffer[: ends[-1] * SAMPLE.itemsize].reshape(SAMPLE.itemsize, ends[-1])
    for first in range(0, len(slots), _BLOCK):
        own_ends = ends[first : first + _BLOCK + 1]
        samples = np.zeros(own_ends[-1] - own_ends[0], SAMPLE)
        _collect(states.arrays.pool, begins[first : first + _BLOCK], own_ends[:-1] - own_ends[0], samples)
        samples["preceding"] = samples["following"] = 0
        columns[:, own_ends[0] : own_ends[-1]] = _as_bytes(samples).T
    return columns.size


@kernel
def _collect(pool: Any, following: Any, places: Any, samples: Any) -> None:
    """Copy one event of each trip, then the next of each: the processor fetches those of several trips at a time."""
    left = True
    while left:
        left = False
        for number in range(following.size):
            index = following[number]
            if index != 0:
                samples[places[number]] = pool[index]
                places[number] += 1
                following[number] = pool[index].following
                left = True


@kernel
def _restore_pending(arrays: StateArrays, slots: Any, samples: Any) -> None:
    position = 0
    for slot in slots:
        head = arrays.heads[slot]
        count = head.pending_count
        head.pending_first = 0
        head.pending_last = 0
        head.pending_count = 0
        for sample in samples[position : position + count]:
            insert(arrays, slot, sample)
        position += count
