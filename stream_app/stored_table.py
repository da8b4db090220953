"""A table that is stored at checkpoints: Faust restores it and moves it with its partitions, we write it.

Faust itself would send each change at once, a request to the broker each; a row that changes often would be stored
as often, and before the outputs that belong to it are confirmed.

Each row says how far it includes its source, and is stored under a key of its owner's: a worker that was paused, lost
its partitions and wakes may still write what it had, but over nobody else's row. Of the rows of a key the one that
includes most counts; its owner takes the others away when it writes that key next.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from faust.types import TableT

from stream_app.publishing import Publisher

_OWNER: Final = "@"
"""Between key and owner; no id has it."""

_OFFSET: Final = struct.Struct(">q")


class _Version(NamedTuple):
    included_offset: int
    generation: int


class _Row(NamedTuple):
    """What is stored of a key: the row that counts, and the names of those that do not."""

    name: bytes
    version: _Version
    outdated: list[bytes]


class _Unstored(NamedTuple):
    partition: int
    included_offset: int
    content: bytes


class StoredTable:
    """A table of bytes, by text.

    Parameters
    ----------
    table
        Faust's table.
    publisher
        What writes to its changelog.
    generation
        Gives the consumer group's generation, which no two owners of a partition share.
    """

    def __init__(self, table: TableT, publisher: Publisher, generation: Callable[[], int]) -> None:
        self._table = table
        self._publisher = publisher
        self._generation = generation
        self._stored: dict[str, _Row] | None = None
        self._unstored: dict[str, _Unstored] = {}

    def get(self, key: str) -> bytes | None:
        """Give a row as it is now, stored or not."""
        unstored = self._unstored.get(key)
        if unstored is not None:
            return unstored.content
        row = self._rows().get(key)
        return None if row is None else self._content(row)

    def stored_items(self) -> Iterator[tuple[str, bytes]]:
        """Yield the rows as they were last stored."""
        for key, row in self._rows().items():
            yield key, self._content(row)

    def put(self, partition: int, key: str, content: bytes, *, included_offset: int) -> None:
        """Change a row of a partition, from the next checkpoint on.

        Parameters
        ----------
        partition, key, content
            The row.
        included_offset
            Offset of the last source record that it includes.
        """
        self._unstored[key] = _Unstored(partition, included_offset, content)

    def forget(self) -> None:
        """Drop what is not stored, and look at what is stored anew: others may write from now on."""
        self._unstored.clear()
        self._stored = None

    def send(self) -> None:
        """Send what is not stored to the changelog; it counts once that is confirmed."""
        unstored, self._unstored = self._unstored, {}
        generation = self._generation()
        stored = self._rows()
        for key, (partition, included_offset, content) in unstored.items():
            name = f"{key}{_OWNER}{generation}".encode()
            before = stored.get(key)
            self._store(partition, name, _OFFSET.pack(included_offset) + content)
            if before is not None:
                for other in {before.name, *before.outdated} - {name}:
                    self._remove(partition, other)
            stored[key] = _Row(name, _Version(included_offset, generation), [])

    def _rows(self) -> dict[str, _Row]:
        if self._stored is None:
            self._stored = {}
            for name, stored in self._table.data.items():
                self._note(self._stored, name, _OFFSET.unpack_from(stored)[0])
        return self._stored

    @staticmethod
    def _note(rows: dict[str, _Row], name: bytes, included_offset: int) -> None:
        key, _, generation = name.decode().rpartition(_OWNER)
        version = _Version(included_offset, int(generation))
        other = rows.get(key)
        if other is None:
            rows[key] = _Row(name, version, [])
        elif other.version < version:
            rows[key] = _Row(name, version, [*other.outdated, other.name])
        else:
            other.outdated.append(name)

    def _content(self, row: _Row) -> bytes:
        stored: bytes = self._table.data[row.name]
        return stored[_OFFSET.size :]

    def _store(self, partition: int, name: bytes, stored: bytes) -> None:
        self._table.data[name] = stored
        self._table.data._key_partition[name] = partition  # noqa: SLF001 - by which Faust drops rows
        self._publisher.store(self._table.changelog_topic_name, partition, name, stored)

    def _remove(self, partition: int, name: bytes) -> None:
        self._table.data.pop(name, None)
        self._table.data._key_partition.pop(name, None)  # noqa: SLF001
        self._publisher.store(self._table.changelog_topic_name, partition, name, None)
