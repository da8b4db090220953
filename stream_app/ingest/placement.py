"""Whether a record is on the partition that its key belongs to.

All events of a vehicle must be on one partition: on two, each holds a part of its trips and scores it. Java's clients
and librdkafka place the same key on different partitions by default, and a producer of one kind beside one of the
other, null keys, or a raised number of partitions spread a vehicle without an error.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.settings import Partitioner
from scoring.events import borrowed, inlined_kernel, kernel

_MURMUR2: Final = 1
_CRC32: Final = 2
_ACCEPTED: Final[dict[str, int]] = {"known": _MURMUR2 | _CRC32, "murmur2": _MURMUR2, "crc32": _CRC32}


def _crc32_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0xEDB88320), table >> 1).astype(np.uint32)
    return table


_CRC32_TABLE: Final = _crc32_table()


class Placement:
    """Checks the partitions of records by their keys.

    Parameters
    ----------
    partition_count
        Partitions of the topic.
    partitioner
        How producers place keys; with ``custom`` nothing is checked.
    """

    def __init__(self, partition_count: int, partitioner: Partitioner) -> None:
        self._partition_count = partition_count
        self._accepted = _ACCEPTED.get(partitioner, 0)
        self._is_checked = partitioner != "custom" and partition_count > 1
        self.seen: set[Literal["murmur2", "crc32"]] = set()
        """The partitioners by which some record was placed, and not by the other."""

    def misplaced(
        self, content: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64], partition: int
    ) -> NDArray[np.int64]:
        """Find the records whose keys do not belong to their partition, or that have none.

        Parameters
        ----------
        content
            Bytes of all records.
        starts, sizes
            int64 arrays [records]: where the key of each is; the size is -1 where there is none.
        partition
            The partition that they are on.

        Returns
        -------
        NDArray
            Rows of these records.
        """
        if not self._is_checked:
            return np.empty(0, np.int64)
        places = np.empty(len(starts), np.uint8)
        _find_places(content, starts, sizes, partition, self._partition_count, _CRC32_TABLE, places)
        self.seen |= set(_single(places))
        return np.flatnonzero((places & self._accepted) == 0)


def partition_of(key: bytes, partition_count: int, partitioner: Literal["murmur2", "crc32"]) -> int:
    """Give the partition that a key belongs to."""
    content = np.frombuffer(key, np.uint8)
    return int(_partition_of(content, partition_count, partitioner == "murmur2", _CRC32_TABLE))


def _single(places: NDArray[np.uint8]) -> Iterator[Literal["murmur2", "crc32"]]:
    if (places == _MURMUR2).any():
        yield "murmur2"
    if (places == _CRC32).any():
        yield "crc32"


@kernel
def _find_places(
    content: Any, starts: Any, sizes: Any, partition: int, partition_count: int, crc32_table: Any, places: Any
) -> None:
    """Tell by which partitioners the key of each record belongs to the partition."""
    content, crc32_table = borrowed(content), borrowed(crc32_table)
    for row in range(starts.size):
        start, end = starts[row], starts[row] + sizes[row]
        place = 0
        if sizes[row] >= 0:
            if (_murmur2(content, start, end) & 0x7FFFFFFF) % partition_count == partition:
                place |= 1
            if sizes[row] > 0 and _crc32(content, start, end, crc32_table) % partition_count == partition:
                place |= 2
        places[row] = place


@kernel
def _partition_of(content: Any, partition_count: int, by_murmur2: bool, crc32_table: Any) -> int:
    if by_murmur2:
        return (_murmur2(content, 0, content.size) & 0x7FFFFFFF) % partition_count
    return _crc32(content, 0, content.size, crc32_table) % partition_count


@inlined_kernel
def _murmur2(content: Any, start: int, end: int) -> int:
    """Hash as Kafka's Java client does (org.apache.kafka.common.utils.Utils.murmur2)."""
    size = end - start
    value = (0x9747B28C ^ size) & 0xFFFFFFFF
    at = start
    while at + 4 <= end:
        word = content[at] | content[at + 1] << 8 | content[at + 2] << 16 | content[at + 3] << 24
        word = (word * 0x5BD1E995) & 0xFFFFFFFF
        word ^= word >> 24
        word = (word * 0x5BD1E995) & 0xFFFFFFFF
        value = ((value * 0x5BD1E995) & 0xFFFFFFFF) ^ word
        at += 4
    if at < end:
        for behind in range(end - 1, at - 1, -1):
            value ^= content[behind] << 8 * (behind - at)
        value = (value * 0x5BD1E995) & 0xFFFFFFFF
    value ^= value >> 13
    value = (value * 0x5BD1E995) & 0xFFFFFFFF
    return value ^ (value >> 15)


@inlined_kernel
def _crc32(content: Any, start: int, end: int, table: Any) -> int:
    """Hash as librdkafka's consistent partitioner does: CRC-32 of ISO 3309, as zlib's."""
    value: Any = 0xFFFFFFFF
    for at in range(start, end):
        value = (value >> 8) ^ np.int64(table[(value ^ content[at]) & 0xFF])
    return value ^ 0xFFFFFFFF
