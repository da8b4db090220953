"""Trips of a silent partition are closed in slices: between two of them batches and checkpoints get their turn."""

import asyncio
from typing import Any

import pytest

from stream_app.worker.silence import SilentPartitions
from tests.support.fakes.fake_bridge import FakeDelivery, batch_of

SILENT_S = 0.0
"""Each partition is silent at once."""


class Steps:
    """Source, processing and checkpoint around the closing of trips; they record what reached them."""

    def __init__(self, trips: dict[int, int]) -> None:
        self.lock = asyncio.Lock()
        self.reads = True
        self.calls: list[str] = []
        self.last_offset: int | None = 99
        self._open = trips
        self._closing: dict[int, int] = dict.fromkeys(trips, 0)

    async def recently_polled(self) -> set[int]:
        return set(self._open)

    async def silent_after(self, _partition: int) -> int | None:
        return self.last_offset

    def has_open_trips(self, partition: int) -> bool:
        return self._open[partition] > 0

    def included_offset(self, _partition: int) -> int:
        return 99

    def begin_closing(self, partition: int) -> None:
        self._closing[partition] = self._open[partition]

    def is_closing(self, partition: int) -> bool:
        return self._closing[partition] > 0

    def close_some(self, partition: int) -> int:
        assert self.lock.locked(), "no batch may change the states meanwhile"
        self.calls.append(f"close {partition}")
        self._closing[partition] -= 1
        self._open[partition] -= 1
        return self._closing[partition]

    async def store_silence(self, partition: int, last_offset: int) -> None:
        self.calls.append(f"store {partition} after {last_offset}")

    async def write(self) -> None:
        self.calls.append("checkpoint")

    def silence(self) -> SilentPartitions:
        steps: Any = self
        return SilentPartitions(steps, steps, steps, SILENT_S)


async def test_that_a_partition_is_silent_is_stored_before_its_first_trip_is_closed() -> None:
    steps = Steps({3: 2})
    await steps.silence().close()
    assert steps.calls == ["checkpoint", "store 3 after 99", "close 3", "close 3"]
    await steps.silence().close()
    assert steps.calls[4:] == ["checkpoint"], "nothing is open"


async def test_others_get_the_states_between_two_slices() -> None:
    steps = Steps({0: 50})
    found: list[int] = []

    async def batch() -> None:
        while not found:
            async with steps.lock:
                if "close 0" in steps.calls:
                    found.append(steps.calls.count("close 0"))

    await asyncio.gather(steps.silence().close(), batch())
    assert found[0] < 50
    assert steps.calls.count("close 0") == 50


async def test_a_batch_of_the_partition_waits_until_its_trips_are_closed_and_no_longer() -> None:
    steps = Steps({0: 3, 1: 3})
    for partition in (0, 1):
        steps.begin_closing(partition)
    delivery: Any = FakeDelivery(batch_of("trip-events", [b"{}"], partition=1))
    await steps.silence().finish(delivery)
    assert steps.calls == ["close 1"] * 3


async def test_trips_of_a_revoked_partition_are_left_to_the_next_owner() -> None:
    steps = Steps({0: 3})
    steps.begin_closing(0)
    delivery: Any = FakeDelivery(batch_of("trip-events", [b"{}"]), is_current=False)
    await steps.silence().finish(delivery)
    steps.reads = False
    await steps.silence().close()
    assert "close 0" not in steps.calls


@pytest.mark.parametrize("end", [98, None])
async def test_a_partition_that_has_more_records_is_not_silent(end: int | None) -> None:
    steps = Steps({0: 3})
    steps.last_offset = end
    await steps.silence().close()
    assert steps.calls == ["checkpoint"]
