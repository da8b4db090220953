"""What became of a file's rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class ReadSummary:
    """Account of one file: every row is either an event or dropped for a cause.

    Attributes
    ----------
    rows_read
        Rows of a table; samples of a JSON file, an unreadable line counting as one.
    events
        Rows that became events.
    dropped
        Rows that can't be events, by cause, the most frequent first.
    """

    rows_read: int
    events: int
    dropped: Mapping[str, int]

    @property
    def dropped_rows(self) -> int:
        """Rows that did not become events."""
        return sum(self.dropped.values())

    def __str__(self) -> str:
        counts = f"{self.rows_read:,} rows, {self.events:,} events"
        if not self.dropped:
            return counts
        causes = ", ".join(f"{rows:,} {cause}" for cause, rows in self.dropped.items())
        return f"{counts}, {self.dropped_rows:,} dropped ({causes})"


@dataclass(frozen=True)
class TripFile:
    """The events of a file, in its order, and the account of its rows."""

    events: pl.DataFrame
    summary: ReadSummary
