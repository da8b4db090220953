"""A run of Kafka records of one partition, handled as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class KafkaRecord(Protocol):
    """What is used of a fetched record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class RecordBatch:
    """Records of one partition in the order of their offsets; never empty.

    Attributes
    ----------
    topic, partition
        Where they are from.
    records
        As they were fetched.
    """

    topic: str
    partition: int
    records: Sequence[KafkaRecord]

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.records[-1].offset
