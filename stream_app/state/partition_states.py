"""The trip states of the partitions that this worker owns, and the part of the source that each includes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from schemas.errors import DriverScoreError
from schemas.topics import MAX_CHUNK_BYTES, MIB
from scoring.events import EventColumns
from scoring.features import KernelParameters, TripStates
from scoring.features.state import TripStatus, fingerprint_of, pack_chunk, read_header, unpack_chunk, unpacked_size
from stream_app.state.inventory import Rescoring, Scope
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_LITTLE: Final = 3
"""A third of the chunks: what is closed of a silent partition between two checkpoints. Traffic changes all."""

_RECORD_BYTES: Final = 1024
"""What Kafka adds to a chunk: key, headers and framing of its record batch, about 100 bytes."""


class ChunkTooLargeError(DriverScoreError):
    """A chunk of trips is larger than the largest record of the changelog topic."""

    def __init__(self, chunk: int, size: int, max_bytes: int, chunk_count: int) -> None:
        super().__init__(
            f"chunk {chunk} of a partition's trip states has {size / MIB:.1f} MiB, and a record may have "
            f"{max_bytes / MIB:g}. Set DRIVER_SCORE_WORKER__STATE_CHUNKS to more than {chunk_count}, or spread "
            "the vehicles over more partitions; trips that are open then start afresh. Where the cluster allows larger "
            "messages, raise DRIVER_SCORE_KAFKA__MAX_MESSAGE_BYTES and max.message.bytes of the changelog instead."
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
    closing
        int64 array: slots of the trips that are still to be closed, as the partition was silent after that record.
        They are closed before any further record is processed.
    rescoring
        What is published while records of before are scored again; null where none are.
    """

    states: TripStates
    included_offset: int = -1
    closing: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rescoring: Rescoring | None = None

    @property
    def scope(self) -> Scope:
        """Of whom scores are published that are made of the records that are included."""
        return Scope() if self.rescoring is None else self.rescoring.scope(self.included_offset)

    def begin_closing(self) -> None:
        """Have all trips closed that silence closes, chunk by chunk: few are then to be stored at a time."""
        slots = self.open_slots()
        self.closing = slots[np.argsort(self.states.chunks_of(slots), kind="stable")]

    def take_closing(self, count: int) -> NDArray[np.int64]:
        """Take the slots of at most so many trips that are to be closed next."""
        taken, self.closing = self.closing[:count], self.closing[count:]
        return taken

    def open_slots(self) -> NDArray[np.int64]:
        """Give the slots of the trips that silence closes: open ones, and those changed since their final score."""
        slots = self.states.slots()
        heads = self.states.arrays.heads[slots]
        return slots[(heads["status"] == TripStatus.OPEN) | (heads["changed"] == 1)]

    def include(self, last_offset: int) -> None:
        """Note that the records up to this one are included; those that are read again take nothing back."""
        self.included_offset = max(self.included_offset, last_offset)

    def leave_out_included(self, events: EventColumns) -> EventColumns:
        """Leave out the events of this partition that the states include already: those read again after a crash."""
        if len(events) == 0 or events.offsets[0] > self.included_offset:
            return events
        fresh = events.offsets > self.included_offset
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
    max_bytes
        Size of the largest record of the changelog.
    """

    def __init__(self, parameters: KernelParameters, chunk_count: int, max_bytes: int = MAX_CHUNK_BYTES) -> None:
        self._idle_gap_ms = parameters.idle_gap_ms
        self._fingerprint = fingerprint_of(parameters) + f"/{chunk_count}"
        self._chunk_count = chunk_count
        self._max_bytes = max_bytes
        self._copy = np.empty(0, np.uint8)

    def restore(
        self,
        partition: int,
        chunks: dict[int, bytes],
        included_offset: int = -1,
        silent_after: int = -1,
        *,
        begins_cut: bool = False,
    ) -> PartitionStates:
        """Make the states of a partition of its stored chunks.

        Parameters
        ----------
        partition, chunks
            Its number, and the packed chunks by their numbers, in the order in which they were stored.
        included_offset
            Offset of the last record that they include.
        silent_after
            Offset of the record after which it was silent for so long that open trips were closed; -1 for none. States
            that include no more may be of before, and their trips are closed again, to the same scores.
        begins_cut
            Whether the states began in the middle of a log, so that trips were under way.
        """
        restored = PartitionStates(TripStates(chunk_count=self._chunk_count), included_offset)
        for chunk, packed in chunks.items():
            if self._knows(partition, chunk, packed):
                unpack_chunk(restored.states, packed)
        restored.states.changed_chunks[:] = False
        restored.states.arrays.partition["offset"] = included_offset
        if begins_cut and not chunks:
            restored.states.expect_cut_trips(self._idle_gap_ms)
        if included_offset <= silent_after:
            restored.begin_closing()
        return restored

    def _knows(self, partition: int, chunk: int, packed: bytes) -> bool:
        if read_header(packed).fingerprint == self._fingerprint:
            return True
        metrics.DROPPED_STATES.inc()
        log.warning("stored states were made with other settings and are dropped", partition=partition, chunk=chunk)
        return False

    def reserve_copy(self, owned: PartitionStates) -> None:
        """Reserve memory for a copy of the changed states of a partition, and more, as they may grow meanwhile.

        The system provides memory when it is first written to, and that takes longer than the copy.
        """
        if not self._changes_little(owned):
            self._reserve_copy(owned)

    def _reserve_copy(self, owned: PartitionStates) -> None:
        if self._copy.size < owned.states.nbytes:
            self._copy = np.ones(owned.states.nbytes * 17 // 16, np.uint8)

    def _changes_little(self, owned: PartitionStates) -> bool:
        return bool(owned.states.changed_chunks.sum() <= self._chunk_count // _LITTLE)

    def pack_little(self, owned: PartitionStates) -> dict[int, bytes] | None:
        """Pack the chunks that have changed without a copy, if they are few; null if they are many.

        Events wait meanwhile, some 25 ms for a chunk of 12,000 trips.

        Raises
        ------
        ChunkTooLargeError
            When no record can hold one.
        """
        if not self._changes_little(owned):
            return None
        packed = dict(self.pack(owned.states)) if owned.states.changed_chunks.any() else {}
        owned.states.changed_chunks[:] = False
        return packed

    def free_copy(self) -> None:
        """Free the copy until the next checkpoint."""
        self._copy = np.empty(0, np.uint8)

    def copy_changed(self, owned: PartitionStates) -> TripStates | None:
        """Copy the states of a partition, if they have changed since they were last copied; the next copy replaces it.

        All of them: to pick out what has changed takes longer, and events wait meanwhile.
        """
        changed = owned.states.changed_chunks
        if not changed.any():
            return None
        self._reserve_copy(owned)
        copied = owned.states.copy(self._copy)
        changed[:] = False
        return copied

    def pack(self, copied: TripStates) -> Iterator[tuple[int, bytes]]:
        """Pack the chunks that have changed, one a step, and give each with its number.

        Raises
        ------
        ChunkTooLargeError
            When no record can hold one.
        """
        slots_by_chunk = copied.slots_by_chunk()
        changed = {chunk: slots_by_chunk[chunk] for chunk in np.flatnonzero(copied.changed_chunks).tolist()}
        buffer = np.empty(max(unpacked_size(copied, slots) for slots in changed.values()), np.uint8)
        for chunk, slots in changed.items():
            packed = pack_chunk(copied, slots, fingerprint=self._fingerprint, buffer=buffer)
            if len(packed) > self._max_bytes - _RECORD_BYTES:
                raise ChunkTooLargeError(chunk, len(packed), self._max_bytes, self._chunk_count)
            yield chunk, packed
