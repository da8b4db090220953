"""Kafka into a Faust agent by the batch: one message per fetched partition instead of one per record.

Faust spends about 80 µs on each message. So the topics of events are handed on as one message for all the records
that were fetched of a partition; tables, changelogs and everything else go record by record as usual.
Acknowledging a batch commits the offset after its last record. Its records are those that aiokafka's parser makes:
the richer ones that aiokafka makes of them would cost more than parsing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import faust
from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, ConsumerMessage

from stream_app.record_batch import KafkaRecord, RecordBatch

_NO_TIMESTAMP_TYPE: Final = 0


class _BareRecords(PartitionRecords):
    """Records of one partition as they were parsed."""

    def __iter__(self) -> Iterator[KafkaRecord]:
        iterator: Iterator[KafkaRecord] = self._records_iterator
        return iterator

    def _consumer_record(self, _tp: TP, record: KafkaRecord) -> KafkaRecord:
        return record


class _Fetched(OrderedDict[TP, FetchResult | FetchError]):
    """What aiokafka has fetched and not yet handed on, by partition."""

    def __init__(self, batched_topics: frozenset[str]) -> None:
        super().__init__()
        self._batched_topics = batched_topics

    def __setitem__(self, tp: TP, result: FetchResult | FetchError) -> None:
        if tp.topic in self._batched_topics and isinstance(result, FetchResult):
            result._partition_records.__class__ = _BareRecords  # noqa: SLF001
        super().__setitem__(tp, result)


class _BatchConsumerThread(AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, which leaves the records of batched topics bare."""

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        fetcher = consumer._fetcher  # noqa: SLF001
        if not isinstance(fetcher._records, _Fetched):  # noqa: SLF001
            before, fetcher._records = fetcher._records, _Fetched(self.consumer.app.batched_topics)  # noqa: SLF001
            fetcher._records.update(before)  # noqa: SLF001
        return await super()._fetch_records(consumer, *args, **kwargs)


class BatchConsumer(Consumer):
    """Faust's consumer, which hands on batches of the topics in `BatchApp.batched_topics`."""

    def _new_consumer_thread(self) -> _BatchConsumerThread:
        return _BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - as Faust names it
        """Fetch once and yield what came: a batch a partition, or single records."""
        batched_topics = self.app.batched_topics
        fetched, active_partitions = await self._wait_next_records(timeout)
        generation_id = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            # Faust seeks back what it fetched while a rebalance stopped the flow; so must we.
            await self.perform_seek()
            return
        for tp, records in fetched.items():
            if active_partitions is not None and tp not in active_partitions and tp not in self._buffered_partitions:
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if tp.topic not in batched_topics:
                for record in records:
                    if not self.flow_active or self.app.consumer_generation_id != generation_id:
                        return
                    yield tp, self._to_message(tp, record)
                continue
            if not self.flow_active or self.app.consumer_generation_id != generation_id:
                return
            unread = self._unread(tp, records)
            if unread:
                # Faust records a gap where a message is not the next one, and would wait for it for ever.
                self._read_offset[tp] = max(unread[-1].offset - 1, 0)
                yield tp, self._batch_message(tp, unread)

    def _unread(self, tp: TP, records: Sequence[KafkaRecord]) -> Sequence[KafkaRecord]:
        """Leave out what was read before: fetches that a seek overtook."""
        read_offset = self._read_offset[tp]
        if read_offset is None or records[0].offset >= read_offset:
            return records
        return [record for record in records if record.offset >= read_offset]

    def _batch_message(self, tp: TP, records: Sequence[KafkaRecord]) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000.0,
            timestamp_type=_NO_TIMESTAMP_TYPE,
            headers=None,
            key=None,
            value=RecordBatch(tp.topic, tp.partition, records),
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=len(records),
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

    async def commit_acknowledged(self) -> None:
        """Commit the offsets of all that was acknowledged."""
        await self.consumer.commit()

    async def _on_agent_error(self, _agent: object, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)
