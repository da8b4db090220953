"""More partitions for a group that is stopped: open trips move with their vehicles, profiles with their drivers.

The number of partitions must be multiplied: then what moves from a partition moves to new ones only, and the new ones
take over its clock. States are written to new partitions before they leave the old ones, so that an interrupted move
can be repeated; until it is complete a worker refuses to start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DriverScoreError
from scoring.features import TripStates
from scoring.features.state import pack_chunk, unpack_chunk
from stream_app.ingest.placement import partition_of
from stream_app.kafka import SourceLog
from stream_app.maintenance.offline_states import OfflineStates
from stream_app.maintenance.offline_table import OfflineTable
from stream_app.output.changelog import ChangelogWriter
from stream_app.state.checkpoint import CONFIRM_TIMEOUT_S
from stream_app.state.log_changes import Lineage, LogChange, LogChangedError, describe, find_change
from stream_app.state.partition_states import PartitionStates
from stream_app.state.stored_table import moved_row


class GrowthError(DriverScoreError):
    """The number of partitions can't be raised now."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"partitions were not raised: {problem}. {remedy}")


@dataclass(frozen=True)
class Moved:
    """How many open or kept trips, and profiles of drivers, have moved to new partitions."""

    trips: int
    profiles: int


def require_all_read(logs: Mapping[tuple[str, int], SourceLog], before: int) -> None:
    """Make sure that the partitions there were before are read to their ends.

    Raises
    ------
    GrowthError
        If one is not.
    """
    for (topic, partition), source in sorted(logs.items()):
        if partition < before and (source.committed or 0) < source.end_offset:
            raise GrowthError(
                f"{source.end_offset - (source.committed or 0)} records of {topic} {partition} are not read",
                remedy="Stop the producers, let the workers read everything, then stop them",
            )


class TripMove:
    """Moves the states of trips.

    Parameters
    ----------
    states
        What is stored.
    partitioner
        How producers place the key of a record, its vehicle's id.
    """

    def __init__(self, states: OfflineStates, partitioner: Literal["murmur2", "crc32"]) -> None:
        self._partitions, self._stored, self._changelog, self._generation = states
        self._partitioner: Literal["murmur2", "crc32"] = partitioner

    def move(self, partition: int, topic: str, source: SourceLog, before: int) -> int:
        """Move the trips of a partition, one of those there were before; give how many have left it.

        Raises
        ------
        LogChangedError
            If states and log do not belong together.
        GrowthError
            If a silent partition's trips are still to be closed.
        """
        position = self._partitions.stored_position(partition)
        lineage = Lineage(source.topic_id, source.partition_count, self._generation)
        if position is None:
            for target in range(partition, source.partition_count, before):
                self._partitions.begin_lineage(target, lineage, included_offset=-1)
            self._changelog.confirm(CONFIRM_TIMEOUT_S)
            return 0
        if position.lineage is not None:
            if position.lineage.partition_count == source.partition_count:
                return 0  # moved before an interruption
            lineage = replace(lineage, first_revision=position.lineage.first_revision)
        change = find_change(source, position, keeps_states=True)
        if change not in {LogChange.PARTITIONS_RAISED, None}:
            raise LogChangedError(topic, partition, describe(change, source, position))
        self._partitions.continue_lineage(partition, lineage, placed_from=source.committed or 0)
        owned = self._partitions.restore(partition)
        if len(owned.closing) > 0:
            raise GrowthError(
                f"{len(owned.closing)} trips of partition {partition}, which was silent, are still to be closed",
                remedy="Start the workers, wait until driver_score_worker_closing_trips is 0, and stop them again",
            )
        slots = owned.states.slots()
        targets = self._targets(owned, slots, source.partition_count)
        for target in range(partition + before, source.partition_count, before):
            self._partitions.begin_lineage(target, lineage, included_offset=-1)
            self._partitions.send_chunks(target, self._packed(owned, slots[targets == target]), included_offset=-1)
        self._changelog.confirm(CONFIRM_TIMEOUT_S)
        kept = self._packed(owned, slots[targets == partition], keep_offsets=True)
        self._partitions.send_chunks(partition, kept, position.included_offset)
        self._changelog.confirm(CONFIRM_TIMEOUT_S)
        return int((targets != partition).sum())

    def _targets(self, owned: PartitionStates, slots: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        vehicles = [ids[1].encode() for ids in owned.states.ids_of(slots)]
        return np.array([partition_of(vehicle, count, self._partitioner) for vehicle in vehicles], np.int64)

    def _packed(
        self, owned: PartitionStates, slots: NDArray[np.int64], *, keep_offsets: bool = False
    ) -> dict[int, bytes]:
        """Pack all chunks of some trips of a partition, with its clock.

        Those that move have their events in two logs from now on: what comes late of them is only counted.
        """
        moved = TripStates(chunk_count=len(owned.states.changed_chunks))
        unpack_chunk(moved, pack_chunk(owned.states, slots, fingerprint=""))
        if not keep_offsets:
            moved.arrays.heads["first_offset"] = -1
        moved.changed_chunks[:] = True
        return dict(self._stored.pack(moved))


def move_profiles(table: OfflineTable, changelog: ChangelogWriter, partition_count: int, generation: int) -> int:
    """Move the profiles of drivers to the partitions that their keys belong to now; give how many have moved."""
    outdated = []
    for name, content in list(table.items()):
        driver_id, moved_name, moved = moved_row(name, content, generation)
        target = partition_of(driver_id.encode(), partition_count, "crc32")  # as our own producers place keys
        if target != table.partitions[name]:
            changelog.write(table.changelog_topic, target, moved_name, moved)
            outdated.append(name)
    changelog.confirm(CONFIRM_TIMEOUT_S)
    for name in outdated:
        changelog.write(table.changelog_topic, table.partitions[name], name, None)
    changelog.confirm(CONFIRM_TIMEOUT_S)
    return len(outdated)
