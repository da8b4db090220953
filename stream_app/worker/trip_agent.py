"""The agent of trip events: one batch of records after another into scores, and now and then a checkpoint."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import structlog
from faust.types import ChannelT, EventT, StreamT

from scoring.driver_scores import ScoreMaker
from scoring.features.parameters import KernelParameters
from scoring.features.state.trip_states import TripStates
from scoring.features.update import DueFeatures, close_trips, update
from stream_app.faust_bridge.batch_consumer import is_current
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.faust_bridge.source_partitions import SourcePartitions
from stream_app.ingest.decoding import DecodedBatch, Decoder
from stream_app.output.outputs import Publisher
from stream_app.state.checkpoint import Checkpoints
from stream_app.state.partition_states import PartitionStates
from stream_app.telemetry import metrics
from stream_app.telemetry.data_metrics import count_sensors
from stream_app.worker.wall_clock import now_ms

log = structlog.get_logger(__name__)

_TOGETHER_BYTES: Final = 4 * 1024 * 1024
"""Batches that wait are worked on together until they have so much, some 16,000 events: all partitions of a fetch."""

_OTHERS_S: Final = 0.002
"""Faust needs so long to hand on the batches of the other partitions of a fetch."""

_Decoded = tuple[EventT, DecodedBatch]


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
        """Take in batches until the stream ends; while some are worked on, the next ones are decoded."""
        events = stream.noack().events()
        following = asyncio.ensure_future(self._next(stream.channel, events))
        try:
            while True:
                decoded = await following
                following = asyncio.ensure_future(self._next(stream.channel, events))
                async with self._checkpoints.busy:
                    await self._take([(event, batch) for event, batch in decoded if is_current(event)])
                yield
        except StopAsyncIteration:
            return
        finally:
            following.cancel()

    async def checkpoint(self) -> None:
        """Make what has been done durable."""
        await self._checkpoints.write()

    def hurry(self) -> None:
        """Have checkpoints done as soon as they can be, as the worker stops."""
        self._checkpoints.hurry()

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
        self._publish([(owned.states, close_trips(owned.states, self._parameters, slots))])

    async def _next(self, waiting: ChannelT, events: AsyncIterator[EventT]) -> list[_Decoded]:
        """Decode what is waiting: small batches are taken together, since a batch costs the same whatever it has."""
        taken = [await anext(events)]
        if waiting.empty():
            await asyncio.sleep(_OTHERS_S)
        while not waiting.empty() and sum(event.message.serialized_value_size for event in taken) < _TOGETHER_BYTES:
            taken.append(await anext(events))
        return await asyncio.to_thread(lambda: [(event, self._decoder.decode(event.value)) for event in taken])

    async def _take(self, decoded: Sequence[_Decoded]) -> None:
        started = time.perf_counter()
        await asyncio.to_thread(self._process, [(event.value, batch) for event, batch in decoded])
        for event, _ in decoded:
            self._silent_since_s[event.value.partition] = time.monotonic()
            self._checkpoints.done(event)
            metrics.LATENCY_SECONDS.observe(max(0.0, now_ms() / 1000 - event.message.timestamp))
        metrics.BATCH_SECONDS.observe(time.perf_counter() - started)

    def _process(self, batches: Sequence[tuple[RecordBatch, DecodedBatch]]) -> None:
        due: dict[int, tuple[TripStates, DueFeatures]] = {}
        for batch, decoded in batches:
            if batch.partition in due:  # slots of what is due may get other trips
                self._publish(due.values())
                due.clear()
            due[batch.partition] = self._count(batch, decoded)
        self._publish(due.values())

    def _count(self, batch: RecordBatch, decoded: DecodedBatch) -> tuple[TripStates, DueFeatures]:
        owned = self._owned(batch.partition)
        states = owned.states
        events = owned.leave_out_included(decoded.events, decoded.offsets)
        duplicates, late = states.duplicate_count, states.late_count
        due = update(states, events, self._parameters)
        metrics.DUPLICATES.inc(states.duplicate_count - duplicates)
        metrics.LATE.inc(states.late_count - late)
        self._publisher.publish_rejects(decoded.rejects, batch.topic, batch.partition)
        owned.include(batch.last_offset)
        metrics.RECORDS.inc(decoded.record_count)
        count_sensors(events)
        metrics.EVENTS.inc(len(events))
        metrics.OPEN_TRIPS.labels(str(batch.partition)).set(len(states))
        return states, due

    def _owned(self, partition: int) -> PartitionStates:
        owned = self._checkpoints.states_of(partition)
        if owned.closed is not None:
            closed, owned.closed = owned.closed, None
            self._publish([(owned.states, closed)])
        return owned

    def _publish(self, due: Iterable[tuple[TripStates, DueFeatures]]) -> None:
        some = [(states, its_due) for states, its_due in due if len(its_due.rows) > 0]
        if some:
            self._publisher.publish_scores(self._score_maker.make(some, scored_at_ms=now_ms()))
