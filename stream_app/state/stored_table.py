"""A table that is stored at checkpoints: Faust restores it and moves it with its partitions, we write it.

Faust itself would send each change at once, in a request of its own: a row that changes often would be stored as often,
and before the outputs that belong to it are confirmed.

Each row says up to which offset it includes its source, and its name carries its owner's generation: a worker that was
paused, lost its partitions and resumes may still write its rows, but overwrites no other owner's. Of the rows of a key
the one with the highest version counts; its owner deletes the others when it writes that key next. Where rows must be
of one moment, each checkpoint writes rows of new names, and a last row says that all of them are there.

Rows that an owner reads once, when it restores a partition, are released afterwards; a reread table reads them again
at the next assignment.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from scoring.errors import StateError
from stream_app.output.changelog import ChangelogWriter

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


class _Released(bytes):
    """What is held of a released row: up to which offset it includes its source."""


def last_owner(rows: Iterable[bytes]) -> tuple[int, int]:
    """Give the newest generation that has written one of these rows, and the number of its last checkpoint."""
    owners = (name.decode().rpartition(_OWNER)[2].partition(".") for name in rows)
    return max(((int(generation), int(checkpoint)) for generation, _, checkpoint in owners), default=(0, 0))


def moved_row(name: bytes, stored: bytes, generation: int) -> tuple[str, bytes, bytes]:
    """Give the key of a row, and the name and content that it has on another partition, of which it includes nothing.

    The name is another one, as the former is deleted on the former partition.
    """
    key = name.decode().rpartition(_OWNER)[0]
    moved = _OFFSET.pack(NO_VERSION.included_offset) + stored[_OFFSET.size :]
    return key, f"{key}{_OWNER}{generation}.0".encode(), moved


class Rows(Protocol):
    """Replicated rows by name."""

    @property
    def changelog_topic(self) -> str:
        """Full name of the changelog."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Give all rows."""

    def __getitem__(self, name: bytes) -> bytes: ...

    def replace(self, rows: dict[bytes, bytes]) -> None:
        """Replace what is held of rows that are there."""

    def hold(self, partition: int, name: bytes, content: bytes) -> None:
        """Hold a row of a partition."""

    def drop(self, name: bytes) -> None:
        """Hold a row no longer."""


class StoredTable:
    """A table of bytes, by text.

    Parameters
    ----------
    table
        The replicated rows; reread at each assignment where rows are released.
    changelog
        Writes the rows.
    generation
        Gives the consumer group's generation, which no two owners of a partition share.
    keeps_versions
        Whether each checkpoint writes rows of new names, so that those before it are there until it is complete.
    checkpoint
        Number of the last one of this generation.
    """

    def __init__(
        self,
        table: Rows,
        changelog: ChangelogWriter,
        generation: Callable[[], int],
        *,
        keeps_versions: bool = False,
        checkpoint: int = 0,
    ) -> None:
        self._table = table
        self._changelog = changelog
        self._generation = generation
        self._keeps_versions = keeps_versions
        self._checkpoint = checkpoint
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

    def keys(self, prefix: str) -> list[str]:
        """Give the keys that begin so, without the beginning, of rows that are stored or will be."""
        return [key.removeprefix(prefix) for key in {**self._names(), **self._unstored} if key.startswith(prefix)]

    def stored_keys(self, prefix: str, up_to: Version) -> dict[str, Version]:
        """Give the keys that begin so, each with its newest version up to this one, oldest first.

        Keys are without the beginning.
        """
        found = []
        for key, names in self._names().items():
            versions = [version for version in names if version <= up_to]
            if key.startswith(prefix) and versions:
                found.append((max(versions), key.removeprefix(prefix)))
        return {key: version for version, key in sorted(found)}

    def stored_items(self, prefix: str, up_to: Version) -> Iterator[tuple[str, bytes]]:
        """Yield the rows of `stored_keys`."""
        for key, version in self.stored_keys(prefix, up_to).items():
            yield key, self._content(self._names()[prefix + key][version])

    def release(self, prefix: str) -> None:
        """Free the content of the rows whose keys begin so; all of them must be confirmed, not only sent."""
        table = self._table
        for key, names in self._names().items():
            if key.startswith(prefix):
                table.replace({name: _Released(table[name][: _OFFSET.size]) for name in names.values()})

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

    def delete(self, partition: int, prefix: str) -> None:
        """Delete the rows of a partition whose keys begin so, now."""
        for key in self.keys(prefix):
            self._unstored.pop(prefix + key, None)
            for name in self._names().pop(prefix + key, {}).values():
                self._remove(partition, name)

    def reset(self) -> None:
        """Drop rows that are not stored, and read stored ones anew: other owners may write from now on."""
        self._unstored.clear()
        self._stored = None

    def send(self) -> None:
        """Send rows that are not stored to the changelog, in the order in which they were put; confirm them afterwards.

        Older versions are deleted behind them. Kafka keeps the order, so they exist until the last row does.
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
            for name, stored in self._table.items():
                key, _, owner = name.decode().rpartition(_OWNER)
                generation, _, checkpoint = owner.partition(".")
                version = Version(_OFFSET.unpack_from(stored)[0], int(generation), int(checkpoint))
                self._stored.setdefault(key, {})[version] = name
        return self._stored

    def _content(self, name: bytes) -> bytes:
        stored = self._table[name]
        if isinstance(stored, _Released):
            raise StateError(
                f"row {name.decode()} was released, and has not been restored since",
                remedy="Start the worker again: it then reads the whole changelog",
            )
        return stored[_OFFSET.size :]

    def _store(self, partition: int, name: bytes, stored: bytes) -> None:
        self._table.hold(partition, name, stored)
        self._changelog.write(self._table.changelog_topic, partition, name, stored)

    def _remove(self, partition: int, name: bytes) -> None:
        self._table.drop(name)
        self._changelog.write(self._table.changelog_topic, partition, name, None)
