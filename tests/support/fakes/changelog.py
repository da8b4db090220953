"""A changelog in memory: what a table writes, and what the next owner restores of it."""

from typing import Any

import faust

from stream_app.faust_bridge.tables import ReplicatedTable
from stream_app.state.stored_table import StoredTable


class Changelog:
    """Keeps the rows that are written to it, as its topic would; in place of a writer to Kafka."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []

    def write(self, _changelog: str, _partition: int, key: bytes, value: bytes | None) -> None:
        self.records.append((key, value))

    def confirm(self, _timeout_s: float) -> None:
        """Wait for nothing."""

    def compact(self) -> None:
        """Keep the last record of each key, as Kafka's cleaner does."""
        newest = dict(self.records)
        self.records = [(key, value) for key, value in newest.items() if value is not None]

    def first(self, count: int) -> "Changelog":
        """Give the changelog that a crash leaves after so many records."""
        torn = Changelog()
        torn.records = self.records[:count]
        return torn

    def owner(self, generation: int, *, keeps_versions: bool = False) -> StoredTable:
        """Restore the table for a new owner; within an event loop, to which Faust binds."""
        app = faust.App("test", broker="kafka://127.0.0.1:1", store="memory://")
        table = ReplicatedTable(app.Table("rows", key_type=bytes, value_type=bytes))
        self.read_into(table)
        changelog: Any = self
        return StoredTable(table, changelog, lambda: generation, keeps_versions=keeps_versions)

    def read_into(self, table: Any) -> None:
        """Restore a table, as Faust does."""
        for key, value in self.records:
            if value is None:
                table._table.data.pop(key, None)
            else:
                table._table.data[key] = value
