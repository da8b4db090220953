"""A table that is stored at checkpoints: Faust restores it and moves it with its partitions, we write it.

Faust itself would send each change at once, a request to the broker each; a row that changes often would be stored
as often, and before the outputs that belong to it are confirmed.
"""

from collections.abc import Iterator

from faust.types import TableT

from stream_app.publishing import Publisher


class StoredTable:
    """A table of bytes, by text.

    Parameters
    ----------
    table
        Faust's table.
    publisher
        What writes to its changelog.
    """

    def __init__(self, table: TableT, publisher: Publisher) -> None:
        self._table = table
        self._publisher = publisher
        self._unstored: dict[str, tuple[int, bytes]] = {}

    def get(self, key: str) -> bytes | None:
        """Give a row as it is now, stored or not."""
        unstored = self._unstored.get(key)
        return unstored[1] if unstored is not None else self._table.data.get(key.encode())

    def stored_items(self) -> Iterator[tuple[str, bytes]]:
        """Yield the rows as they were last stored."""
        for key, value in self._table.data.items():
            yield key.decode(), value

    def put(self, partition: int, key: str, value: bytes) -> None:
        """Change a row of a partition, from the next checkpoint on."""
        self._unstored[key] = partition, value

    def forget(self) -> None:
        """Drop what is not stored."""
        self._unstored.clear()

    def send(self) -> None:
        """Send what is not stored to the changelog; it counts once that is confirmed."""
        unstored, self._unstored = self._unstored, {}
        for key, (partition, value) in unstored.items():
            self._table.data[key.encode()] = value
            self._table.data._key_partition[key.encode()] = partition  # noqa: SLF001
            self._publisher.store(self._table.changelog_topic_name, partition, key.encode(), value)
