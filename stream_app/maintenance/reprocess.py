"""``driver-score reprocess``: score trips again from stored events, as when a threshold was wrong since Monday.

States and offsets of the group are set back together, and the revisions of what is scored again are above those of
before, so that readers of the highest revision see the new scores.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.errors import DriverScoreError
from schemas.settings import Settings
from schemas.topics import TRIP_EVENTS
from stream_app.kafka import SourceLogs
from stream_app.maintenance.offline_states import open_states
from stream_app.state.checkpoint import CONFIRM_TIMEOUT_S
from stream_app.state.inventory import Rescoring
from stream_app.state.log_changes import Lineage


class ReprocessError(DriverScoreError):
    """Events can't be scored again from a time."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"nothing was reset: {problem}. {remedy}")


@dataclass(frozen=True)
class Reset:
    """From where a group reads again.

    Attributes
    ----------
    records
        Records of trip events that are read again.
    first_revision
        Of the scores that are made again.
    """

    records: int
    first_revision: int


def reset_to(settings: Settings, since: datetime, margin: timedelta, client_id: str | None = None) -> Reset:
    """Have the group, whose workers are stopped, read and score trip events again.

    Parameters
    ----------
    settings
        Those of the workers.
    since
        Trips are scored again that had events later, by the time of the record in Kafka.
    margin
        Reading begins so much earlier: longer than a trip lasts, so that no trip is cut. Of these records nothing is
        published.
    client_id
        Only this client's trips are scored again, as far as records were read before; of all clients where null.

    Raises
    ------
    ReprocessError
        If workers run, the events of that time have expired, or partitions were raised since.
    StateError, BrokerUnavailableError, TopicError, DeliveryError
        If states can't be read or written.
    """
    kafka = settings.kafka
    logs = SourceLogs(kafka)
    if members := logs.members():
        raise ReprocessError(f"{members} workers of the group run", remedy="Stop them first")
    topic = kafka.topic_prefix + TRIP_EVENTS.name
    found = logs.read([topic])
    starts = logs.offsets_at(topic, len(found), int((since - margin).timestamp() * 1000))
    publish_from = logs.offsets_at(topic, len(found), int(since.timestamp() * 1000))
    for partition, start in starts.items():
        if 0 < start <= found[topic, partition].first_offset:
            raise ReprocessError(
                f"the first events of {topic} {partition} are later than {since - margin:%Y-%m-%dT%H:%M:%SZ}, the rest "
                "have expired",
                remedy="Choose a later time, or a shorter --margin if no trip lasts longer",
            )

    states = open_states(settings, len(found))
    for partition, start in starts.items():
        if start < states.partitions.placed_from(partition):
            raise ReprocessError(
                f"the partitions of {topic} were raised after {since - margin:%Y-%m-%dT%H:%M:%SZ}, and vehicles have "
                "moved to other ones: their trips of that time would be scored in halves",
                remedy="Choose a later time, or a shorter --margin if no trip lasts longer",
            )
    former = [Lineage.parse(source.metadata) for source in found.values()]
    offsets, records = {}, 0
    for (_, partition), source in found.items():
        stored = states.partitions.stored_position(partition)
        lineage = Lineage(source.topic_id, source.partition_count, states.generation)
        lineage = lineage.after([*former, stored.lineage if stored is not None else None], time.time())
        start = max(starts[partition], source.first_offset)
        rescoring = Rescoring(
            publish_from=publish_from[partition], up_to=(source.committed or 0) - 1, client_id=client_id
        )
        states.partitions.begin_lineage(partition, lineage, start - 1, rescoring=rescoring)
        offsets[topic, partition] = (start, str(lineage))
        records += source.end_offset - start
    states.changelog.confirm(CONFIRM_TIMEOUT_S)
    logs.commit(offsets)
    return Reset(records, lineage.first_revision)
