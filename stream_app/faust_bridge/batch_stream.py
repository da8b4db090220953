"""The batches of a topic as an agent takes them, without Faust's names."""

import asyncio
from typing import Final

import faust
from faust.types import EventT

from stream_app.faust_bridge.record_batch import RecordBatch

_OTHER_PARTITIONS_S: Final = 0.002
"""Faust needs so long to deliver the batches of the other partitions of a fetch."""


class EndOfStreamError(Exception):
    """There are no more batches: the agent is stopped."""


class Delivery:
    """One batch as it was delivered to an agent, which acknowledges it.

    Parameters
    ----------
    event
        Faust's.
    """

    def __init__(self, event: EventT) -> None:
        self._event = event
        self.partition: int = event.message.partition
        self.written_s: float = event.message.timestamp
        """When its newest record was written to Kafka, epoch seconds."""
        self.size_bytes: int = event.message.serialized_value_size

    @property
    def batch(self) -> RecordBatch:
        """The records, until `release`."""
        batch: RecordBatch = self._event.value
        return batch

    @property
    def is_current(self) -> bool:
        """Whether it was fetched in the current assignment epoch; an older one is read again by its owner."""
        return bool(self.batch.assignment_epoch == self._event.app.assignment_epoch)

    def release(self) -> None:
        """Drop the records, whose bytes the next fetch may then use."""
        self._event.value = self._event.message.value = None

    def acknowledge(self) -> None:
        """Have its offset committed at the next commit."""
        self._event.ack()


class BatchStream:
    """The batches of a topic in the order of each partition.

    Parameters
    ----------
    stream
        Faust's.
    """

    def __init__(self, stream: faust.Stream) -> None:
        self._events = stream.noack().events()
        self._queue = stream.channel

    async def take(self, up_to_bytes: int) -> list[Delivery]:
        """Wait for a batch, and take those with it that are there: up to a size, but always one.

        Raises
        ------
        EndOfStreamError
            When there are no more.
        """
        taken = [await self._next()]
        if self._queue.empty():
            await asyncio.sleep(_OTHER_PARTITIONS_S)
        while not self._queue.empty() and sum(delivery.size_bytes for delivery in taken) < up_to_bytes:
            taken.append(await self._next())
        return taken

    async def _next(self) -> Delivery:
        try:
            return Delivery(await anext(self._events))
        except StopAsyncIteration as end:
            raise EndOfStreamError from end
