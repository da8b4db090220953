"""A changelog in memory: what a table writes, and what the next owner restores of it."""

import faust

from stream_app.state.stored_table import StoredTable


class Changelog:
    """Keeps what is written to it, as its topic would; in place of a publisher, of which tables need no more."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []

    def store(self, _changelog: str, _partition: int, key: bytes, value: bytes | None) -> None:
        self.records.append((key, value))

    def confirm_outputs(self, _timeout_s: float) -> None:
        """Wait for nothing."""

    def confirm_stored(self, _timeout_s: float) -> None:
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
        table = app.Table("rows", key_type=bytes, value_type=bytes)
        self.read_into(table)
        return StoredTable(table, self, lambda: generation, keeps_versions=keeps_versions)  # type: ignore[arg-type]

    def read_into(self, table: faust.Table) -> None:
        """Restore a table, as Faust does."""
        for key, value in self.records:
            if value is None:
                table.data.pop(key, None)
            else:
                table.data[key] = value
