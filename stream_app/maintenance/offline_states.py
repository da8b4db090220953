"""The stored trip states of a group that is stopped, to be read and written as its workers do."""

from typing import NamedTuple

from schemas.settings import Settings
from schemas.topics import TRIPS_TABLE, changelog_of
from scoring.features import kernel_parameters
from stream_app.maintenance.offline_table import OfflineTable
from stream_app.output.changelog import ChangelogWriter
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from stream_app.state.stored_table import StoredTable, last_owner


class OfflineStates(NamedTuple):
    """Stored states, and what writes them.

    Attributes
    ----------
    partitions, stored, changelog
        As a worker has them; rows are written behind those of the last checkpoint.
    generation
        The last in which a worker has stored states.
    """

    partitions: OwnedPartitions
    stored: StoredStates
    changelog: ChangelogWriter
    generation: int


def open_states(settings: Settings, partition_count: int) -> OfflineStates:
    """Read the stored states of a group.

    Parameters
    ----------
    settings
        Those of its workers.
    partition_count
        Partitions of the changelog.

    Raises
    ------
    BrokerUnavailableError
        If the changelog can't be read.
    """
    kafka = settings.kafka
    changelog = ChangelogWriter(kafka, settings.worker.changelog_properties)
    rows = OfflineTable(kafka, kafka.topic_prefix + changelog_of(kafka.group, TRIPS_TABLE), partition_count)
    generation, checkpoint = last_owner(name for name, _ in rows.items())
    table = StoredTable(rows, changelog, lambda: generation, keeps_versions=True, checkpoint=checkpoint)
    parameters = kernel_parameters(settings.thresholds, settings.windows, settings.severe_events)
    stored = StoredStates(parameters, settings.worker.state_chunks, kafka.max_message_bytes)
    return OfflineStates(OwnedPartitions(table, stored), stored, changelog, generation)
