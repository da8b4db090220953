"""A table that is stored at checkpoints: Faust restores it and moves it with its partitions, we write it.

Faust itself would send each change at once, a request to the broker each; a row that changes often would be stored
as often, and before the outputs that belong to it are confirmed.

Each row says how far it includes its source, and is stored under a name of its owner's: a worker that was paused, lost
its partitions and wakes may still write what it had, but over nobody else's row. Of the rows of a key the one that
includes most counts; its owner takes the others away when it writes that key next. Where rows must be of one moment,
each is stored under a new name, and a row written behind them says that all are there.

Rows that an owner reads once, when it takes a partition over, need not be held after that: they are let go, and
`RereadTable` has Faust read them again when partitions have moved.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import faust
from faust.types import TP, TableT

from scoring.errors import StateError
from stream_app.output.outputs import Publisher

_OWNER: Final = "@"
"""Between key and owner; no id has it."""

_OFFSET: Final = struct.Struct(">q")


class Version(NamedTuple):
    """How new a row is: what it includes, whose it is, and in which of the owner's checkpoints it was written."""

    included_offset: int
    generation: int
    checkpoint: int


NO_VERSION: Final = Version(-1, -1, -1)


class _Unstored(NamedTuple):
    partition: int
    included_offset: int
    content: bytes


class _LetGo(bytes):
    """What is held of a row that was let go: how far it includes its source."""


class RereadTable(faust.Table):
    """A table of Faust's whose changelog it reads from the beginning each time that partitions have moved."""

    def persisted_offset(self, _tp: TP) -> int:
        """Say that nothing before offset 0 need be read; null would be to go on from where it was read to."""
        return -1


class StoredTable:
    """A table of bytes, by text.

    Parameters
    ----------
    table
        Faust's table; a `RereadTable` where rows are let go.
    publisher
        What writes to its changelog.
    generation
        Gives the consumer group's generation, which no two owners of a partition share.
    keeps_versions
        Whether each checkpoint writes rows of new names, so that those before it are there until it is complete.
    """

    def __init__(
        self, table: TableT, publisher: Publisher, generation: Callable[[], int], *, keeps_versions: bool = False
    ) -> None:
        self._table = table
        self._publisher = publisher
        self._generation = generation
        self._keeps_versions = keeps_versions
        self._checkpoint = 0
        self._stored: dict[str, dict[Version, bytes]] | None = None
        self._unstored: dict[str, _Unstored] = {}

    def get(self, key: str) -> bytes | None:
        """Give a row as it is now, stored or not."""
        unstored = self._unstored.get(key)
        if unstored is not None:
            return unstored.content
        names = self._names().get(key)
        return None if names is None else self._content(names[max(names)])

    def newest(self, key: str) -> Version:
        """Give the version of a row as it was last stored; `NO_VERSION` where there is none."""
        return max(self._names().get(key, ()), default=NO_VERSION)

    def stored_items(self, prefix: str, up_to: Version) -> Iterator[tuple[str, bytes]]:
        """Yield the rows whose keys begin so, each in its newest version up to this one, oldest first.

        Keys are without the beginning.
        """
        found = []
        for key, names in self._names().items():
            versions = [version for version in names if version <= up_to]
            if key.startswith(prefix) and versions:
                found.append((max(versions), key))
        for version, key in sorted(found):
            yield key.removeprefix(prefix), self._content(self._names()[key][version])

    def let_go(self, prefix: str) -> None:
        """Hold no longer what rows contain whose keys begin so; all of them must be stored, not only sent."""
        data = self._table.data
        for key, names in self._names().items():
            if key.startswith(prefix):
                data.update({name: _LetGo(data[name][: _OFFSET.size]) for name in names.values()})

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
        """Send what is not stored to the changelog, in the order in which it was put; it counts once that is confirmed.

        Behind it older versions are taken away. Kafka keeps the order, so they are there until the last row is.
        """
        unstored, self._unstored = self._unstored, {}
        self._checkpoint += self._keeps_versions
        outdated = []
        for key, (partition, included_offset, content) in unstored.items():
            version = Version(included_offset, self._generation(), self._checkpoint)
            name = f"{key}{_OWNER}{version.generation}.{version.checkpoint}".encode()
            before = self._names().get(key, {})
            outdated += [(partition, other) for other in before.values() if other != name]
            self._names()[key] = {version: name}
            self._store(partition, name, _OFFSET.pack(included_offset) + content)
        for partition, name in outdated:
            self._remove(partition, name)

    def _names(self) -> dict[str, dict[Version, bytes]]:
        """Give the names of all stored versions of each key."""
        if self._stored is None:
            self._stored = {}
            for name, stored in self._table.data.items():
                key, _, owner = name.decode().rpartition(_OWNER)
                generation, _, checkpoint = owner.partition(".")
                version = Version(_OFFSET.unpack_from(stored)[0], int(generation), int(checkpoint))
                self._stored.setdefault(key, {})[version] = name
        return self._stored

    def _content(self, name: bytes) -> bytes:
        stored: bytes = self._table.data[name]
        if isinstance(stored, _LetGo):
            raise StateError(
                f"row {name.decode()} was let go, and has not been read again",
                remedy="Start the worker again: it then reads the whole changelog",
            )
        return stored[_OFFSET.size :]

    def _store(self, partition: int, name: bytes, stored: bytes) -> None:
        self._table.data[name] = stored
        self._table.data._key_partition[name] = partition  # noqa: SLF001 - by which Faust drops rows
        self._publisher.store(self._table.changelog_topic_name, partition, name, stored)

    def _remove(self, partition: int, name: bytes) -> None:
        self._table.data.pop(name, None)
        self._table.data._key_partition.pop(name, None)  # noqa: SLF001
        self._publisher.store(self._table.changelog_topic_name, partition, name, None)
