"""The trip states of the assigned partitions, restored from their table when they are first needed."""

from collections.abc import Iterator
from typing import Final

import structlog

from scoring.features import LateTrip
from stream_app.state.inventory import Inventory, Rescoring
from stream_app.state.log_changes import Lineage, StoredPosition
from stream_app.state.partition_states import PartitionStates, StoredStates
from stream_app.state.stored_table import NO_VERSION, StoredTable
from stream_app.telemetry import metrics

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
        self._inventories: dict[int, Inventory] = {}

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
                int(key): packed for key, packed in self._table.stored_items(f"{partition}:", complete) if key.isdigit()
            }
            inventory = self._inventories[partition]
            owned = self._stored.restore(
                partition, chunks, complete.included_offset, silent_after, begins_cut=inventory.begins_cut
            )
            owned.states.first_revision = inventory.parsed_lineage.first_revision
            owned.states.expect_late_trips(inventory.late_trips)
            owned.rescoring = inventory.rescoring
            self._table.release(f"{partition}:")
            self._owned[partition] = owned
            log.info("partition restored", partition=partition, trips=len(owned.states), chunks=len(chunks))
        return owned

    def stored_position(self, partition: int) -> StoredPosition | None:
        """Tell what is stored of a partition; null for nothing.

        Raises
        ------
        StateError
            When that can't be read.
        """
        inventory = self._stored_inventory(partition)
        complete = self._table.newest(f"{partition}:{_COMPLETE}")
        if inventory is None:
            return StoredPosition(complete.included_offset, lineage=None) if complete != NO_VERSION else None
        found = {int(key) for key in self._table.stored_keys(f"{partition}:", complete) if key.isdigit()}
        return StoredPosition(
            complete.included_offset,
            inventory.parsed_lineage,
            is_empty=not inventory.chunks,
            lost_chunks=inventory.missing(found),
        )

    def _stored_inventory(self, partition: int) -> Inventory | None:
        content = self._table.get(f"{partition}:{_COMPLETE}")
        return None if content is None else Inventory.of_row(content)

    def placed_from(self, partition: int) -> int:
        """Give the offset of the first record of a partition that was placed by the present number of partitions."""
        inventory = self._stored_inventory(partition)
        return 0 if inventory is None else inventory.placed_from

    def continue_lineage(self, partition: int, lineage: Lineage, *, placed_from: int | None = None) -> None:
        """Note of which log the states of a partition are; written with its next checkpoint.

        Parameters
        ----------
        partition, lineage
            Its number, and the log.
        placed_from
            The end of the partition, where the number of partitions has just been raised.
        """
        stored = self._stored_inventory(partition)
        before = Inventory(lineage="") if stored is None else stored
        changed = {"lineage": str(lineage)} | ({} if placed_from is None else {"placed_from": placed_from})
        self._inventories[partition] = before.model_copy(update=changed)

    def begin_lineage(
        self, partition: int, lineage: Lineage, included_offset: int, *, rescoring: Rescoring | None = None
    ) -> None:
        """Delete what is stored of a partition, and send that it has no states from behind an offset on."""
        before = self._stored_inventory(partition)
        is_same_topic = before is not None and before.parsed_lineage.is_of(lineage.topic_id)
        self._owned.pop(partition, None)
        self._table.delete(partition, f"{partition}:")
        self._inventories[partition] = Inventory(
            lineage=str(lineage),
            begins_cut=included_offset >= 0,
            rescoring=rescoring,
            placed_from=before.placed_from if before is not None and is_same_topic else 0,
        )
        self.send_chunks(partition, {}, included_offset)

    def stored_offset(self, partition: int) -> int:
        """Give the offset of the last record that the stored states of a partition include; -1 for none."""
        return self._table.newest(f"{partition}:{_COMPLETE}").included_offset

    def send_chunks(
        self,
        partition: int,
        chunks: dict[int, bytes],
        included_offset: int,
        late_trips: tuple[LateTrip, ...] | None = None,
    ) -> None:
        """Send the chunks of a partition that have changed, all of one moment, to the changelog.

        Parameters
        ----------
        partition, chunks
            Its number, and the packed chunks by their numbers; none where records were read that no trip includes.
        included_offset
            Offset of the last record that the states include.
        late_trips
            Trips that are still to be scored again; where null, those that are stored.
        """
        for chunk, content in chunks.items():
            self._table.put(partition, f"{partition}:{chunk}", content, included_offset=included_offset)
        numbers = sorted(int(key) for key in self._table.keys(f"{partition}:") if key.isdigit())
        changed = {"chunks": tuple(numbers)} | ({} if late_trips is None else {"late_trips": late_trips})
        inventory = self._inventories[partition].model_copy(update=changed)
        self._table.put(partition, f"{partition}:{_COMPLETE}", inventory.to_row(), included_offset=included_offset)
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
        metrics.OPEN_TRIPS.clear()
        metrics.CLOSING_TRIPS.clear()
        metrics.WAITING_LATE_TRIPS.clear()
        self._inventories.clear()
        self._table.reset()
