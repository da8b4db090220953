"""Faust's consumer, which delivers one message per fetched partition instead of one per record.

Faust spends about 80 µs on each message. So the records that were fetched of a partition of an event topic are
delivered as one message; changelogs are restored record by record as usual. Acknowledging a batch commits the offset
after its last record.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP, ConsumerMessage

from schemas.errors import DriverScoreError
from stream_app.faust_bridge import frame_connection  # noqa: F401 - aiokafka connects with it from now on
from stream_app.faust_bridge.fetched_records import FetchedPartitions
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_READ_COMMITTED: Final = "read_committed"
_NO_TIMESTAMP_TYPE: Final = 0
_NO_EPOCH: Final = -1

_MAX_WAIT_MS: Final = 90
"""A fetch waits for so long, or until a partition has half of what it may return: a batch costs a millisecond whatever
its size, and a broker that answers for each handful of records is as busy with that as with everything else."""


class _BatchConsumerThread(AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, which leaves the records of batched topics encoded."""

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        fetcher = consumer._fetcher
        if not isinstance(fetcher._records, FetchedPartitions):
            fetcher._fetch_max_wait_ms = _MAX_WAIT_MS
            fetcher._fetch_min_bytes = fetcher._max_partition_fetch_bytes // 2
            before, fetcher._records = fetcher._records, FetchedPartitions(self.consumer.app.batched_topics)
            fetcher._records.update(before)
        return await super()._fetch_records(consumer, *args, **kwargs)

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Create aiokafka's consumer, which reads no records of aborted transactions."""
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = _READ_COMMITTED
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets with their metadata; tell whether the broker accepted them."""
        consumer = self._ensure_consumer()
        metadata = self.consumer.commit_metadata
        assigned = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, metadata.get(tp, ""))
            for tp, offset in offsets.items()
            if tp in self.assignment()
        }
        try:
            await consumer.commit(assigned)
        except (CommitFailedError, IllegalStateError):
            log.info("offsets not committed: the partitions were revoked")
            return False
        except KafkaError as error:
            await self.crash(error)
            return False
        return True

    async def rejoin(self) -> None:
        """Have the group assign partitions anew."""
        await self.call_thread(self._rejoin)

    async def _rejoin(self) -> None:
        self._ensure_consumer()._coordinator.request_rejoin()

    async def polled_since(self, oldest_ms: float) -> list[TP]:
        """Give the assigned partitions that a fetch was answered for since a time, epoch milliseconds."""
        polled: list[TP] = await self.call_thread(self._polled_since, oldest_ms)
        return polled

    async def _polled_since(self, oldest_ms: float) -> list[TP]:
        consumer = self._ensure_consumer()
        return [tp for tp in consumer.assignment() if (consumer.last_poll_timestamp(tp) or 0) >= oldest_ms]

    async def coordination_error(self) -> tuple[Exception | None, bool]:
        """Give the error that coordination of the group waits with, if any, and whether it has ended for good."""
        if self._consumer is None or self._consumer._coordinator is None:
            return None, False  # it has not connected yet
        told: tuple[Exception | None, bool] = await self.call_thread(self._coordination_error)
        return told

    async def _coordination_error(self) -> tuple[Exception | None, bool]:
        coordinator = self._ensure_consumer()._coordinator
        try:
            coordinator.check_errors()  # lets aiokafka try again
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller raises or logs it
            return error, coordinator._coordination_task.done()
        return None, False

    async def seek_in_thread(self, tp: TP, offset: int) -> None:
        """Seek on the thread that fetches, unless the partition was revoked meanwhile."""
        await self.call_thread(self._seek_assigned, tp, offset)

    async def _seek_assigned(self, tp: TP, offset: int) -> None:
        consumer = self._ensure_consumer()
        if tp in consumer.assignment():
            consumer.seek(tp, offset)


class BatchConsumer(Consumer):
    """Faust's consumer, which delivers batches of the topics in `BatchApp.batched_topics`.

    It skips no record of those topics: a fetch that is in flight during a rebalance can return after the seek to the
    committed offset, with records beyond it. Faust would take the offsets between for a gap, and never read them.
    From the revocation of partitions it delivers nothing until tables are restored, it has sought to the committed
    offsets, and Faust has cleared the agents' queues for the last time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._epoch = self._sought_epoch = _NO_EPOCH
        self._undelivered: set[TP] = set()
        self._next_offset: dict[TP, int] = {}
        self._rewound: set[TP] = set()
        self.commit_metadata: dict[TP, str] = {}
        """Committed with the offsets of batched topics."""

    def _new_consumer_thread(self) -> _BatchConsumerThread:
        return _BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek on the thread that fetches: a seek from another thread drops records that it is just returning."""
        await self._thread.seek_in_thread(partition, offset)

    async def polled_since(self, oldest_ms: float) -> list[TP]:
        """Give the assigned partitions that a fetch was answered for since a time, epoch milliseconds."""
        return await self._thread.polled_since(oldest_ms)

    async def coordination_error(self) -> tuple[Exception | None, bool]:
        """Give the error that coordination of the group waits with, if any, and whether it has ended for good."""
        return await self._thread.coordination_error()

    def committed(self, tp: TP) -> int | None:
        """Give the committed offset of a partition as far as this consumer knows it; null for none."""
        offset: int | None = self._committed_offset.get(tp)
        return offset

    def next_to_read(self, tp: TP) -> int | None:
        """Give the offset that is read next of a partition of a batched topic; null before it is known."""
        return self._next_offset.get(tp)

    async def recommit(self, tp: TP, offset: int) -> bool:
        """Commit an offset again; the broker accepts it from the owner of the partition only."""
        return bool(await self._thread.commit({tp: offset}))

    @property
    def reads(self) -> bool:
        """Whether partitions are assigned, tables restored and offsets sought, so that records may be processed."""
        return bool(self._epoch == self.app.assignment_epoch)

    async def rejoin(self) -> None:
        """Have the group assign partitions anew."""
        await self._thread.rejoin()

    async def perform_seek(self) -> None:
        """Seek to where each partition is to begin, once tables are restored."""
        epoch = self.app.assignment_epoch
        self._undelivered.clear()
        self._rewound.clear()
        await super().perform_seek()
        batched = [tp for tp in self.assignment() if tp.topic in self.app.batched_topics]
        if not await self._start_sources(batched, epoch):
            return
        next_offset = {tp: self._read_offset[tp] or 0 for tp in self.assignment()}
        await self._skip_expired(next_offset, batched)
        if epoch != self.app.assignment_epoch:
            return  # revoked meanwhile; Faust seeks again
        self._next_offset = next_offset
        self._sought_epoch = epoch

    async def _start_sources(self, batched: Sequence[TP], epoch: int) -> bool:
        """Check partitions and begin them where the check says; tell whether they may be read."""
        if self.app.check_sources is None or not batched:
            return True
        try:
            checked = await self.app.check_sources([(tp.topic, tp.partition) for tp in batched])
        except DriverScoreError as error:
            self.app.fail(error)
            return False
        if epoch != self.app.assignment_epoch:
            return False
        starts = {TP(*place): start for place, start in checked.items()}
        self.commit_metadata = {tp: start.metadata for tp, start in starts.items()}
        moved = {tp: start.offset for tp, start in starts.items() if start.is_new}
        if moved and not await self._thread.commit(moved):
            return False  # revoked meanwhile; Faust seeks again
        for tp, start in starts.items():
            self._committed_offset[tp] = start.offset
            await self.seek(tp, start.offset)
        return True

    def resume_flow(self) -> None:
        """Deliver from now on, if all offsets were sought: Faust's last step, after clearing the agents' queues."""
        super().resume_flow()
        self._epoch = self._sought_epoch

    async def _skip_expired(self, next_offset: dict[TP, int], partitions: Iterable[TP]) -> None:
        """Move on to the first record that is left, and count the records that expired unread: they are lost."""
        for tp, first_offset in (await self.earliest_offsets(*partitions)).items():
            missing = (first_offset or 0) - next_offset[tp]
            if missing <= 0:
                continue
            if next_offset[tp] > 0:  # else nothing was ever read, and nothing is missed
                metrics.EXPIRED.labels(tp.topic).inc(missing)
                place = {"topic": tp.topic, "partition": tp.partition}
                log.error("records expired before they were read", count=missing, **place)
            next_offset[tp] += missing

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """Fetch once and yield what was returned: a batch per partition, or single records."""
        await self._refetch()
        fetched, active_partitions = await self._wait_next_records(timeout)
        generation_id = self.app.consumer_generation_id
        if fetched is None:
            return
        if self.should_stop or not self.flow_active:
            self._undelivered |= {tp for tp in fetched if tp.topic in self.app.batched_topics}
            return
        for tp, records in fetched.items():
            if active_partitions is not None and tp not in active_partitions and tp not in self._buffered_partitions:
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            is_batched = tp.topic in self.app.batched_topics
            if is_batched and not self.reads:
                self._undelivered.add(tp)
                continue
            for message in await self._next_batch(tp, records) if is_batched else self._messages(tp, records):
                if not self.flow_active or self.app.consumer_generation_id != generation_id:
                    return
                yield tp, message

    async def _refetch(self) -> None:
        """Seek back to what was fetched during a rebalance and not delivered, before any later record is."""
        if self.reads:
            while self._undelivered:
                tp = self._undelivered.pop()
                await self._seek(tp, self._next_offset.get(tp, 0))

    def _messages(self, tp: TP, records: Sequence[Any]) -> Iterator[ConsumerMessage]:
        return (self._to_message(tp, record) for record in records)

    async def _next_batch(self, tp: TP, fetched: Sequence[EncodedBatch]) -> list[ConsumerMessage]:
        """Make a message of the fetched records that were not read before, if there are any."""
        asked_from = fetched[0].asked_from
        if tp in self._rewound:
            return []  # until it is assigned anew
        if await self._seek_back(tp, asked_from):
            return []
        expected = self._next_offset.get(tp, 0)
        if asked_from < expected and any(batch.count and batch.base_offset < expected for batch in fetched):
            # Kafka's client begins anew where its offset is not in the log: the log is another, or has lost its end.
            log.warning("fetch began anew; checking the log", topic=tp.topic, partition=tp.partition, at=asked_from)
            self._rewound.add(tp)
            await self.rejoin()
            return []
        self._next_offset[tp] = max(expected, fetched[-1].last_offset + 1)
        unread = [batch.starting_at(expected) for batch in fetched if batch.count and batch.last_offset >= expected]
        if not unread:
            return []
        # Faust records a gap where a message is not the next one, and would wait for it forever.
        self._read_offset[tp] = max(unread[-1].last_offset - 1, 0)
        return [self._batch_message(tp, unread)]

    async def _seek_back(self, tp: TP, asked_from: int) -> bool:
        """Seek back if a fetch began beyond the next offset, and tell so; gaps within a fetch are the topic's own."""
        if asked_from <= self._next_offset.get(tp, asked_from):
            return False
        await self._skip_expired(self._next_offset, [tp])
        expected = self._next_offset[tp]
        if asked_from <= expected:
            return False
        log.info("fetched ahead; seeking back", topic=tp.topic, partition=tp.partition, at=asked_from, to=expected)
        await self._seek(tp, expected)
        return True

    def _batch_message(self, tp: TP, encoded: Sequence[EncodedBatch]) -> ConsumerMessage:
        batch = RecordBatch(tp.topic, tp.partition, encoded, self._epoch)
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
