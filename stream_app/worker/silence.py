"""Partitions that receive no records: their open trips are closed, since no event will show that they have ended."""

import asyncio
import time
from typing import Final

import structlog

from stream_app.faust_bridge.batch_stream import Delivery
from stream_app.faust_bridge.source_partitions import SourcePartitions
from stream_app.state.checkpoint import Checkpoint
from stream_app.worker.trip_processing import TripProcessing

log = structlog.get_logger(__name__)

_AT_ONCE_S: Final = 5.0
"""Then a checkpoint stores which trips are closed: a crash repeats no more than that."""


class SilentPartitions:
    """Closes the open trips of partitions that had no records for long, by the wall clock.

    Parameters
    ----------
    source
        The partitions of trip events.
    processing, checkpoint
        Close and store the trips.
    after_s
        A partition without records for so long is silent.
    """

    def __init__(
        self, source: SourcePartitions, processing: TripProcessing, checkpoint: Checkpoint, after_s: float
    ) -> None:
        self._source = source
        self._processing = processing
        self._checkpoint = checkpoint
        self._after_s = after_s
        self._since_s: dict[int, float] = {}

    def interrupt(self, partition: int) -> None:
        """Note that a partition had records just now."""
        self._since_s[partition] = time.monotonic()

    def reset(self) -> None:
        """Know of no silence, as partitions are revoked."""
        self._since_s.clear()

    async def close(self) -> None:
        """Close open trips of silent partitions, for at most `_AT_ONCE_S`; the next call continues.

        That a partition's trips are closed, and after which record, is stored first: if this worker crashes before all
        scores are published, the next owner closes the trips that are left, whatever records have been written
        meanwhile. Checkpoints between two calls store how far it is.
        """
        now_s = time.monotonic()
        polled = await self._source.recently_polled()
        self._since_s = {partition: self._since_s.get(partition, now_s) for partition in polled}
        silent = [partition for partition, since_s in self._since_s.items() if now_s - since_s >= self._after_s]
        if silent:
            await self._checkpoint.write()
        for partition in silent:
            self._since_s[partition] = now_s
            await self._begin(partition)
        closing = [partition for partition in polled if self._processing.is_closing(partition)]
        while closing and time.monotonic() - now_s < _AT_ONCE_S:
            if not await self._close_some(closing[-1]):
                closing.pop()

    async def finish(self, delivery: Delivery) -> None:
        """Close the trips that are still to be closed before the records of a batch are processed."""
        while self._processing.is_closing(delivery.partition):
            async with self._checkpoint.lock:
                if not delivery.is_current:
                    return
                await asyncio.to_thread(self._processing.close_some, delivery.partition)

    async def _begin(self, partition: int) -> None:
        async with self._checkpoint.lock:
            if not self._source.reads or not await asyncio.to_thread(self._processing.has_open_trips, partition):
                return
            last_offset = await self._source.silent_after(partition)
            if last_offset is not None and self._processing.included_offset(partition) <= last_offset:
                await self._checkpoint.store_silence(partition, last_offset)
                self._processing.begin_closing(partition)
                log.info("closing the trips of a silent partition", partition=partition)

    async def _close_some(self, partition: int) -> bool:
        """Close some trips of a partition; tell whether there are more."""
        async with self._checkpoint.lock:
            return self._source.reads and await asyncio.to_thread(self._processing.close_some, partition) > 0
