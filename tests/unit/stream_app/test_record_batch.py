"""Records are found in the bytes of the broker, whatever is in them and however they are compressed."""

from dataclasses import replace
from itertools import accumulate

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from stream_app.faust_bridge.record_batch import CorruptRecordsError, EncodedBatch, KafkaRecord, RecordBatch

Header = tuple[str, bytes | None]

bytes_or_none = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3)
records = st.lists(st.tuples(bytes_or_none, bytes_or_none, headers), min_size=1, max_size=20)


def encoded(
    given_records: list[tuple[bytes | None, bytes | None, list[Header]]], base_offset: int = 0, compression: int = 0
) -> EncodedBatch:
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
    first: list[tuple[bytes | None, bytes | None, list[Header]]],
    second: list[tuple[bytes | None, bytes | None, list[Header]]],
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
def test_records_before_the_wanted_offset_are_left_out(
    given_records: list[tuple[bytes | None, bytes | None, list[Header]]], skipped: int
) -> None:
    batch = RecordBatch("t", 0, [encoded(given_records, 10).starting_at(10 + skipped)])
    assert batch.records().values() == [value for _, value, _ in given_records[skipped:]]


@pytest.mark.parametrize("count", [1, 3], ids=["too few said", "too many said"])
def test_a_batch_whose_records_do_not_add_up_is_one_clear_error(count: int) -> None:
    broken = replace(encoded([(None, b"one", []), (None, b"two", [])], 41), count=count)
    with pytest.raises(CorruptRecordsError, match="offset 41 of partition 3 of events can't be read"):
        RecordBatch("events", 3, [broken]).records()


@given(st.binary(max_size=200), st.integers(1, 5))
def test_no_bytes_make_the_search_run_wild(content: bytes, count: int) -> None:
    batch = EncodedBatch(0, count - 1, 0, count, 0, 0, memoryview(bytes(61) + content), 0, 61 + len(content))
    try:
        found = RecordBatch("t", 0, [batch]).records()
    except CorruptRecordsError:
        return
    assert all(len(value or b"") <= len(content) for value in found.values())
