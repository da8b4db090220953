"""The trip states of the assigned partitions, restored from their table when they are first needed."""

from collections.abc import Iterator
from typing import Final

import structlog

from stream_app.state.partition_states import PartitionStates, StoredStates
from stream_app.state.stored_table import StoredTable

log = structlog.get_logger(__name__)

_COMPLETE: Final = "complete"
"""Key of the row, written behind a partition's chunks, that says that all of them are there and of one moment."""

_SILENCE: Final = "silence"
"""Key of the row that says after which record the partition went silent."""


class OwnedPartitions:
    """The partitions whose trip states this worker holds.

    Parameters
    ----------
    table
        The table of packed chunks, which keeps versions; its keys are ``partition:chunk``.
    stored
        Restores states.
    """

    def __init__(self, table: StoredTable, stored: StoredStates) -> None:
        self._table = table
        self._stored = stored
        self._owned: dict[int, PartitionStates] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._owned))

    def find(self, partition: int) -> PartitionStates | None:
        """Give the states of a partition if they are held."""
        return self._owned.get(partition)

    def restore(self, partition: int) -> PartitionStates:
        """Give the states of a partition, restored from the table if they are not held yet.

        Raises
        ------
        StateError
            When what is stored can't be read.
        """
        owned = self._owned.get(partition)
        if owned is None:
            complete = self._table.newest(f"{partition}:{_COMPLETE}")
            silent_after = self._table.newest(f"{partition}:{_SILENCE}").included_offset
            chunks = {
                int(key): packed
                for key, packed in self._table.stored_items(f"{partition}:", complete)
                if key not in {_COMPLETE, _SILENCE}
            }
            owned = self._stored.restore(partition, chunks, complete.included_offset, silent_after)
            self._table.release(f"{partition}:")
            self._owned[partition] = owned
            log.info("partition restored", partition=partition, trips=len(owned.states), chunks=len(chunks))
        return owned

    def send_chunks(self, partition: int, chunks: dict[int, bytes], included_offset: int) -> None:
        """Send the chunks of a partition that have changed, all of one moment, to the changelog.

        Parameters
        ----------
        partition, chunks
            Its number, and the packed chunks by their numbers.
        included_offset
            Offset of the last record that they include.
        """
        for chunk, content in chunks.items():
            self._table.put(partition, f"{partition}:{chunk}", content, included_offset=included_offset)
        self._table.put(partition, f"{partition}:{_COMPLETE}", b"", included_offset=included_offset)
        self._table.send()

    def send_silence(self, partition: int, last_offset: int) -> None:
        """Send to the changelog that the trips that are open after a record are closed, as the partition is silent."""
        self._table.put(partition, f"{partition}:{_SILENCE}", b"", included_offset=last_offset)
        self._table.send()

    def release_stored(self) -> None:
        """Free the memory of stored rows, once the broker has confirmed them."""
        for partition in self._owned:
            self._table.release(f"{partition}:")

    def reset(self) -> None:
        """Drop all states when partitions are revoked; what is not stored will be read again."""
        self._owned.clear()
        self._table.reset()
