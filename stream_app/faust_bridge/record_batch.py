"""A run of Kafka records of one partition, handled as one.

Records stay the bytes that the broker sent until a kernel finds where each begins: making an object of every record
costs more than everything that is done with most of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from numpy.typing import NDArray

from schemas.errors import DriverScoreError
from scoring.events import borrowed, inlined_kernel, kernel

_DECODERS: Final[dict[int, Callable[[bytes], bytes]]] = {
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}
"""By the compression type of a record batch (Kafka protocol, record batch, attributes bits 0 to 2); 0 is none."""

_HEADER_BYTES: Final = 61
"""Of a record batch of format 2; its records come behind."""

_NO_HEADERS: Final = b"\0"
"""Their number, as a varint."""

_PLACE: Final = np.dtype(
    [
        ("offset", np.int64),
        ("key_start", np.int64),
        ("key_size", np.int64),  # -1 for none
        ("value_start", np.int64),
        ("value_size", np.int64),  # -1 for none
        ("headers_start", np.int64),
    ]
)


class CorruptRecordsError(DriverScoreError):
    """A record batch whose checksum is right, but whose records can't be told apart."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(
            f"the record batch at offset {offset} of partition {partition} of {topic} can't be read. Find out what "
            "wrote it. To go on behind it, stop the workers, set the group's offset with kafka-consumer-groups, and "
            "start them once with DRIVER_SCORE_WORKER__CHANGED_LOG=fresh_states."
        )


@dataclass(frozen=True)
class KafkaRecord:
    """One record as it was received."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True)
class EncodedBatch:
    """A record batch as the broker has it: compressed perhaps, one record or many.

    Attributes
    ----------
    base_offset, last_offset
        Of its first record, and of its last.
    from_offset
        Records before it were read already.
    count
        Records in it.
    compression
        Its type.
    timestamp_ms
        Largest timestamp of its records.
    fetched
        The bytes that it came with, read-only: record batches of one fetch of a partition lie in the same.
    start, end
        Where its own begin, with its header, and end.
    asked_from
        Offset that its fetch asked for: between that and this batch there are no records but those of the fetch.
    """

    base_offset: int
    last_offset: int
    from_offset: int
    count: int
    compression: int
    timestamp_ms: int
    fetched: memoryview
    start: int
    end: int
    asked_from: int = 0

    @classmethod
    def without_records(cls, asked_from: int, next_offset: int) -> "EncodedBatch":
        """Say that a fetch has found none: what there is, are control records and aborted transactions."""
        return cls(asked_from, next_offset - 1, asked_from, 0, 0, 0, memoryview(b""), 0, 0, asked_from)

    @classmethod
    def of_records(cls, records: Sequence[tuple[bytes | None, bytes | None]]) -> "EncodedBatch":
        """Encode records as a producer does, each given as key and value."""
        room = sum(len(key or b"") + len(value or b"") + 64 for key, value in records) + _HEADER_BYTES
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, room)
        for offset, (key, value) in enumerate(records):
            builder.append(offset, 0, key, value, [])
        content = memoryview(builder.build()).toreadonly()
        return cls(0, len(records) - 1, 0, len(records), 0, 0, content, 0, len(content))

    @property
    def offset(self) -> int:
        """Where aiokafka takes it to be: at its last record."""
        return self.last_offset

    def starting_at(self, offset: int) -> "EncodedBatch":
        """Leave out the records before an offset."""
        return replace(self, from_offset=max(offset, self.from_offset))

    def records(self) -> bytes | memoryview:
        """Give the bytes of the records, decompressed."""
        encoded = self.fetched[self.start + _HEADER_BYTES : self.end]
        return encoded if self.compression == 0 else _DECODERS[self.compression](bytes(encoded))


class Records:
    """Records whose places are known.

    Attributes
    ----------
    content
        uint8 array: bytes of all records.
    offsets, key_starts, key_sizes, value_starts, value_sizes
        int64 arrays [records]: offset of each, and where its key and its value are; a size is -1 where there is none.
    """

    def __init__(self, content: NDArray[np.uint8], places: NDArray[np.void]) -> None:
        self.content = content
        self.offsets = places["offset"]
        self.key_starts = np.ascontiguousarray(places["key_start"])
        self.key_sizes = np.ascontiguousarray(places["key_size"])
        self.value_starts = np.ascontiguousarray(places["value_start"])
        self.value_sizes = np.ascontiguousarray(places["value_size"])
        self._places = places

    @classmethod
    def of(cls, records: Sequence[KafkaRecord]) -> "Records":
        """Lay out records; their headers are left out."""
        parts = [part for record in records for part in (record.key, record.value)]
        sizes = np.array([len(part or b"") for part in parts], np.int64).reshape(-1, 2)
        ends = np.cumsum(sizes.ravel()).reshape(-1, 2)
        places = np.zeros(len(records), _PLACE)
        places["offset"] = [record.offset for record in records]
        for column, name in enumerate(("key", "value")):
            is_null = np.array([part is None for part in parts[column::2]], np.bool_)
            places[f"{name}_start"] = ends[:, column] - sizes[:, column]
            places[f"{name}_size"] = np.where(is_null, -1, sizes[:, column])
        content = b"".join(part or b"" for part in parts) + _NO_HEADERS
        places["headers_start"] = len(content) - 1
        return cls(np.frombuffer(content, np.uint8), places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row: int) -> KafkaRecord:
        place = self._places[row]
        return KafkaRecord(
            offset=int(place["offset"]),
            key=self._text(place["key_start"], place["key_size"]),
            value=self._text(place["value_start"], place["value_size"]),
            headers=self._headers(int(place["headers_start"])),
        )

    def values(self) -> list[bytes | None]:
        """Give the values of all records."""
        content = self.content.tobytes()
        return [
            content[start : start + size] if size >= 0 else None
            for start, size in zip(self.value_starts.tolist(), self.value_sizes.tolist(), strict=True)
        ]

    def _text(self, start: int, size: int) -> bytes | None:
        return self.content[start : start + size].tobytes() if size >= 0 else None

    def _headers(self, at: int) -> list[tuple[str, bytes | None]]:
        headers = []
        count, at = _read_varint(self.content, at, len(self.content))
        for _ in range(count):
            size, at = _read_varint(self.content, at, len(self.content))
            name = self.content[at : at + size].tobytes().decode(errors="replace")
            at += size
            size, at = _read_varint(self.content, at, len(self.content))
            headers.append((name, self._text(at, size)))
            at += max(size, 0)
        return headers


@dataclass(frozen=True)
class RecordBatch:
    """Records of one partition in the order of their offsets; never empty.

    Attributes
    ----------
    topic, partition
        Where they are from.
    encoded
        As they were fetched.
    assignment_epoch
        In which they were fetched; see `BatchApp`.
    """

    topic: str
    partition: int
    encoded: Sequence[EncodedBatch]
    assignment_epoch: int = 0

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.encoded[-1].last_offset

    @property
    def timestamp_ms(self) -> int:
        """When the last record batch was sent, epoch milliseconds."""
        return self.encoded[-1].timestamp_ms

    def records(self) -> Records:
        """Find the records.

        Raises
        ------
        CorruptRecordsError
            When they can't be told apart.
        """
        content, starts, ends = self._bytes()
        counts = np.array([batch.count for batch in self.encoded])
        base_offsets = np.array([batch.base_offset for batch in self.encoded])
        from_offsets = np.array([batch.from_offset for batch in self.encoded])
        places = np.zeros(int(counts.sum()), _PLACE)
        found, broken = _find_records(content, starts, ends, counts, base_offsets, from_offsets, places)
        if broken >= 0:
            raise CorruptRecordsError(self.topic, self.partition, self.encoded[broken].base_offset)
        return Records(content, places[:found])

    def _bytes(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """Give the bytes, and where the records of each record batch begin and end; as they came, if they may stay."""
        fetched = self.encoded[0].fetched
        if all(batch.fetched is fetched and batch.compression == 0 for batch in self.encoded):
            starts = np.array([batch.start + _HEADER_BYTES for batch in self.encoded])
            return np.frombuffer(fetched, np.uint8), starts, np.array([batch.end for batch in self.encoded])
        parts = [batch.records() for batch in self.encoded]
        sizes = np.array([len(part) for part in parts])
        ends = np.cumsum(sizes)
        return np.frombuffer(b"".join(parts), np.uint8), ends - sizes, ends


@inlined_kernel
def _varint(content: Any, at: int, end: int) -> tuple[Any, int]:
    """Read a zigzag varint (Kafka protocol, as in Protocol Buffers); the place behind it is ``end + 1`` if broken."""
    raw = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(64):
        byte = np.uint64(content[at])
        at += 1
        raw |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1)), at
        shift += np.uint64(7)
    return 0, end + 1


@kernel
def _read_varint(content: Any, at: int, end: int) -> tuple[Any, int]:
    return _varint(content, at, end)


@kernel
def _find_records(
    content: Any, starts: Any, ends: Any, counts: Any, base_offsets: Any, from_offsets: Any, places: Any
) -> tuple[int, int]:
    """Find each record; give how many there are, and the number of a broken batch or -1."""
    content, places = borrowed(content), borrowed(places)
    found = 0
    for batch in range(ends.size):
        at, end = starts[batch], ends[batch]
        for _ in range(counts[batch]):
            size, at = _varint(content, at, end)
            record_end = at + size
            if size < 0 or record_end > end:
                return found, batch
            _, at = _varint(content, at + 1, record_end)  # behind the attributes, how much later than the first
            offset_delta, at = _varint(content, at, record_end)
            key_size, key_start = _varint(content, at, record_end)
            value_size, value_start = _varint(content, key_start + max(key_size, 0), record_end)
            headers_start = value_start + max(value_size, 0)
            if headers_start >= record_end:
                return found, batch
            offset = base_offsets[batch] + offset_delta
            if offset >= from_offsets[batch]:
                place = places[found]
                place.offset = offset
                place.key_start = key_start
                place.key_size = key_size
                place.value_start = value_start
                place.value_size = value_size
                place.headers_start = headers_start
                found += 1
            at = record_end
        if at != end:
            return found, batch
    return found, -1
