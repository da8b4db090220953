"""What the consumer delivers of what was fetched: each record once, and none left out."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from faust.types import TP

from schemas.settings import KafkaSettings
from stream_app.faust_bridge.app import BatchApp
from stream_app.faust_bridge.batch_consumer import BatchConsumer, _BatchConsumerThread
from stream_app.faust_bridge.fetched_records import WholeBatches
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.telemetry import metrics

EVENTS = TP("trip-events", 0)
APP: dict[str, Any] = {
    "kafka": KafkaSettings(),
    "batched_topics": [EVENTS.topic],
    "join_timeout_s": 60,
    "broker": "kafka://127.0.0.1:1",
    "store": "memory://",
}


def fetched(first: int, last: int, asked_from: int | None = None) -> EncodedBatch:
    """Make a record batch of these offsets, as a fetch from the first one, or from before it, gives it."""
    encoded = EncodedBatch.of_records([(b"key", b"value")] * (last - first + 1))
    asked_from = first if asked_from is None else asked_from
    return replace(encoded, base_offset=first, last_offset=last, from_offset=first, asked_from=asked_from)


class SteeredConsumer(BatchConsumer):
    """Fetches what a test sets, and records where it seeks to; otherwise the real consumer."""

    first_offset = 0

    def fetch_next(self, committed_offset: int | None, *batches: EncodedBatch) -> None:
        self._committed = committed_offset
        self._fetches = list(batches)
        self.sought: list[int] = []

    rejoined = 0

    async def rejoin(self) -> None:
        self.rejoined += 1

    async def begin(self) -> None:
        """Do what Faust does when tables are restored."""
        await self.perform_seek()
        self.app.flow_control.resume()
        self.resume_flow()

    async def _wait_next_records(self, _timeout: float) -> tuple[dict[TP, list[EncodedBatch]], set[TP]]:
        return {EVENTS: [self._fetches.pop(0)]}, {EVENTS}

    async def _seek(self, _partition: TP, offset: int) -> None:
        self.sought.append(offset)

    async def seek_to_committed(self) -> dict[TP, int | None]:
        return {EVENTS: self._committed}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int | None]:
        return dict.fromkeys(partitions, self.first_offset)

    def assignment(self) -> set[TP]:
        return {EVENTS}

    def highwater(self, _tp: TP) -> int:
        return 1000


@contextlib.contextmanager
def a_consumer() -> Iterator[SteeredConsumer]:
    app = BatchApp("test", **APP)
    consumer = SteeredConsumer(app.transport, callback=print, on_partitions_revoked=print, on_partitions_assigned=print)
    consumer.flow_active = True
    yield consumer
    consumer._thread.thread_loop.close()


async def next_batches(consumer: SteeredConsumer) -> list[RecordBatch]:
    return [message.value async for _, message in consumer.getmany(timeout=1)]


def delivered(committed: int | None, *batches: EncodedBatch) -> tuple[list[range], list[int]]:
    """Give the offsets of each batch that is delivered from a committed offset on, and what was sought."""

    async def run() -> tuple[list[range], list[int]]:
        with a_consumer() as consumer:
            consumer.fetch_next(committed, *batches)
            await consumer.begin()
            found = [batch for _ in batches for batch in await next_batches(consumer)]
            offsets = [range(each.from_offset, each.last_offset + 1) for batch in found for each in batch.encoded]
            return offsets, consumer.sought

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("committed", "fetches", "offsets", "sought"),
    [
        pytest.param(10, [(10, 19), (20, 29)], [(10, 19), (20, 29)], [], id="one after the other"),
        pytest.param(10, [(0, 14, 10), (15, 19)], [(10, 14), (15, 19)], [], id="what was committed is left out"),
        pytest.param(10, [(0, 9, 10), (10, 19)], [(10, 19)], [], id="all of it was committed"),
        pytest.param(10, [(20, 29), (10, 29)], [(10, 29)], [10], id="fetched before the seek to the committed offset"),
        pytest.param(None, [(20, 29), (0, 29)], [(0, 29)], [0], id="nothing was committed yet"),
        pytest.param(10, [(20, 29), (30, 39), (10, 39)], [(10, 39)], [10, 10], id="two such fetches were under way"),
        pytest.param(10, [(20, 29, 10)], [(20, 29)], [], id="the topic itself has a gap"),
        pytest.param(10, [(10, 19), (22, 29, 20)], [(10, 19), (22, 29)], [], id="and another gap"),
    ],
)
def test_each_record_is_delivered_once(
    committed: int | None, fetches: list[tuple[int, ...]], offsets: list[tuple[int, int]], sought: list[int]
) -> None:
    found = delivered(committed, *(fetched(*each) for each in fetches))
    assert found == ([range(first, last + 1) for first, last in offsets], sought)


async def test_nothing_is_delivered_from_when_partitions_are_revoked_until_the_consumer_has_sought_again() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19))
        await consumer.begin()
        [before] = await next_batches(consumer)
        assert before.assignment_epoch == consumer.app.assignment_epoch

        consumer.app.assignment_epoch += 1
        assert before.assignment_epoch != consumer.app.assignment_epoch, "what is still in a queue is of before"
        consumer.fetch_next(10, fetched(20, 29))
        assert await next_batches(consumer) == []

        consumer.fetch_next(10, fetched(10, 29))
        await consumer.begin()
        [after] = await next_batches(consumer)
        assert (after.assignment_epoch, after.encoded[0].from_offset) == (consumer.app.assignment_epoch, 10)


async def test_a_log_that_begins_anew_is_not_read_until_its_partitions_are_assigned_and_checked_again() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19), fetched(0, 9), fetched(10, 29))
        await consumer.begin()
        assert len(await next_batches(consumer)) == 1
        for _ in range(2):
            assert await next_batches(consumer) == []
        assert consumer.rejoined == 1
        consumer.fetch_next(0, fetched(0, 29))
        await consumer.begin()
        [after] = await next_batches(consumer)
        assert after.encoded[0].from_offset == 0


async def test_partitions_that_are_revoked_while_the_consumer_seeks_are_not_read() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19))
        seek = consumer.seek_to_committed

        async def revoked() -> dict[TP, int | None]:
            consumer.app.assignment_epoch += 1
            return await seek()

        consumer.seek_to_committed = revoked  # type: ignore[method-assign]
        await consumer.begin()
        assert await next_batches(consumer) == []


@pytest.mark.parametrize(
    ("committed", "first_offset", "expired"), [(10, 0, 0), (10, 10, 0), (10, 40, 30), (None, 40, 0)]
)
async def test_records_that_were_deleted_before_they_were_read_are_counted(
    committed: int | None, first_offset: int, expired: int
) -> None:
    counted = metrics.EXPIRED.labels(EVENTS.topic)
    before = counted._value.get()
    with a_consumer() as consumer:
        consumer.first_offset = first_offset
        consumer.fetch_next(committed)
        await consumer.begin()
    assert counted._value.get() - before == expired


async def test_what_is_fetched_while_the_consumer_still_seeks_is_fetched_again() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19))
        seek = consumer.seek_to_committed

        async def fetched_meanwhile() -> dict[TP, int | None]:
            assert await next_batches(consumer) == []
            return await seek()

        consumer.seek_to_committed = fetched_meanwhile  # type: ignore[method-assign]
        await consumer.begin()
        consumer.fetch_next(10, fetched(10, 19))
        [batch] = await next_batches(consumer)
        assert batch.encoded[0].from_offset == 10
        assert consumer.sought == [10], "no later record may come that would show the gap"


async def test_what_is_fetched_before_faust_has_emptied_the_queues_is_fetched_again_and_not_lost_in_them() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19), fetched(10, 19))
        await consumer.perform_seek()
        assert await next_batches(consumer) == []
        consumer.app.flow_control.resume()
        consumer.resume_flow()
        [batch] = await next_batches(consumer)
        assert (batch.encoded[0].from_offset, consumer.sought) == (10, [10])


async def test_what_comes_while_the_flow_is_stopped_is_fetched_again() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19), fetched(10, 19))
        await consumer.begin()
        consumer.stop_flow()
        assert await next_batches(consumer) == []
        consumer.resume_flow()
        [batch] = await next_batches(consumer)
        assert (batch.encoded[0].from_offset, consumer.sought) == (10, [10])


async def test_seeks_run_on_the_thread_that_fetches_as_they_drop_what_it_may_just_hand_out() -> None:
    sought_on: list[str] = []

    class Client:
        """Stands in for aiokafka's consumer."""

        async def start(self) -> None:
            self.thread = threading.current_thread().name

        async def stop(self) -> None:
            pass

        def assignment(self) -> set[TP]:
            return {EVENTS}

        def seek(self, _tp: TP, _offset: int) -> None:
            sought_on.append(threading.current_thread().name)

    class Thread(_BatchConsumerThread):
        def _create_consumer(self, **_options: object) -> Client:
            return Client()

    app = BatchApp("test", **APP)
    consumer = BatchConsumer(app.transport, callback=print, on_partitions_revoked=print, on_partitions_assigned=print)
    consumer._thread.thread_loop.close()
    consumer._thread = thread = Thread(consumer, loop=asyncio.get_running_loop(), beacon=consumer.beacon)
    await thread.start()
    await consumer.seek(EVENTS, 5)
    await consumer.seek(TP(EVENTS.topic, 1), 5)  # revoked meanwhile: aiokafka would raise
    assert sought_on == [thread._consumer.thread] != [threading.current_thread().name]
    await thread.stop()


async def test_control_records_are_no_gap_whether_they_end_a_fetch_or_are_all_of_it() -> None:
    with a_consumer() as consumer:
        ends = EncodedBatch.without_records(10, 21)
        consumer.fetch_next(10, fetched(10, 19), ends, EncodedBatch.without_records(21, 22), fetched(22, 29))
        await consumer.begin()
        offsets = [batch.encoded[0].from_offset for _ in range(4) for batch in await next_batches(consumer)]
        assert (offsets, consumer.sought) == ([10, 22], [])


async def test_records_that_expire_while_they_wait_are_left_out_and_counted() -> None:
    with a_consumer() as consumer:
        consumer.fetch_next(10, fetched(10, 19), fetched(50, 59))
        await consumer.begin()
        before = metrics.EXPIRED.labels(EVENTS.topic)._value.get()
        await next_batches(consumer)
        consumer.first_offset = 50
        [batch] = await next_batches(consumer)
        assert (batch.encoded[0].from_offset, consumer.sought) == (50, [])
        assert metrics.EXPIRED.labels(EVENTS.topic)._value.get() - before == 30


@pytest.mark.parametrize("broken_at", [None, 21, 60, -1])
def test_a_record_batch_is_refused_when_a_byte_behind_its_check_sum_is_another(broken_at: int | None) -> None:
    content = bytearray(EncodedBatch.of_records([(b"key", b"value")] * 3).fetched)
    if broken_at is not None:
        content[broken_at] ^= 1
    assert WholeBatches(content).next_batch().validate_crc() == (broken_at is None)
