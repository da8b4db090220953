"""The Faust application: batched consumption, tables and agents, and how it starts, stops consuming and fails."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import faust
from aiokafka.errors import KafkaConnectionError, KafkaError
from faust.transport.drivers.aiokafka import Producer, Transport

from schemas.settings import KafkaSettings, WorkerSettings
from stream_app.faust_bridge.batch_consumer import BatchConsumer
from stream_app.faust_bridge.batch_stream import BatchStream
from stream_app.faust_bridge.credentials import credentials
from stream_app.faust_bridge.group_watch import denied_right, watch_group
from stream_app.faust_bridge.tables import ReplicatedTable, RereadTable
from stream_app.kafka import explain_failure

_QUEUED_BATCHES: Final = 8
"""Batches fetched ahead of the one in progress; more would only hold memory."""

_NO_TIMED_COMMIT_S: Final = 3600.0
"""Offsets are committed at checkpoints, not by Faust's timer."""

_REQUEST_TIMEOUT_S: Final = 90.0
"""Faust's default. It refuses a longer session timeout, as a request to join may wait until a session expires."""

_METADATA_AGE_MS: Final = 10_000
"""Faust's five minutes are how long a topic that was created anew or grew would not be seen."""

Agent = Callable[[BatchStream], Awaitable[None]]


class SourceStart(NamedTuple):
    """Where to begin to read a partition.

    Attributes
    ----------
    offset
        Offset of the first record to read.
    metadata
        What to commit with its offsets.
    is_new
        Whether to commit both at once, before anything is read.
    """

    offset: int
    metadata: str
    is_new: bool


SourceCheck = Callable[[Sequence[tuple[str, int]]], Awaitable[Mapping[tuple[str, int], SourceStart]]]
"""Checks the assigned partitions of batched topics, given as topic and number. Those that it leaves out begin at their
committed offset, or at their first record."""


class _Producer(Producer):
    """Faust's producer, which creates no topic: all were created or checked before, and the right may be missing."""

    async def create_topic(self, topic: str, *_args: Any, **_options: Any) -> None:
        """Leave the topic as it is."""


class BatchTransport(Transport):
    """Faust's aiokafka transport with `BatchConsumer`."""

    Consumer = BatchConsumer
    Producer = _Producer


class BatchApp(faust.App):
    """A Faust app some of whose topics are consumed in batches.

    Parameters
    ----------
    kafka
        Where Kafka is.
    batched_topics
        Full names of those topics.
    join_timeout_s
        Time to connect, and time to join the consumer group.
    """

    def __init__(
        self, *args: Any, kafka: KafkaSettings, batched_topics: Sequence[str], join_timeout_s: float, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._kafka = kafka
        self._join_timeout_s = join_timeout_s
        self._joined = asyncio.Event()
        self.batched_topics = frozenset(batched_topics)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Holds the error of an agent that failed: Faust alone would skip the event and go on."""
        self.assignment_epoch = 0
        """Counts revocations of partitions. Records that were fetched in an earlier epoch must not be processed: their
        states were dropped, and restored states lack what lies between. The consumer group's generation changes too
        late for this, when the next assignment begins."""
        self.on_partitions_assigned.connect(self._note_assignment, weak=False)

        self.check_sources: SourceCheck | None = None
        """Awaited once partitions are assigned and tables restored, before any batch is delivered."""

    def consume(self, topic: str, name: str, agent: Agent) -> None:
        """Run an agent, which has a name, on the batches of a topic, which is given by its full name."""

        async def consume(stream: faust.Stream) -> None:
            await agent(BatchStream(stream))

        raw = self.topic(topic, value_type=bytes, value_serializer="raw", key_serializer="raw")
        self.agent(raw, name=name)(consume)

    def replicated_table(self, name: str, *, reread: bool = False) -> ReplicatedTable:
        """Add a table that Faust restores from its changelog topic.

        Parameters
        ----------
        name
            Of the table; part of the changelog's name.
        reread
            Whether the changelog is read from its beginning at each assignment.
        """
        kind = RereadTable if reread else faust.Table
        table = kind(self, name=name, key_type=bytes, value_type=bytes, beacon=self.tables.beacon)
        return ReplicatedTable(self.tables.add(table))

    def on_revoked(self, reset: Callable[[], Awaitable[None]]) -> None:
        """Await this whenever partitions are revoked, once the next assignment epoch has begun."""

        async def revoked(*_args: object, **_kwargs: object) -> None:
            self.assignment_epoch += 1
            await reset()

        self.on_partitions_revoked.connect(revoked, weak=False)

    async def begin(self) -> None:
        """Start everything, and wait until tables are restored, for which the worker joins its consumer group.

        Raises
        ------
        KafkaAccessError
            When Kafka can't be used, or the worker does not join in time.
        """
        starting = asyncio.ensure_future(self.start())
        failing = asyncio.ensure_future(self.wait_until_failed())
        await asyncio.wait({starting, failing}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            failing.result()
        failing.cancel()
        try:
            starting.result()
        except KafkaError as error:
            raise await self._explained(error) from error

    async def wait_until_failed(self) -> None:
        """Wait for an error of an agent, of Faust or of the consumer group, and raise it."""
        crashed = asyncio.ensure_future(self._crashed.wait())
        group = asyncio.ensure_future(watch_group(self.consumer, self.conf.id, self._joined, self._join_timeout_s))
        try:
            await asyncio.wait({crashed, group, self.failure}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            crashed.cancel()
            group.cancel()
        if self.failure.done():
            self.failure.result()
        if group.done():
            group.result()
        raise await self._explained(self.crash_reason or RuntimeError("the Faust application crashed"))

    async def _explained(self, error: BaseException) -> BaseException:
        """Return the error of this project that says what is behind one of aiokafka; others as they are."""
        if isinstance(error, KafkaConnectionError):
            return await asyncio.to_thread(explain_failure, self._kafka, str(error))
        return denied_right(error, self.conf.id) or error

    def fail(self, error: BaseException) -> None:
        """Let `wait_until_failed` raise an error; only the first one counts."""
        if not self.failure.done():
            self.failure.set_exception(error)

    async def rejoin(self) -> None:
        """Give up all partitions, and have them assigned anew: sources are checked again."""
        await self.consumer.rejoin()

    def stop_consuming(self) -> None:
        """Let the agents finish the batch in progress, and drop what was fetched beyond it.

        As after a revocation, delivered batches then belong to an earlier epoch. So the next checkpoint commits exactly
        what the agents have done, and nothing is published that is not committed.
        """
        self.consumer.stop_flow()
        self.flow_control.suspend()
        self.assignment_epoch += 1

    async def commit_acknowledged(self) -> None:
        """Commit the offsets of all acknowledged batches."""
        await self.consumer.commit()

    async def _note_assignment(self, *_args: object, **_kwargs: object) -> None:
        self._joined.set()

    def _create_directories(self) -> None:
        """Create no folders: tables are in memory."""

    async def _on_agent_error(self, _agent: object, error: BaseException) -> None:
        self.fail(error)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)


def create_app(kafka: KafkaSettings, worker: WorkerSettings, batched_topics: Sequence[str]) -> BatchApp:
    """Create the application; within a running event loop, to which Faust binds.

    Parameters
    ----------
    kafka, worker
        Settings.
    batched_topics
        Full names of the topics that are consumed in batches.
    """
    return BatchApp(
        kafka.topic_prefix + kafka.group,
        kafka=kafka,
        batched_topics=batched_topics,
        join_timeout_s=worker.start_timeout_s,
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_credentials=credentials(kafka),
        broker_commit_interval=_NO_TIMED_COMMIT_S,
        broker_max_poll_records=None,
        broker_request_timeout=max(_REQUEST_TIMEOUT_S, worker.session_timeout_s),
        broker_session_timeout=worker.session_timeout_s,
        broker_heartbeat_interval=worker.session_timeout_s / 6,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=_METADATA_AGE_MS,
        consumer_max_fetch_size=worker.fetch_bytes,
        store="memory://",
        stream_buffer_maxsize=_QUEUED_BATCHES,
        stream_wait_empty=False,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        topic_replication_factor=kafka.replication,
        web_enabled=False,
    )
