"""Before partitions are read: whether stored states, committed offsets and logs still belong together.

And while they are read: whether a topic is still the one that it was, with as many partitions.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from schemas.settings import ChangedLogPolicy
from stream_app.faust_bridge.app import BatchApp, SourceStart
from stream_app.kafka import BrokerUnavailableError, KafkaAccessError, SourceLog, SourceLogs, TopicError
from stream_app.output.changelog import ChangelogWriter
from stream_app.state.checkpoint import CONFIRM_TIMEOUT_S
from stream_app.state.log_changes import (
    Lineage,
    LogChange,
    LogChangedError,
    StoredPosition,
    describe,
    find_change,
    start_offset,
)
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.telemetry import metrics
from stream_app.telemetry.health import HealthCode, WorkerHealth

log = structlog.get_logger(__name__)

_WATCH_S: Final = 5.0
_RETRY_S: Final = 1.0


class SourceCheck:
    """Checks the partitions of a worker when they are assigned, and their topics from time to time.

    Parameters
    ----------
    app
        Asked to assign partitions anew, or stopped.
    logs
        Asked what the brokers have.
    partitions, changelog
        The stored states, which belong to the partitions of ``events_topic``.
    events_topic
        Full name of the topic of trip events.
    policy
        What to do about a change.
    generation
        Gives the consumer group's generation.
    """

    def __init__(
        self,
        app: BatchApp,
        logs: SourceLogs,
        partitions: OwnedPartitions,
        changelog: ChangelogWriter,
        *,
        events_topic: str,
        policy: ChangedLogPolicy,
        generation: Callable[[], int],
    ) -> None:
        self._app = app
        self._logs = logs
        self._partitions = partitions
        self._changelog = changelog
        self._events_topic = events_topic
        self._policy = policy
        self._generation = generation
        self._topic_ids: dict[str, str | None] = {}

    async def check(self, partitions: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], SourceStart]:
        """Give where to begin each partition, which is given by topic and number.

        Raises
        ------
        LogChangedError
            When one has changed, and the policy is to stop.
        KafkaAccessError, TopicError
            When the brokers can't be asked, or have no such topic.
        DeliveryError
            When it can't be stored that a partition begins without states.
        """
        logs = await self._read({topic for topic, _ in partitions})
        self._topic_ids = {topic: source.topic_id for (topic, _), source in logs.items()}
        for place in sorted(logs.keys() - set(partitions)):
            self._check_of_other(place, logs[place])
        starts = {place: self._check(place, logs[place]) for place in sorted(partitions)}
        await asyncio.to_thread(self._changelog.confirm, CONFIRM_TIMEOUT_S)
        return starts

    async def _read(self, topics: Collection[str]) -> Mapping[tuple[str, int], SourceLog]:
        """Ask the brokers, again while none answers: partitions are also assigned while brokers restart."""
        deadline = time.monotonic() + CONFIRM_TIMEOUT_S
        while True:
            try:
                return await asyncio.to_thread(self._logs.read, topics)
            except BrokerUnavailableError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_RETRY_S)

    def _check(self, place: tuple[str, int], source: SourceLog) -> SourceStart:
        topic, partition = place
        keeps_states = topic == self._events_topic
        stored = self._partitions.stored_position(partition) if keeps_states else None
        change = find_change(source, stored, keeps_states=keeps_states) if self._policy != "unchecked" else None
        offset = start_offset(source, stored, change)
        if change is not None:
            self._report(place, change, source, stored, offset)
        lineage = committed = Lineage.parse(source.metadata)
        is_new = change is not None or lineage is None
        if lineage is None or change is not None:
            lineage = Lineage(source.topic_id, source.partition_count, self._generation())
        if change is not None:
            lineage = lineage.after([committed, stored.lineage if stored is not None else None], time.time())
        if keeps_states:
            if change is not None or stored is None or (is_new and stored.is_empty):
                self._partitions.begin_lineage(partition, lineage, offset - 1)
            else:
                self._partitions.continue_lineage(partition, lineage)
        return SourceStart(offset, str(lineage), is_new)

    def _check_of_other(self, place: tuple[str, int], source: SourceLog) -> None:
        """Check a partition that another worker owns: new ones are empty, and do not tell that they are new."""
        change = find_change(source, None, keeps_states=False)
        if change == LogChange.PARTITIONS_RAISED and self._policy == "stop":
            raise LogChangedError(*place, describe(change, source, None))

    def _report(
        self, place: tuple[str, int], change: LogChange, source: SourceLog, stored: StoredPosition | None, offset: int
    ) -> None:
        topic, partition = place
        problem = describe(change, source, stored)
        if self._policy == "stop":
            raise LogChangedError(topic, partition, problem)
        metrics.LOG_CHANGES.labels(change).inc()
        log.error("begun without states", topic=topic, partition=partition, at=offset, reason=problem)

    async def watch(self, topics: Sequence[str], partition_count: int, health: WorkerHealth) -> None:
        """Look at topics every `_WATCH_S` until cancelled, as clients do not tell one from another of its name.

        A topic that was created anew has its partitions assigned, and so checked, anew. One with another number of
        partitions stops the worker: events of a vehicle are on two partitions then.
        """
        while True:
            await asyncio.sleep(_WATCH_S)
            try:
                found = await asyncio.to_thread(self._logs.topics, topics)
            except KafkaAccessError:
                continue  # reported by who watches the broker
            for topic in topics:
                if topic not in found:
                    health.report(HealthCode.SOURCE_CHANGED, "the topic was deleted", topic=topic)
                    log.error("topic was deleted", topic=topic)
                    continue
                health.clear(HealthCode.SOURCE_CHANGED, topic=topic)
                if found[topic].partition_count != partition_count:
                    self._app.fail(_other_partitions(topic, found[topic].partition_count, partition_count))
                elif topic in self._topic_ids and found[topic].topic_id != self._topic_ids[topic]:
                    log.error("topic was created anew", topic=topic)
                    await self._app.rejoin()


def _other_partitions(topic: str, found: int, expected: int) -> TopicError:
    return TopicError(
        topic,
        f"has {found} partitions now, and had {expected}: events of a vehicle are on two of them, and its trips would "
        "be scored in halves",
        remedy="docs/operations.md tells how to move the states of open trips",
    )
