"""What the agent of trip events does with batches: each once, in order, and never beside a checkpoint."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.ingest.decoding import DecodedBatch
from stream_app.worker.trip_agent import TripAgent
from tests.support.examples.decoding import a_decoder
from tests.support.fakes.fake_bridge import FakeBatchStream, FakeDelivery, batch_of

EVENT = {
    "trip_id": "trip_1",
    "vehicle_id": "veh_1",
    "driver_id": "drv_1",
    "client_id": "client_1",
    "timestamp": 1_700_000_000_000,
    "speed_kmh": 50,
}


class Steps:
    """The steps around the agent; they record what reached them."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.processed: list[tuple[int, int]] = []
        self.added: list[FakeDelivery] = []
        self.interrupted: list[int] = []
        self.finished: list[int] = []
        self.error: Exception | None = None

    def process(self, batches: Sequence[tuple[RecordBatch, DecodedBatch]]) -> None:
        if self.error is not None:
            raise self.error
        assert self.lock.locked(), "a checkpoint must not copy states meanwhile"
        self.processed += [(batch.last_offset, len(decoded.events)) for batch, decoded in batches]

    def add(self, delivery: FakeDelivery) -> None:
        assert self.processed, "a batch is acknowledged after it was processed"
        self.added.append(delivery)

    async def finish(self, delivery: FakeDelivery) -> None:
        self.finished.append(delivery.partition)

    async def keep_up(self, partition: int) -> None:
        assert partition in self.finished, "first what is to be closed"

    def interrupt(self, partition: int) -> None:
        self.interrupted.append(partition)


def deliveries(*first_offsets: int) -> list[FakeDelivery]:
    value = json.dumps(EVENT).encode()
    return [FakeDelivery(batch_of("trip-events", [value] * 10, first_offset=first)) for first in first_offsets]


def agent_with(steps: Any) -> TripAgent:
    decoder = a_decoder()
    return TripAgent(decoder, steps, steps, steps, steps)


async def test_batches_are_processed_in_order_and_added_to_the_next_checkpoint() -> None:
    steps, delivered = Steps(), deliveries(0, 10, 20)
    await agent_with(steps).run(FakeBatchStream(delivered).stream())
    assert steps.processed == [(9, 10), (19, 10), (29, 10)]
    assert steps.added == delivered
    assert steps.interrupted == steps.finished == [0, 0, 0]


async def test_batches_of_an_earlier_assignment_epoch_are_left_to_the_next_owner() -> None:
    steps, delivered = Steps(), deliveries(0, 10)
    delivered[0].is_current = False
    await agent_with(steps).run(FakeBatchStream(delivered).stream())
    assert steps.processed == [(19, 10)]
    assert steps.added == delivered[1:]


async def test_partitions_that_are_revoked_while_a_batch_waits_for_a_checkpoint_are_not_processed() -> None:
    steps, delivered = Steps(), deliveries(0)
    stream = FakeBatchStream(delivered)
    async with steps.lock:
        running = asyncio.ensure_future(agent_with(steps).run(stream.stream()))
        await stream.ended.wait()
        assert steps.processed == []
        delivered[0].is_current = False
    await running
    assert (steps.processed, steps.added) == ([], [])


async def test_a_batch_that_fails_ends_the_agent_and_is_not_acknowledged() -> None:
    steps = Steps()
    steps.error = RuntimeError("no room")
    with pytest.raises(RuntimeError, match="no room"):
        await agent_with(steps).run(FakeBatchStream(deliveries(0, 10)).stream())
    assert steps.added == []
