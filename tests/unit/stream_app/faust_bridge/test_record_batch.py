"""Records are found in the bytes of the broker, whatever is in them and however they are compressed."""

from dataclasses import replace
from itertools import accumulate

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from stream_app.faust_bridge.record_batch import CorruptRecordsError, EncodedBatch, KafkaRecord, RecordBatch, Records

HEADER_BYTES = 61
"""Of a record batch; its records come after it."""

Header = tuple[str, bytes | None]
Sent = list[tuple[bytes | None, bytes | None, list[Header]]]

bytes_or_none = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3)
records = st.lists(st.tuples(bytes_or_none, bytes_or_none, headers), min_size=1, max_size=20)


def encoded(given_records: Sent, base_offset: int = 0, compression: int = 0) -> EncodedBatch:
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1_000_000)
    for number, (key, value, of_record) in enumerate(given_records):
        builder.append(number, 1000 + number, key, value, of_record)
    content = memoryview(bytes(builder.build()))
    count = len(given_records)
    # A batch of few bytes is left uncompressed; its header says what it is.
    compression = DefaultRecordBatch(content).compression_type
    return EncodedBatch(
        base_offset, base_offset + count - 1, base_offset, count, compression, 1000, content, 0, len(content)
    )


def of_one_fetch(*batches: EncodedBatch) -> list[EncodedBatch]:
    """Put record batches behind each other, as they come when they are fetched together."""
    fetched = memoryview(b"".join(batch.fetched for batch in batches))
    ends = list(accumulate(batch.end for batch in batches))
    starts = [0, *ends]
    return [
        replace(batch, fetched=fetched, start=start, end=end)
        for batch, start, end in zip(batches, starts, ends, strict=False)
    ]


@given(first=records, second=records, compression=st.integers(0, 4), together=st.booleans())
def test_every_record_is_found_as_it_was_sent(
    first: Sent,
    second: Sent,
    compression: int,
    together: bool,
) -> None:
    batches = [encoded(first, 10, compression), encoded(second, 100)]
    batch = RecordBatch("t", 0, of_one_fetch(*batches) if together else batches)
    found = batch.records()
    offsets = [*range(10, 10 + len(first)), *range(100, 100 + len(second))]
    assert found.offsets.tolist() == offsets
    assert found.values() == [value for _, value, _ in [*first, *second]]
    assert [found[row] for row in range(len(found))] == [
        KafkaRecord(offset, key, value, of_record)
        for offset, (key, value, of_record) in zip(offsets, [*first, *second], strict=True)
    ]
    assert batch.last_offset == offsets[-1]


@given(given_records=records, skipped=st.integers(0, 25))
def test_records_before_the_wanted_offset_are_left_out(given_records: Sent, skipped: int) -> None:
    batch = RecordBatch("t", 0, [encoded(given_records, 10).starting_at(10 + skipped)])
    assert batch.records().values() == [value for _, value, _ in given_records[skipped:]]


@pytest.mark.parametrize("count", [1, 3], ids=["too few said", "too many said"])
def test_a_batch_whose_records_do_not_add_up_is_one_clear_error(count: int) -> None:
    broken = replace(encoded([(None, b"one", []), (None, b"two", [])], 41), count=count)
    with pytest.raises(CorruptRecordsError, match="offset 41 of partition 3 of events can't be read"):
        RecordBatch("events", 3, [broken]).records()


def varint(number: int) -> bytes:
    """Write a small number as Kafka does: zigzag, so its last bit is the sign."""
    zigzag = -2 * number - 1 if number < 0 else 2 * number
    assert zigzag < 0x80
    return bytes([zigzag])


def record(key_size: int, key: bytes, value_size: int, value: bytes, headers: bytes = varint(0)) -> bytes:
    """Write a record whose key and value may be shorter or longer than is said."""
    body = bytes(3) + varint(key_size) + key + varint(value_size) + value + headers
    return varint(len(body)) + body


@pytest.mark.parametrize(
    ("broken", "is_refused"),
    [
        pytest.param(record(1, b"k", 1, b"v"), False, id="whole"),
        pytest.param(record(-1, b"", -1, b""), False, id="without key and value"),
        pytest.param(record(20, b"k", 1, b"v"), True, id="a key that is longer than its record"),
        pytest.param(record(1, b"k", 20, b"v"), True, id="a value that is longer than its record"),
        pytest.param(record(1, b"k", 1, b"v", headers=b""), True, id="no count of headers"),
        pytest.param(varint(-1), True, id="a size below zero"),
    ],
)
def test_a_record_whose_parts_are_not_within_it_is_refused(broken: bytes, is_refused: bool) -> None:
    content = bytes(HEADER_BYTES) + broken + record(1, b"k", 30, b"next record" + bytes(19))
    batch = RecordBatch("t", 0, [EncodedBatch(0, 1, 0, 2, 0, 0, memoryview(content), 0, len(content))])
    if is_refused:
        with pytest.raises(CorruptRecordsError):
            batch.records()
    else:
        assert len(batch.records()) == 2


def damaged(batch: EncodedBatch, changes: dict[int, int], cut: int, behind: bytes) -> EncodedBatch:
    """Change bytes of the records, cut some off, and put others behind the batch, as those of a next one."""
    content = bytearray(batch.fetched)
    for place, byte in changes.items():
        content[HEADER_BYTES + place % (len(content) - HEADER_BYTES)] = byte
    end = max(HEADER_BYTES, len(content) - cut)
    return replace(batch, fetched=memoryview(bytes(content[:end]) + behind), end=end)


def places_found(batch: EncodedBatch) -> list[object] | None:
    """Return where each record and its parts are, or null where they can't be told apart."""
    try:
        found = RecordBatch("t", 0, [batch]).records()
    except CorruptRecordsError:
        return None
    return [*found._places.tolist(), *found.values()]


@given(
    given_records=records,
    changes=st.dictionaries(st.integers(0, 2000), st.integers(0, 255), max_size=3),
    cut=st.integers(0, 3),
    behind=st.binary(min_size=1, max_size=100),
)
def test_nothing_is_read_behind_the_end_of_a_batch_however_damaged_it_is(
    given_records: Sent, changes: dict[int, int], cut: int, behind: bytes
) -> None:
    batch = encoded(given_records)
    found = places_found(damaged(batch, changes, cut, behind))
    assert found == places_found(damaged(batch, changes, cut, bytes(len(behind))))
    if not changes:
        assert (found is None) == (cut > 0)


def test_records_that_were_read_one_by_one_are_laid_out_as_those_of_a_batch() -> None:
    pairs = [(b"key", b"value"), (None, b"v"), (b"", None), (b"k", b"")]
    batch = RecordBatch("topic", 0, [EncodedBatch.of_records(pairs)])
    given = [KafkaRecord(7 + number, key, value, []) for number, (key, value) in enumerate(pairs)]
    records = Records.of(given)
    assert [records[row] for row in range(len(records))] == given
    assert records.values() == batch.records().values()
    assert len(Records.of([])) == 0
