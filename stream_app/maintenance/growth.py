"""``driver-score topics grow``: more partitions, with the states of open trips moved to where their vehicles are."""

from typing import Final

from schemas.errors import SettingsError
from schemas.settings import Settings
from schemas.topics import PROFILES_TABLE, SCORES_BY_DRIVER, TRIP_EVENTS, changelog_of, topics_of
from stream_app.kafka import SourceLogs
from stream_app.maintenance.moving import GrowthError, Moved, TripMove, move_profiles, require_all_read
from stream_app.maintenance.offline_states import open_states
from stream_app.maintenance.offline_table import OfflineTable
from stream_app.state.log_changes import Lineage

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

    states = open_states(settings, partition_count)
    move = TripMove(states, partitioner)
    events = sources[0]
    moved = sum(move.move(partition, events, found[events, partition], before) for partition in range(before))
    profiles = OfflineTable(kafka, kafka.topic_prefix + changelog_of(kafka.group, PROFILES_TABLE), partition_count)
    moved_profiles = move_profiles(profiles, states.changelog, partition_count, states.generation + 1)
    offsets = {}
    for (topic, partition), source in found.items():
        position = states.partitions.stored_position(partition) if topic == events else None
        lineage = Lineage(source.topic_id, partition_count, states.generation)
        if position is not None and position.lineage is not None:
            lineage = position.lineage
        offset = source.first_offset if source.committed is None else source.committed
        offsets[topic, partition] = (offset, str(lineage))
    logs.commit(offsets)
    return Moved(moved, moved_profiles)
