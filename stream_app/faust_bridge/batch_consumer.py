"""Kafka into a Faust agent by the batch: one message per fetched partition instead of one per record.

Faust spends about 80 µs on each message. So the topics of events are handed on as one message for all the records
that were fetched of a partition; changelogs, when they are restored, go record by record as usual.
Acknowledging a batch commits the offset after its last record. aiokafka fetches, checks and filters; its records are
left the bytes that they came as, since making objects of them costs more than all that is done with most of them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import aiokafka.conn
import aiokafka.consumer.fetcher
import faust
import structlog
from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from aiokafka.record.memory_records import _MemoryRecordsPy
from crc32c import crc32c
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, ConsumerMessage, EventT

from schemas.errors import DriverScoreError
from stream_app.faust_bridge.frame_connection import FrameConnection
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_NO_TIMESTAMP_TYPE: Final = 0
_NO_TENURE: Final = -1
_FORMAT: Final = 2
"""Of record batches since Kafka 0.11."""

_COUNT_BYTES: Final = slice(57, 61)
_CHECK_SUM: Final = slice(17, 21)
"""Where the header of a record batch has the number of its records, and the check sum of all that follows it."""

_CHECKED_FROM: Final = 21

_GATHER_MS: Final = 90
"""A fetch waits for so long, or for half of what it may bring of one partition: a batch costs a millisecond whatever it
has, and a broker that answers each handful of records is as busy with that as with all else."""


class OldRecordFormatError(DriverScoreError):
    """A topic has records in a format of before Kafka 0.11."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"record format {version} can't be read. Set the topic's message.format.version to 0.11 or later, and let "
            "the old records expire, or copy them to another topic."
        )


aiokafka.consumer.fetcher.MemoryRecords = _MemoryRecordsPy
"""aiokafka's other implementation, compiled, gives no access to the bytes."""

aiokafka.conn.AIOKafkaConnection = FrameConnection


class _WholeBatch:
    """A record batch that yields itself in place of its records; the rest aiokafka's own class knows."""

    def __init__(self, batch: Any, fetched: memoryview, start: int, end: int) -> None:
        if batch.magic != _FORMAT:
            raise OldRecordFormatError(batch.magic)
        self._batch = batch
        self._fetched = fetched
        self._start = start
        self._end = end
        self._content = fetched[start:end]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def validate_crc(self) -> bool:
        """Tell whether the check sum is right, by the processor's instruction for it: 14 times as fast as aiokafka."""
        return bool(crc32c(self._content[_CHECKED_FROM:]) == int.from_bytes(self._content[_CHECK_SUM], "big"))

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[EncodedBatch]:
        batch = self._batch
        yield EncodedBatch(
            base_offset=batch.base_offset,
            last_offset=batch.next_offset - 1,
            from_offset=batch.base_offset,
            count=int.from_bytes(self._content[_COUNT_BYTES], "big"),
            compression=batch.compression_type,
            timestamp_ms=batch.max_timestamp,
            fetched=self._fetched,
            start=self._start,
            end=self._end,
        )


class _WholeBatches(_MemoryRecordsPy):
    """The record batches of what was fetched."""

    def __init__(self, fetched: bytes | bytearray | memoryview) -> None:
        super().__init__(memoryview(fetched).toreadonly())

    def next_batch(self) -> _WholeBatch:
        start, end = self._pos - len(self._next_slice), self._pos
        return _WholeBatch(super().next_batch(), self._buffer, start, end)


class _EncodedRecords(PartitionRecords):
    """What was fetched of a partition, by the record batch: checked and filtered as ever, but not taken apart."""

    def __init__(self, fetched: PartitionRecords) -> None:
        super().__init__(
            fetched._tp,  # noqa: SLF001
            _WholeBatches(fetched._records._buffer),  # noqa: SLF001
            fetched._aborted_transactions,  # noqa: SLF001
            fetched.next_fetch_offset,
            None,
            None,
            fetched._check_crcs,  # noqa: SLF001
            fetched._isolation_level,  # noqa: SLF001
        )
        fetched._records_iterator = None  # noqa: SLF001 - a cycle that would hold the bytes until the collector comes

    def _unpack_records(self) -> Iterator[EncodedBatch]:
        asked_from = following = self.next_fetch_offset
        for batch in super()._unpack_records():
            following = batch.last_offset + 1
            yield replace(batch.starting_at(asked_from), asked_from=asked_from)
        if self.next_fetch_offset > following:
            yield EncodedBatch.without_records(asked_from, self.next_fetch_offset)

    def _consumer_record(self, _tp: TP, batch: EncodedBatch) -> EncodedBatch:
        return batch


class _Fetched(OrderedDict[TP, FetchResult | FetchError]):
    """What aiokafka has fetched and not yet handed on, by partition."""

    def __init__(self, batched_topics: frozenset[str]) -> None:
        super().__init__()
        self._batched_topics = batched_topics

    def __setitem__(self, tp: TP, result: FetchResult | FetchError) -> None:
        if tp.topic in self._batched_topics and isinstance(result, FetchResult):
            result._partition_records = _EncodedRecords(result._partition_records)  # noqa: SLF001
        super().__setitem__(tp, result)


class _BatchConsumerThread(AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, which leaves the records of batched topics bare."""

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        fetcher = consumer._fetcher  # noqa: SLF001
        if not isinstance(fetcher._records, _Fetched):  # noqa: SLF001
            fetcher._fetch_max_wait_ms = _GATHER_MS  # noqa: SLF001
            fetcher._fetch_min_bytes = fetcher._max_partition_fetch_bytes // 2  # noqa: SLF001
            before, fetcher._records = fetcher._records, _Fetched(self.consumer.app.batched_topics)  # noqa: SLF001
            fetcher._records.update(before)  # noqa: SLF001
        return await super()._fetch_records(consumer, *args, **kwargs)

    async def seek_in_thread(self, tp: TP, offset: int) -> None:
        """Go to an offset, on the thread that fetches, unless the partition was taken away meanwhile."""
        await self.call_thread(self._seek_assigned, tp, offset)

    async def _seek_assigned(self, tp: TP, offset: int) -> None:
        consumer = self._ensure_consumer()
        if tp in consumer.assignment():
            consumer.seek(tp, offset)


class BatchConsumer(Consumer):
    """Faust's consumer, which hands on batches of the topics in `BatchApp.batched_topics`.

    Of those topics it skips nothing: a fetch that is under way during a rebalance can come after the seek to the
    committed offset, with records from before it. Faust would take what lies between for a gap, and never read it.
    And it hands on nothing from when partitions are taken away until tables are restored, it has sought, and Faust
    has emptied the agents' queues for the last time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tenure = self._sought_tenure = _NO_TENURE
        self._not_handed_on: set[TP] = set()
        self._next_offset: dict[TP, int] = {}

    def _new_consumer_thread(self) -> _BatchConsumerThread:
        return _BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek on the thread that fetches: Faust would drop what is fetched from under it, and it would crash."""
        await self._thread.seek_in_thread(partition, offset)

    @property
    def reads(self) -> bool:
        """Whether partitions are assigned, tables restored, and offsets sought: records may be worked on."""
        return bool(self._tenure == self.app.tenure)

    async def perform_seek(self) -> None:
        """Go back to the committed offset of each partition, or to its beginning, when tables are restored."""
        tenure = self.app.tenure
        self._not_handed_on.clear()
        await super().perform_seek()
        next_offset = {tp: self._read_offset[tp] or 0 for tp in self.assignment()}
        await self._leave_out_expired(next_offset, [tp for tp in next_offset if tp.topic in self.app.batched_topics])
        if tenure != self.app.tenure:
            return  # taken away meanwhile; Faust seeks again
        self._next_offset = next_offset
        self._sought_tenure = tenure

    def resume_flow(self) -> None:
        """Hand on from now, if all was sought: it is Faust's last step, behind the emptying of the agents' queues."""
        super().resume_flow()
        self._tenure = self._sought_tenure

    async def _leave_out_expired(self, next_offset: dict[TP, int], partitions: Iterable[TP]) -> None:
        """Go on with the first record that is left, and count those that were deleted before they were read.

        Nobody can bring them back, but somebody must know.
        """
        for tp, first_offset in (await self.earliest_offsets(*partitions)).items():
            missing = (first_offset or 0) - next_offset[tp]
            if missing <= 0:
                continue
            if next_offset[tp] > 0:  # else nothing was ever read, and nothing is missed
                metrics.EXPIRED.labels(tp.topic).inc(missing)
                place = {"topic": tp.topic, "partition": tp.partition}
                log.error("records expired before they were read", count=missing, **place)
            next_offset[tp] += missing

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - as Faust names it
        """Fetch once and yield what came: a batch a partition, or single records."""
        await self._fetch_again()
        fetched, active_partitions = await self._wait_next_records(timeout)
        generation_id = self.app.consumer_generation_id
        if fetched is None:
            return
        if self.should_stop or not self.flow_active:
            self._not_handed_on |= {tp for tp in fetched if tp.topic in self.app.batched_topics}
            return
        for tp, records in fetched.items():
            if active_partitions is not None and tp not in active_partitions and tp not in self._buffered_partitions:
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            is_batched = tp.topic in self.app.batched_topics
            if is_batched and not self.reads:
                self._not_handed_on.add(tp)
                continue
            for message in await self._next_batch(tp, records) if is_batched else self._messages(tp, records):
                if not self.flow_active or self.app.consumer_generation_id != generation_id:
                    return
                yield tp, message

    async def _fetch_again(self) -> None:
        """Go back to what came during a rebalance and was not handed on: no later record may ever show the gap."""
        if self.reads:
            while self._not_handed_on:
                tp = self._not_handed_on.pop()
                await self._seek(tp, self._next_offset.get(tp, 0))

    def _messages(self, tp: TP, records: Sequence[Any]) -> Iterator[ConsumerMessage]:
        return (self._to_message(tp, record) for record in records)

    async def _next_batch(self, tp: TP, fetched: Sequence[EncodedBatch]) -> list[ConsumerMessage]:
        """Make a message of what was fetched and not read before, if there is any."""
        if await self._has_skipped(tp, fetched[0].asked_from):
            return []
        expected = self._next_offset.get(tp, 0)
        self._next_offset[tp] = max(expected, fetched[-1].last_offset + 1)
        unread = [batch.starting_at(expected) for batch in fetched if batch.count and batch.last_offset >= expected]
        if not unread:
            return []
        # Faust records a gap where a message is not the next one, and would wait for it for ever.
        self._read_offset[tp] = max(unread[-1].last_offset - 1, 0)
        return [self._batch_message(tp, unread)]

    async def _has_skipped(self, tp: TP, asked_from: int) -> bool:
        """Seek back where a fetch asked for more than what comes next; gaps within a fetch are the topic's own."""
        if asked_from <= self._next_offset.get(tp, asked_from):
            return False
        await self._leave_out_expired(self._next_offset, [tp])
        expected = self._next_offset[tp]
        if asked_from <= expected:
            return False
        log.info("fetched ahead; seeking back", topic=tp.topic, partition=tp.partition, at=asked_from, to=expected)
        await self._seek(tp, expected)
        return True

    def _batch_message(self, tp: TP, encoded: Sequence[EncodedBatch]) -> ConsumerMessage:
        batch = RecordBatch(tp.topic, tp.partition, encoded, self._tenure)
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=batch.last_offset,
            timestamp=batch.timestamp_ms / 1000.0,
            timestamp_type=_NO_TIMESTAMP_TYPE,
            headers=None,
            key=None,
            value=batch,
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=sum(each.end - each.start for each in encoded),
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _new_offset(self, tp: TP) -> int | None:
        """Give the offset to commit of a partition.

        Batches of a partition are acknowledged in order, so the last one covers all before it.
        """
        if tp.topic not in self.app.batched_topics:
            return super()._new_offset(tp)
        acked = self._acked[tp]
        if not acked:
            return None
        newest: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return newest + 1


def is_current(event: EventT) -> bool:
    """Tell whether a batch is of this tenure; an older one is read again by the partition's owner."""
    return bool(event.value.tenure == event.app.tenure)


class BatchTransport(Transport):
    """Faust's aiokafka transport with `BatchConsumer`."""

    Consumer = BatchConsumer


class BatchApp(faust.App):
    """A Faust app some of whose topics are consumed in batches.

    Parameters
    ----------
    batched_topics
        Full names of those topics; their values must be taken raw (``value_serializer="raw"``).
    """

    def __init__(self, *args: Any, batched_topics: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batched_topics = frozenset(batched_topics)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Holds the error of an agent that failed: Faust alone would skip the event and go on."""
        self.tenure = 0
        """Counts how often partitions were taken away. Nothing that was fetched before may be worked on afterwards: its
        states are dropped, and restored ones do not have what lies between. The group's generation changes too late,
        when the next one begins."""

    async def commit_acknowledged(self) -> None:
        """Commit the offsets of all that was acknowledged."""
        await self.consumer.commit()

    def _create_directories(self) -> None:
        """Make no folders: tables are in memory."""

    async def _on_agent_error(self, _agent: object, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)
