"""Trip states as bytes and back: chunks of a partition's trips, to be stored and restored.

A chunk is a line of JSON, which says what it has and what it was made with, and behind it, compressed, the rows of
its trips, array after array, the first byte of all rows first, the texts of their ids, and their pending events. The
fingerprint of their layout and of the settings keeps old states from being read as new ones. (An Arrow IPC file with a
row a trip took six times as long to make: half of a worker's time with 100,000 open trips.)
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from scoring.errors import StateError
from scoring.features.compilation import kernel
from scoring.features.pending import insert
from scoring.features.state_arrays import ROW_ARRAYS, SAMPLE, StateArrays
from scoring.features.thresholds import KernelParameters
from scoring.features.trip_state import TripStates

_CLOCK: Final = ("clock_ms", "next_sweep_ms", "active_trips", "mover_ms", "epoch_ms", "epoch_votes")

_PACKING: Final = "bytes by column, lz4"
"""Part of the fingerprint."""


@dataclass(frozen=True)
class ChunkHeader:
    """What a chunk has.

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
    settings = [np.asarray(number).tolist() for number in parameters]
    return hashlib.sha256(repr((_PACKING, layout, settings)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CopiedChunk:
    """The trips of one chunk as they were: copied while no event is taken in, packed while others are.

    Attributes
    ----------
    header
        The chunk's first line.
    rows
        Of each of `ROW_ARRAYS`, as bytes, shape (trips, bytes a row).
    texts, samples
        Texts of the ids, and pending events as bytes, shape (events, bytes an event).
    """

    header: bytes
    rows: list[NDArray[np.uint8]]
    texts: NDArray[np.uint8]
    samples: NDArray[np.uint8]

    @property
    def size(self) -> int:
        """Bytes of the body, not yet compressed."""
        return sum(rows.size for rows in self.rows) + self.texts.size + self.samples.size

    def pack(self, buffer: NDArray[np.uint8] | None = None) -> bytes:
        """Make the bytes that are stored.

        Parameters
        ----------
        buffer
            Room for the body, of ``size`` bytes or more; used again for the next chunk it spares half of the time.
        """
        if buffer is None:
            buffer = np.empty(self.size, np.uint8)
        end = 0
        for rows in self.rows:
            end = _write_by_column(rows, buffer, end)
        buffer[end : end + self.texts.size] = self.texts
        end = _write_by_column(self.samples, buffer, end + self.texts.size)
        return self.header + b"\n" + bytes(cramjam.lz4.compress_block(buffer[:end].data))


def copy_chunks(
    states: TripStates, slots_by_chunk: Mapping[int, NDArray[np.int64]], *, fingerprint: str
) -> dict[int, CopiedChunk]:
    """Copy the trips of some chunks, given by their slots.

    The rows of all of them are copied at once: of large arrays the system gives large pages, which come far cheaper.
    """
    slots = np.concatenate([*slots_by_chunk.values(), np.empty(0, np.int64)])
    together = [_as_bytes(getattr(states.arrays, name))[slots] for name in ROW_ARRAYS]
    copied, begin = {}, 0
    for chunk, own in slots_by_chunk.items():
        end = begin + len(own)
        copied[chunk] = CopiedChunk(
            header=_header(states, len(own), fingerprint),
            rows=[rows[begin:end] for rows in together],
            texts=states.texts_of(own),
            samples=_as_bytes(_pending_of(states, own)),
        )
        begin = end
    return copied


def _header(states: TripStates, trips: int, fingerprint: str) -> bytes:
    partition = states.arrays.partition[0]
    clock = [partition[name].item() for name in _CLOCK]
    return json.dumps({"fingerprint": fingerprint, "trips": trips, "clock": clock}).encode()


def read_header(packed: bytes) -> ChunkHeader:
    """Read what a chunk has.

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
            remedy="Delete the changelog topic; trips that are open go on from the committed offsets",
        ) from error


def unpack_chunk(states: TripStates, packed: bytes) -> None:
    """Add the trips of a chunk to the states; its fingerprint must be right, and the chunk stored last comes last."""
    header = read_header(packed)
    partition = states.arrays.partition[0]
    for name, content in zip(_CLOCK, header.clock, strict=True):
        partition[name] = content
    body = bytes(cramjam.lz4.decompress_block(packed[packed.index(b"\n") + 1 :]))
    slots = states.take_slots(header.trips)
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
    states.enter_all()


def _as_bytes(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    """View rows as bytes, shape (rows, bytes a row): NumPy gathers these ten times as fast as structured rows."""
    return rows.view(np.uint8).reshape(len(rows), rows.itemsize * math.prod(rows.shape[1:]))


def _write_by_column(rows: NDArray[np.uint8], buffer: NDArray[np.uint8], begin: int) -> int:
    """Write the first byte of each row, then the second of each, and so on: a third less once it is compressed."""
    end = begin + rows.size
    np.copyto(buffer[begin:end].reshape(rows.shape[::-1]), rows.T)
    return end


def _by_row(columns: bytes, row_bytes: int) -> NDArray[np.uint8]:
    return np.frombuffer(columns, np.uint8).reshape(row_bytes, len(columns) // row_bytes).T


def _pending_of(states: TripStates, slots: NDArray[np.int64]) -> NDArray[np.void]:
    """Collect the pending events of trips, one trip after another; each trip's head knows how many are its own."""
    samples = np.zeros(int(states.arrays.heads["pending_count"][slots].sum()), SAMPLE)
    _collect(states.arrays, slots, samples)
    return samples


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
