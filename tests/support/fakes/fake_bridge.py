"""The bridge without Faust: batches that tests deliver, and what became of them."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import cast

from stream_app.faust_bridge.batch_stream import BatchStream, Delivery, EndOfStreamError
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch


@dataclass
class FakeDelivery:
    """A batch, and whether it was released and acknowledged."""

    batch: RecordBatch
    is_current: bool = True
    is_released: bool = False
    is_acknowledged: bool = False
    written_s: float = 0.0
    size_bytes: int = 1

    @property
    def partition(self) -> int:
        return self.batch.partition

    def release(self) -> None:
        self.is_released = True

    def acknowledge(self) -> None:
        self.is_acknowledged = True


@dataclass
class FakeBatchStream:
    """Gives the batches that were delivered, one at a time, and then ends."""

    deliveries: list[FakeDelivery]
    taken: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the end was reached: whatever was delivered is with the agent by then."""

    async def take(self, up_to_bytes: int) -> list[Delivery]:
        assert up_to_bytes >= 1
        await asyncio.sleep(0)
        if self.taken == len(self.deliveries):
            self.ended.set()
            raise EndOfStreamError
        self.taken += 1
        return [cast("Delivery", self.deliveries[self.taken - 1])]

    def stream(self) -> BatchStream:
        return cast("BatchStream", self)


def batch_of(topic: str, values: list[bytes | None], *, partition: int = 0, first_offset: int = 0) -> RecordBatch:
    """Encode values as the records of a batch, from an offset on."""
    encoded = EncodedBatch.of_records([(b"key", value) for value in values])
    last_offset = first_offset + encoded.last_offset
    shifted = replace(encoded, base_offset=first_offset, from_offset=first_offset, last_offset=last_offset)
    return RecordBatch(topic, partition, [shifted])
