"""The agent of trip events: batches of records into scores."""

import asyncio
import time

from stream_app.faust_bridge.batch_stream import BatchStream, Delivery, EndOfStreamError
from stream_app.ingest.decoding import DecodedBatch, Decoder
from stream_app.state.checkpoint import Checkpoint
from stream_app.telemetry import metrics
from stream_app.wall_clock import now_ms
from stream_app.worker.late_corrections import LateCorrections
from stream_app.worker.silence import SilentPartitions
from stream_app.worker.trip_processing import TripProcessing

_TOGETHER_BYTES = 4 * 1024 * 1024
"""Waiting batches are processed together up to this size, some 16,000 events: all partitions of a fetch. A batch costs
the same whatever its size."""

_Decoded = list[tuple[Delivery, DecodedBatch]]


class TripAgent:
    """Consumes trip events; batches and checkpoints never overlap.

    Parameters
    ----------
    decoder, processing, checkpoint
        The steps of the work.
    silence
        Told of each batch, and closes what is to be closed before it.
    late
        Corrects trips before a batch where too many wait.
    """

    def __init__(
        self,
        decoder: Decoder,
        processing: TripProcessing,
        checkpoint: Checkpoint,
        silence: SilentPartitions,
        late: LateCorrections,
    ) -> None:
        self._decoder = decoder
        self._processing = processing
        self._checkpoint = checkpoint
        self._silence = silence
        self._late = late

    async def run(self, batches: BatchStream) -> None:
        """Process batches until the stream ends; while some are processed, the next ones are decoded."""
        following = asyncio.ensure_future(self._take(batches))
        try:
            while True:
                decoded = await following
                following = asyncio.ensure_future(self._take(batches))
                for delivery, _ in decoded:
                    await self._silence.finish(delivery)
                    await self._late.keep_up(delivery.partition)
                async with self._checkpoint.lock:
                    await self._process([(delivery, batch) for delivery, batch in decoded if delivery.is_current])
        except EndOfStreamError:
            return
        finally:
            following.cancel()

    async def _take(self, batches: BatchStream) -> _Decoded:
        taken = await batches.take(_TOGETHER_BYTES)
        return await asyncio.to_thread(lambda: [(delivery, self._decoder.decode(delivery.batch)) for delivery in taken])

    async def _process(self, decoded: _Decoded) -> None:
        started = time.perf_counter()
        await asyncio.to_thread(self._processing.process, [(delivery.batch, batch) for delivery, batch in decoded])
        for delivery, _ in decoded:
            self._silence.interrupt(delivery.partition)
            self._checkpoint.add(delivery)
            metrics.LATENCY_SECONDS.observe(max(0.0, now_ms() / 1000 - delivery.written_s))
        metrics.BATCH_SECONDS.observe(time.perf_counter() - started)
