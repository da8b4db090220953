"""What became of a file's rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from schemas.messages.optional_fields import FieldFault
from scoring.trip_files.rows.row_rules import JudgedRows

LOUD_SHARE: Final = 0.01
"""Above one row or event in a hundred, what was dropped or changed is worth a look before a score is believed: single
samples are lost by accident. The service's alerts begin there."""


@dataclass(frozen=True)
class ReadSummary:
    """Account of one file: every row is either an event or dropped for a cause, and every change is counted.

    Attributes
    ----------
    rows_read
        Rows of a table; samples of a JSON file, an unreadable line counting as one.
    events
        Rows that became events.
    dropped
        Rows that can't be events, by cause, the most frequent first.
    changed
        Rows of which something was put in order, repaired or left out, by what it was.
    remarks
        Sentences about the file as a whole, such as ids that were replaced.
    cautions
        Sentences that are warnings, whatever the number of rows.
    faults
        Events by field and fault of those of their optional fields that count as unknown.
    """

    rows_read: int
    events: int
    dropped: Mapping[str, int]
    changed: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    faults: Mapping[tuple[str, FieldFault], int] = field(default_factory=dict)

    @classmethod
    def of_rows(cls, rows_read: int, judged: JudgedRows) -> "ReadSummary":
        """Account for a table whose rows were only judged."""
        return cls(rows_read, judged.events.height, judged.dropped, faults=judged.faults)

    @property
    def dropped_rows(self) -> int:
        """Rows that did not become events."""
        return sum(self.dropped.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Whatever happened to more than `LOUD_SHARE` of the rows, as sentences, and the cautions."""
        limit = self.rows_read * LOUD_SHARE
        many = (
            f"{rows:,} of {self.rows_read:,} rows ({rows / self.rows_read:.0%}) {how}{what}"
            for how, counts in (("dropped: ", self.dropped), ("", self.changed))
            for what, rows in counts.items()
            if rows > limit
        )
        unknown = (
            f"{rows:,} of {self.rows_read:,} rows ({rows / self.rows_read:.0%}) count without {name}: {fault}"
            for (name, fault), rows in self.faults.items()
            if rows > limit and fault != FieldFault.PLACEHOLDER
        )
        return (*many, *unknown, *self.cautions)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "rows": self.rows_read,
            "events": self.events,
            "dropped": dict(self.dropped),
            "changed": dict(self.changed),
            "field_faults": {f"{name}: {fault}": rows for (name, fault), rows in self.faults.items()},
            "remarks": list(self.remarks),
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        text = f"{self.rows_read:,} rows, {self.events:,} events"
        if self.dropped:
            causes = ", ".join(f"{rows:,} {cause}" for cause, rows in self.dropped.items())
            text = f"{text}, {self.dropped_rows:,} dropped ({causes})"
        changed = (f"{rows:,} {what}" for what, rows in self.changed.items())
        unknown = (f"{rows:,} {name} unknown ({fault})" for (name, fault), rows in self.faults.items())
        return "; ".join([text, *changed, *unknown, *self.remarks])


@dataclass(frozen=True)
class TripFile:
    """The events of a file, each trip's in order of time unless the file's order was asked for, and their account."""

    events: pl.DataFrame
    summary: ReadSummary
