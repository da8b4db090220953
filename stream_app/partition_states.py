"""The trip states of the partitions that this worker owns, and the part of the source that each includes."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from scoring.errors import DriverScoreError
from scoring.features.state_arrays import OPEN
from scoring.features.state_chunks import fingerprint_of, pack_chunk, read_header, unpack_chunk
from scoring.features.thresholds import KernelParameters
from scoring.features.trip_state import TripStates
from scoring.features.update import DueFeatures, close_trips, slots_of
from scoring.trip_events.columns import EventColumns
from stream_app import metrics
from stream_app.topics import MAX_CHUNK_BYTES, MIB

log = structlog.get_logger(__name__)

_RECORD_BYTES: Final = 1024
"""What Kafka adds to a chunk: key, headers and framing of its record batch, about 100 bytes."""


class ChunkTooLargeError(DriverScoreError):
    """The trips of a chunk take more than the changelog's topic takes in one record."""

    def __init__(self, chunk: int, size: int, chunk_count: int) -> None:
        super().__init__(
            f"chunk {chunk} of a partition's trip states has {size / MIB:.1f} MiB, and a record may have "
            f"{MAX_CHUNK_BYTES / MIB:g}. Set DRIVER_SCORE_WORKER__STATE_CHUNKS to more than {chunk_count}, or spread "
            "the vehicles over more partitions; trips that are open then start afresh."
        )


@dataclass
class PartitionStates:
    """States of one partition.

    Attributes
    ----------
    states
        Its trips.
    included_offset
        Offset of the last record that is included; -1 for none.
    included_by_chunk
        The same for each chunk, as it was restored: a crash can fall between the storing of two chunks. Records
        that a chunk includes are left out for its trips when they are read again.
    closed
        What fell due when the states were restored, to be published; null for nothing.
    """

    states: TripStates
    included_offset: int = -1
    included_by_chunk: dict[int, int] = field(default_factory=dict)
    closed: DueFeatures | None = None

    def open_slots(self) -> NDArray[np.int64]:
        """Give the slots of the trips that silence closes: open ones, and those changed since their final score."""
        slots = self.states.slots()
        heads = self.states.arrays.heads[slots]
        return slots[(heads["status"] == OPEN) | (heads["changed"] == 1)]

    def leave_out_included(self, events: EventColumns, offsets: NDArray[np.int64]) -> EventColumns:
        """Leave out the events that the states include already.

        Parameters
        ----------
        events
            Of some records of this partition.
        offsets
            Offset of the record of each event.
        """
        replay_until = max(self.included_by_chunk.values(), default=-1)
        if len(offsets) == 0 or offsets[0] > replay_until:
            self.included_by_chunk.clear()
            return events
        chunks = self.states.chunks_of(slots_of(self.states, events))
        included = np.full(len(self.states.changed_chunks), -1)
        for chunk, offset in self.included_by_chunk.items():
            included[chunk] = offset
        fresh = offsets > included[chunks]
        metrics.REPLAYED.inc(int((~fresh).sum()))
        return events.take(fresh)


class StoredStates:
    """Packs and restores the states of partitions.

    Parameters
    ----------
    parameters
        Settings that the states depend on.
    chunk_count
        Parts of each partition.
    """

    def __init__(self, parameters: KernelParameters, chunk_count: int) -> None:
        self._parameters = parameters
        self._fingerprint = fingerprint_of(parameters) + f"/{chunk_count}"
        self._chunk_count = chunk_count

    def restore(self, partition: int, chunks: dict[int, bytes], silent_after: int = -1) -> PartitionStates:
        """Make the states of a partition of its stored chunks.

        Parameters
        ----------
        partition, chunks
            Its number, and the packed chunks by their numbers.
        silent_after
            Offset of the record after which it was silent for so long that open trips were closed; -1 for none. A
            chunk that was not stored since then is of before, and its trips are closed again, to the same scores.
        """
        restored = PartitionStates(TripStates(chunk_count=self._chunk_count))
        known = {chunk: packed for chunk, packed in chunks.items() if self._knows(partition, chunk, packed)}
        before = {chunk for chunk, packed in known.items() if read_header(packed).included_offset <= silent_after}
        self._unpack(restored, {chunk: known[chunk] for chunk in before})
        restored.states.changed_chunks[:] = False
        if len(slots := restored.open_slots()) > 0:
            restored.closed = close_trips(restored.states, self._parameters, slots)
        changed = restored.states.changed_chunks.copy()
        self._unpack(restored, {chunk: packed for chunk, packed in known.items() if chunk not in before})
        restored.states.changed_chunks[:] = changed
        return restored

    def _knows(self, partition: int, chunk: int, packed: bytes) -> bool:
        if read_header(packed).fingerprint == self._fingerprint:
            return True
        metrics.DROPPED_STATES.inc()
        log.warning("stored states were made with other settings and are dropped", partition=partition, chunk=chunk)
        return False

    @staticmethod
    def _unpack(restored: PartitionStates, chunks: dict[int, bytes]) -> None:
        for chunk, packed in chunks.items():
            unpack_chunk(restored.states, packed)
            restored.included_by_chunk[chunk] = read_header(packed).included_offset
            restored.included_offset = max(restored.included_offset, restored.included_by_chunk[chunk])

    def pack_changed(self, owned: PartitionStates) -> dict[int, bytes]:
        """Pack the chunks that have changed since they were last packed."""
        changed = owned.states.changed_chunks.tolist()
        packed = {
            chunk: pack_chunk(owned.states, slots, included_offset=owned.included_offset, fingerprint=self._fingerprint)
            for chunk, slots in enumerate(owned.states.slots_by_chunk())
            if changed[chunk]
        }
        for chunk, content in packed.items():
            if len(content) > MAX_CHUNK_BYTES - _RECORD_BYTES:
                raise ChunkTooLargeError(chunk, len(content), self._chunk_count)
        owned.states.changed_chunks[:] = False
        return packed
