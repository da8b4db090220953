"""The agent of trip events: one batch of records after another into scores, and now and then a checkpoint."""

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from faust.types import EventT, StreamT

from scoring.driver_scores import ScoreMaker
from scoring.features.thresholds import KernelParameters
from scoring.features.update import DueFeatures, close_trips, update
from stream_app import metrics
from stream_app.batch_consumer import is_current
from stream_app.commit import Checkpoints
from stream_app.data_metrics import count_sensors
from stream_app.decoding import DecodedBatch, Decoder
from stream_app.partition_states import PartitionStates
from stream_app.publishing import Publisher
from stream_app.record_batch import RecordBatch
from stream_app.source_partitions import SourcePartitions
from stream_app.wall_clock import now_ms

log = structlog.get_logger(__name__)


class TripAgent:
    """Does the work on trip events; batches and checkpoints never overlap.

    Parameters
    ----------
    decoder, parameters, score_maker, publisher, checkpoints
        The steps of the work.
    source
        The partitions of trip events.
    """

    def __init__(
        self,
        *,
        decoder: Decoder,
        parameters: KernelParameters,
        score_maker: ScoreMaker,
        publisher: Publisher,
        checkpoints: Checkpoints,
        source: SourcePartitions,
    ) -> None:
        self._decoder = decoder
        self._parameters = parameters
        self._score_maker = score_maker
        self._publisher = publisher
        self._checkpoints = checkpoints
        self._source = source
        self._silent_since_s: dict[int, float] = {}

    async def run(self, stream: StreamT) -> AsyncIterator[None]:
        """Take in batches until the stream ends; while one is worked on, the next is decoded."""
        events = stream.noack().events()
        following = asyncio.ensure_future(self._next(events))
        try:
            while True:
                event, decoded = await following
                following = asyncio.ensure_future(self._next(events))
                async with self._checkpoints.busy:
                    if is_current(event):
                        await self._take(event, decoded)
                yield
        except StopAsyncIteration:
            return
        finally:
            following.cancel()

    async def checkpoint(self) -> None:
        """Make what has been done durable."""
        await self._checkpoints.write()

    async def forget(self) -> None:
        """Drop all states, as partitions are taken away."""
        async with self._checkpoints.busy:
            self._checkpoints.forget()
            self._silent_since_s.clear()

    async def close_silent(self, after_s: float) -> None:
        """Close the open trips of partitions that had no records for so long, by the wall clock.

        It is stored first that they are closed, and after which record: should this worker crash before all is
        published, the next one closes the same trips, whatever has come meanwhile.
        """
        now_s = time.monotonic()
        heard = await self._source.heard()
        self._silent_since_s = {partition: self._silent_since_s.get(partition, now_s) for partition in heard}
        silent = [partition for partition, since_s in self._silent_since_s.items() if now_s - since_s >= after_s]
        if not silent:
            return
        await self._checkpoints.write()
        async with self._checkpoints.busy:
            for partition in silent:
                if self._source.reads:
                    await self._close_silent(partition)
                    self._silent_since_s[partition] = now_s

    async def _close_silent(self, partition: int) -> None:
        owned = self._owned(partition)
        slots = owned.open_slots()
        if len(slots) == 0:
            return
        last_offset = await self._source.silent_after(partition)
        if last_offset is None or owned.included_offset > last_offset:
            return
        await self._checkpoints.store_silence(partition, last_offset)
        self._publish(owned, close_trips(owned.states, self._parameters, slots))

    async def _next(self, events: AsyncIterator[EventT]) -> tuple[EventT, DecodedBatch]:
        event = await anext(events)
        return event, await asyncio.to_thread(self._decoder.decode, event.value)

    async def _take(self, event: EventT, decoded: DecodedBatch) -> None:
        batch: RecordBatch = event.value
        started = time.perf_counter()
        await asyncio.to_thread(self._process, batch, decoded)
        self._checkpoints.done(event)
        self._silent_since_s[batch.partition] = time.monotonic()
        metrics.BATCH_SECONDS.observe(time.perf_counter() - started)
        metrics.LATENCY_SECONDS.observe(max(0.0, now_ms() / 1000 - event.message.timestamp))

    def _process(self, batch: RecordBatch, decoded: DecodedBatch) -> None:
        owned = self._owned(batch.partition)
        events = owned.leave_out_included(decoded.events, decoded.offsets)
        duplicates, late = owned.states.duplicate_count, owned.states.late_count
        self._publish(owned, update(owned.states, events, self._parameters))
        metrics.DUPLICATES.inc(owned.states.duplicate_count - duplicates)
        metrics.LATE.inc(owned.states.late_count - late)
        self._publisher.publish_rejects(decoded.rejects, batch.topic, batch.partition)
        owned.include(batch.last_offset)
        metrics.RECORDS.inc(decoded.record_count)
        count_sensors(events)
        metrics.EVENTS.inc(len(events))
        metrics.OPEN_TRIPS.labels(str(batch.partition)).set(len(owned.states))

    def _owned(self, partition: int) -> PartitionStates:
        owned = self._checkpoints.states_of(partition)
        if owned.closed is not None:
            closed, owned.closed = owned.closed, None
            self._publish(owned, closed)
        return owned

    def _publish(self, owned: PartitionStates, due: DueFeatures) -> None:
        if len(due.rows) > 0:
            self._publisher.publish_scores(self._score_maker.make(owned.states, due, scored_at_ms=now_ms()))
