"""Tables that Faust restores from their changelogs and moves with their partitions."""

from collections.abc import Iterable
from typing import cast

import faust
from faust.types import TP, TableT


class RereadTable(faust.Table):
    """A table whose changelog is read from its beginning at each assignment."""

    def persisted_offset(self, _tp: TP) -> int:
        """Say that nothing from offset 0 on is held; with null Faust would go on from where it has read to."""
        return -1


class ReplicatedTable:
    """Rows by name in memory: read by us, written by us and by Faust's recovery.

    Parameters
    ----------
    table
        Faust's.
    """

    def __init__(self, table: TableT) -> None:
        self._table = table

    @property
    def changelog_topic(self) -> str:
        """Full name of the changelog."""
        return cast("str", self._table.changelog_topic_name)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Give all rows."""
        return cast("Iterable[tuple[bytes, bytes]]", self._table.data.items())

    def __getitem__(self, name: bytes) -> bytes:
        return cast("bytes", self._table.data[name])

    def replace(self, rows: dict[bytes, bytes]) -> None:
        """Replace what is held of rows that are there."""
        self._table.data.update(rows)

    def hold(self, partition: int, name: bytes, content: bytes) -> None:
        """Hold a row of a partition; Faust drops it when the partition is revoked."""
        self._table.data[name] = content
        self._table.data._key_partition[name] = partition

    def drop(self, name: bytes) -> None:
        """Hold a row no longer."""
        self._table.data.pop(name, None)
        self._table.data._key_partition.pop(name, None)
