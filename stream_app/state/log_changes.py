"""Whether stored states and the log of events still belong together.

States say up to which offset they include their log. That is void once the log is another one, or the offset is not
where a worker has committed it: events would be left out, or counted twice. So each committed offset carries the
**lineage** of the states that belong to it, and so do the stored states.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from schemas.errors import DriverScoreError
from scoring.driver_profile import REVISIONS_OF_A_START
from stream_app.kafka import SourceLog

_PREFIX: Final = "driver-score/"
_NO_ID: Final = "-"
_TEXT: Final = re.compile(rf"{_PREFIX}([^;]+)/(\d+)/(-?\d+)/(\d+);")
"""It has an end of its own: librdkafka 2.16 may read bytes behind the metadata of a committed offset along with it, as
seen with ``AdminClient.list_consumer_group_offsets``."""

_REVISIONS_FROM_S: Final = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
"""Where states are lost, the revisions of before are not known, but the clock has gone on since. Counted by the hour
from then, revisions stay below 2**31 until 2049."""

POLICY_SETTING: Final = "DRIVER_SCORE_WORKER__CHANGED_LOG"


class LogChange(StrEnum):
    """What has happened to a log, its offset or the states."""

    TOPIC_RECREATED = "topic_recreated"
    PARTITIONS_RAISED = "partitions_raised"
    OFFSET_BEYOND_END = "offset_beyond_end"
    OFFSET_SET = "offset_set"
    OFFSET_DELETED = "offset_deleted"
    STATES_LOST = "states_lost"


@dataclass(frozen=True)
class Lineage:
    """Which states belong to which log: those since a start without states.

    Attributes
    ----------
    topic_id
        Of the topic that they are of; null where brokers give none.
    partition_count
        Partitions of that topic.
    began_in
        Generation of the consumer group in which they began.
    first_revision
        Of their trips: records that are read again give scores that replace those of before.
    """

    topic_id: str | None
    partition_count: int
    began_in: int
    first_revision: int = 0

    def __str__(self) -> str:
        return f"{_PREFIX}{self.topic_id or _NO_ID}/{self.partition_count}/{self.began_in}/{self.first_revision};"

    @classmethod
    def parse(cls, text: str) -> "Lineage | None":
        """Read what was committed with an offset; null where no worker has committed it."""
        found = _TEXT.match(text)
        if found is None:
            return None
        topic_id, *numbers = found.groups()
        return cls(None if topic_id == _NO_ID else topic_id, *map(int, numbers))

    def after(self, former: Sequence["Lineage | None"], now_s: float) -> "Lineage":
        """Give this lineage with revisions above those of the former ones, as far as they are known."""
        known = max((each.first_revision for each in former if each is not None), default=0)
        by_clock = int((now_s - _REVISIONS_FROM_S) // 3600) * REVISIONS_OF_A_START
        return replace(self, first_revision=max(known + REVISIONS_OF_A_START, by_clock))

    def is_of(self, topic_id: str | None) -> bool:
        """Tell whether the states are of a topic, as far as ids are known."""
        return topic_id is None or self.topic_id is None or topic_id == self.topic_id


@dataclass(frozen=True)
class StoredPosition:
    """What the stored states of a partition say of themselves.

    Attributes
    ----------
    included_offset
        Offset of the last record that they include.
    lineage
        Null where a version of before has stored them, which wrote none.
    is_empty
        Whether no trips were stored yet.
    lost_chunks
        Chunks that should be there and are not.
    """

    included_offset: int
    lineage: Lineage | None
    is_empty: bool = False
    lost_chunks: tuple[int, ...] = ()


class LogChangedError(DriverScoreError):
    """The log of events changed under the stored states, and the settings say to stop then."""

    def __init__(self, topic: str, partition: int, problem: str) -> None:
        super().__init__(
            f"{topic} {partition}: {problem}. Nothing was read. To go on without the stored states of such partitions, "
            f"set {POLICY_SETTING}=fresh_states for one start; docs/operations.md tells what is scored then, and how "
            "to put things back instead."
        )


def find_change(  # noqa: PLR0911 - a rule after another
    log: SourceLog, stored: StoredPosition | None, *, keeps_states: bool
) -> LogChange | None:
    """Tell what has changed since a worker has committed the offset of a partition; null for nothing.

    Parameters
    ----------
    log
        The partition, and its committed offset.
    stored
        What is stored of it; null for nothing.
    keeps_states
        Whether states are stored of this topic. Of one without, only its identity and its end count.
    """
    lineage = Lineage.parse(log.metadata)
    known = (lineage, stored.lineage if stored is not None else None)
    if any(each is not None and not each.is_of(log.topic_id) for each in known):
        return LogChange.TOPIC_RECREATED  # Kafka may have deleted the offset with the topic
    if any(each is not None and each.partition_count != log.partition_count for each in known):
        return LogChange.PARTITIONS_RAISED
    if log.committed is None:
        return LogChange.OFFSET_DELETED if stored is not None and not stored.is_empty else None
    if log.committed > log.end_offset:
        return LogChange.OFFSET_BEYOND_END
    if not keeps_states:
        return None
    if lineage is None:  # of a version of before, or a tool's
        has_states = stored is not None and not stored.is_empty and stored.lineage is not None
        return LogChange.OFFSET_SET if has_states else None
    if stored is None or stored.lost_chunks or stored.lineage not in {lineage, None}:
        return LogChange.STATES_LOST
    return None


def start_offset(log: SourceLog, stored: StoredPosition | None, change: LogChange | None) -> int:
    """Give the offset to read from: after a change the first that is not known to be scored."""
    if log.committed is None or change in {LogChange.TOPIC_RECREATED, LogChange.OFFSET_BEYOND_END}:
        return log.first_offset
    if stored is None or stored.lineage is None or change == LogChange.OFFSET_SET:
        return log.committed
    # Rows that the changelog has lost at its end are made again: what the states include is what counts.
    return min(log.committed, stored.included_offset + 1)


def describe(change: LogChange, log: SourceLog, stored: StoredPosition | None) -> str:
    """Say in a sentence without its full stop what has changed."""
    lineages = (Lineage.parse(log.metadata), stored.lineage if stored is not None else None)
    former = {each.topic_id for each in lineages if each is not None} - {log.topic_id}
    included = stored.included_offset if stored is not None else None
    sentences = {
        LogChange.TOPIC_RECREATED: (
            f"the topic was deleted and created anew (its id is {log.topic_id}, was {', '.join(map(str, former))}); "
            "the stored states and any committed offset are of the former one"
        ),
        LogChange.PARTITIONS_RAISED: (
            f"the topic has {log.partition_count} partitions now, and the stored states are of before: vehicles have "
            "moved to other partitions; `driver-score topics grow` moves their open trips after them"
        ),
        LogChange.OFFSET_BEYOND_END: (
            f"the committed offset {log.committed} is beyond the end of the log, {log.end_offset}: records were lost "
            "by an election of a replica that was not in sync, or the offset was set by hand"
        ),
        LogChange.OFFSET_SET: (
            f"the committed offset {log.committed} was not set by a worker (its metadata is {log.metadata!r}), and the "
            "stored states include the records "
            f"up to {included}; `driver-score reprocess` moves both together"
        ),
        LogChange.OFFSET_DELETED: (
            "the committed offset was deleted or has expired, and the stored states include the records up to "
            f"{included}"
        ),
        LogChange.STATES_LOST: (
            f"stored states are missing{_chunks(stored)}, although offset {log.committed} is committed: the changelog "
            "has lost records, or was deleted"
        ),
    }
    return sentences[change]


def _chunks(stored: StoredPosition | None) -> str:
    if stored is None or not stored.lost_chunks:
        return ""
    return f" (chunks {', '.join(map(str, stored.lost_chunks))})"
