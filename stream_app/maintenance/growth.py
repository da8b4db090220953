"""``driver-score topics grow``: more partitions, with the states of open trips moved to where their vehicles are."""

from typing import Final

import structlog

from schemas.errors import SettingsError
from schemas.settings import Settings
from schemas.topics import PROFILES_TABLE, SCORES_BY_DRIVER, TRIP_EVENTS, TRIPS_TABLE, changelog_of, topics_of
from scoring.features import kernel_parameters
from stream_app.kafka import SourceLogs
from stream_app.maintenance.moving import GrowthError, Moved, TripMove, move_profiles, require_all_read
from stream_app.maintenance.offline_table import OfflineTable
from stream_app.output.changelog import ChangelogWriter
from stream_app.state.log_changes import Lineage
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from stream_app.state.stored_table import StoredTable, last_owner

log = structlog.get_logger(__name__)

_PARTITIONER: Final = "DRIVER_SCORE_DECODING__PARTITIONER"


def grow(settings: Settings, partition_count: int) -> Moved:
    """Raise the number of partitions of all topics, and move states and profiles; repeatable after an interruption.

    Parameters
    ----------
    settings
        Those of the workers, with the number of partitions there were before.
    partition_count
        A multiple of that.

    Raises
    ------
    SettingsError
        If it is not known how producers place keys.
    GrowthError
        If workers run, records are not read, or the number does not fit.
    LogChangedError, StateError, BrokerUnavailableError, TopicError, DeliveryError
        If states can't be read or written.
    """
    kafka, before, partitioner = settings.kafka, settings.kafka.partitions, settings.decoding.partitioner
    if partitioner not in ("murmur2", "crc32"):
        raise SettingsError(
            _PARTITIONER, f"{partitioner} does not tell where keys belong", remedy="Set it to murmur2 or crc32"
        )
    if partition_count <= before or partition_count % before:
        raise GrowthError(
            f"{partition_count} is no multiple of {before}", remedy=f"Raise it to {2 * before}, or {4 * before}"
        )
    logs = SourceLogs(kafka)
    if members := logs.members():
        raise GrowthError(f"{members} workers of the group run", remedy="Stop them first")
    sources = [kafka.topic_prefix + topic.name for topic in (TRIP_EVENTS, SCORES_BY_DRIVER)]
    require_all_read(logs.read(sources), before)
    logs.raise_partitions([kafka.topic_prefix + spec.name for spec in topics_of(kafka.group)], partition_count)
    found = logs.read(sources)

    changelog = ChangelogWriter(kafka, settings.worker.changelog_properties)
    names = [kafka.topic_prefix + changelog_of(kafka.group, table) for table in (TRIPS_TABLE, PROFILES_TABLE)]
    trips, profiles = (OfflineTable(kafka, name, partition_count) for name in names)
    generation, checkpoint = last_owner(name for name, _ in trips.items())
    table = StoredTable(trips, changelog, lambda: generation, keeps_versions=True, checkpoint=checkpoint)
    parameters = kernel_parameters(settings.thresholds, settings.windows, settings.severe_events)
    stored = StoredStates(parameters, settings.worker.state_chunks, kafka.max_message_bytes)
    partitions = OwnedPartitions(table, stored)
    move = TripMove(partitions, stored, changelog, partitioner=partitioner, generation=generation)
    events = sources[0]
    moved = sum(move.move(partition, events, found[events, partition], before) for partition in range(before))
    moved_profiles = move_profiles(profiles, changelog, partition_count, generation + 1)
    offsets = {}
    for (topic, partition), source in found.items():
        position = partitions.stored_position(partition) if topic == events else None
        lineage = Lineage(source.topic_id, partition_count, generation)
        if position is not None and position.lineage is not None:
            lineage = position.lineage
        offset = source.first_offset if source.committed is None else source.committed
        offsets[topic, partition] = (offset, str(lineage))
    logs.commit(offsets)
    return Moved(moved, moved_profiles)
