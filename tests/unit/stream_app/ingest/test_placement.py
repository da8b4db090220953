"""Which records are on a partition that their keys do not belong to."""

import zlib

import numpy as np
import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages.dead_letter import RejectCode
from schemas.settings import Partitioner
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.ingest.placement import Placement
from tests.support.examples.decoding import a_decoder, message


def by_java(key: bytes, partition_count: int) -> int:
    return int(murmur2(key) & 0x7FFFFFFF) % partition_count


def by_librdkafka(key: bytes, partition_count: int) -> int:
    return zlib.crc32(key) % partition_count


def misplaced(keys: list[bytes | None], partition: int, count: int, partitioner: Partitioner) -> list[int]:
    records = RecordBatch("t", partition, [EncodedBatch.of_records([(key, b"{}") for key in keys])]).records()
    placement = Placement(count, partitioner)
    return list(placement.misplaced(records.content, records.key_starts, records.key_sizes, partition).tolist())


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20), st.integers(2, 100))
def test_keys_belong_where_the_clients_place_them(keys: list[bytes], count: int) -> None:
    for key in keys:
        java, librdkafka = by_java(key, count), by_librdkafka(key, count)
        assert misplaced([key], java, count, "murmur2") == []
        assert misplaced([key], librdkafka, count, "crc32") == []
        assert misplaced([key], java, count, "known") == misplaced([key], librdkafka, count, "known") == []
        for other in {0, 1, count - 1} - {java, librdkafka}:
            assert misplaced([key], other, count, "known") == [0]
        if java != librdkafka:
            assert misplaced([key], java, count, "crc32") == misplaced([key], librdkafka, count, "murmur2") == [0]


@pytest.mark.parametrize("partitioner", ["known", "murmur2", "crc32"])
def test_a_record_without_a_key_belongs_nowhere(partitioner: Partitioner) -> None:
    assert misplaced([None], 0, 4, partitioner) == [0]


def test_every_record_belongs_to_the_only_partition_and_where_producers_place_them_in_their_own_way() -> None:
    assert misplaced([None, b"a", b"b"], 0, 1, "known") == []
    assert misplaced([None, b"a", b"b"], 3, 4, "custom") == []


def a_key(partition: int, *, java: bool, librdkafka: bool) -> bytes:
    """Find a key that these clients place there, of four partitions, and no other client does."""
    keys = (f"veh_{number}".encode() for number in range(1000))
    return next(
        key
        for key in keys
        if ((by_java(key, 4) == partition), (by_librdkafka(key, 4) == partition)) == (java, librdkafka)
    )


def test_a_misplaced_record_is_rejected_and_the_others_count() -> None:
    right, wrong = a_key(2, java=True, librdkafka=False), a_key(2, java=False, librdkafka=False)
    batch = EncodedBatch.of_records([(right, message(trip_id="a")), (wrong, message(trip_id="b")), (None, message())])
    decoded = a_decoder(placement=Placement(4, "known")).decode(RecordBatch("trip-events", 2, [batch]))
    assert decoded.events.ids("trip_id") == ["a"]
    assert [(reject.code, reject.record.offset) for reject in decoded.rejects] == [
        (RejectCode.MISPLACED_KEY, 1),
        (RejectCode.MISPLACED_KEY, 2),
    ]
    assert "partition 2" in decoded.rejects[0].message
    assert "no key" in decoded.rejects[1].message


def test_records_of_both_partitioners_are_noticed_though_each_alone_is_right() -> None:
    placement = Placement(4, "known")
    for java, expected in ((True, {"murmur2"}), (False, {"murmur2", "crc32"})):
        key = a_key(1, java=java, librdkafka=not java)
        content = np.frombuffer(key, np.uint8)
        assert len(placement.misplaced(content, np.array([0]), np.array([len(key)]), 1)) == 0
        assert placement.seen == expected
