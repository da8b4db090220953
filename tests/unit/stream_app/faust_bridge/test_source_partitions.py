"""Which partitions are polled, and which are known to be silent: from the broker's offsets, not from elapsed time."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import NodeNotReadyError
from faust.types import TP

from stream_app.faust_bridge.source_partitions import SourcePartitions

TOPIC = "trip-events"
ONE, TWO, OTHER = TP(TOPIC, 0), TP(TOPIC, 1), TP("driver-scores-by-driver", 0)


@dataclass
class Consumer:
    """A consumer with two partitions of the topic and one of another; in place of `BatchConsumer`."""

    reads: bool = True
    polled_s_ago: dict[TP, float] = field(default_factory=lambda: {ONE: 0.1, TWO: 60.0, OTHER: 0.1})
    committed_offsets: dict[TP, int] = field(default_factory=lambda: {ONE: 10})
    end: int | None = 10
    owns: bool = True
    recommitted: list[tuple[TP, int]] = field(default_factory=list)

    async def polled_since(self, oldest_ms: float) -> list[TP]:
        now_ms = time.time() * 1000
        return [tp for tp, ago_s in self.polled_s_ago.items() if now_ms - ago_s * 1000 >= oldest_ms]

    def committed(self, tp: TP) -> int | None:
        return self.committed_offsets.get(tp)

    async def highwaters(self, tp: TP) -> dict[TP, int]:
        if self.end is None:
            raise NodeNotReadyError
        return {tp: self.end}

    async def recommit(self, tp: TP, offset: int) -> bool:
        self.recommitted.append((tp, offset))
        return self.owns


@dataclass
class App:
    consumer: Consumer


def partitions(consumer: Consumer) -> SourcePartitions:
    app: Any = App(consumer)
    return SourcePartitions(app, TOPIC)


async def test_recently_polled_partitions_of_the_topic_are_returned() -> None:
    assert await partitions(Consumer()).recently_polled() == {0}


async def test_no_partition_is_given_during_a_rebalance() -> None:
    assert await partitions(Consumer(reads=False)).recently_polled() == set()


async def test_a_partition_is_silent_after_its_last_record_when_all_are_committed() -> None:
    consumer = Consumer()
    assert await partitions(consumer).silent_after(0) == 9
    assert consumer.recommitted == [(ONE, 10)], "the broker was asked whether this worker owns it"


@pytest.mark.parametrize(
    "consumer",
    [
        pytest.param(Consumer(end=11), id="a record is not committed yet"),
        pytest.param(Consumer(committed_offsets={}), id="nothing was ever committed"),
        pytest.param(Consumer(committed_offsets={ONE: 0}), id="nothing but the beginning was committed"),
        pytest.param(Consumer(end=None), id="the broker does not answer"),
        pytest.param(Consumer(owns=False), id="another worker owns the partition"),
    ],
)
async def test_a_partition_is_not_silent_when(consumer: Consumer) -> None:
    assert await partitions(consumer).silent_after(0) is None
