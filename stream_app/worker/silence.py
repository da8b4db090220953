"""Partitions that receive no records: their open trips are closed, since no event will show that they have ended."""

import time

from stream_app.faust_bridge.source_partitions import SourcePartitions
from stream_app.state.checkpoint import Checkpoint
from stream_app.worker.trip_processing import TripProcessing


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
        """Close the open trips of silent partitions.

        That a partition's trips are closed, and after which record, is stored first: if this worker crashes before all
        scores are published, the next owner closes the same trips, whatever records have been written meanwhile.
        """
        now_s = time.monotonic()
        polled = await self._source.recently_polled()
        self._since_s = {partition: self._since_s.get(partition, now_s) for partition in polled}
        silent = [partition for partition, since_s in self._since_s.items() if now_s - since_s >= self._after_s]
        if not silent:
            return
        await self._checkpoint.write()
        async with self._checkpoint.lock:
            for partition in silent:
                if self._source.reads:
                    await self._close(partition)
                    self._since_s[partition] = now_s

    async def _close(self, partition: int) -> None:
        if not self._processing.has_open_trips(partition):
            return
        last_offset = await self._source.silent_after(partition)
        if last_offset is not None and self._processing.included_offset(partition) <= last_offset:
            await self._checkpoint.store_silence(partition, last_offset)
            self._processing.close_open_trips(partition)
