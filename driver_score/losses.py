"""What of the input did not count as it was sent: late, merged, dropped, rejected, or without a field; in sentences."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.messages.optional_fields import FieldFault
from schemas.thresholds import ThresholdProfile
from scoring.trip_files import LOUD_SHARE, ReadSummary


@dataclass(frozen=True)
class Loss:
    """One way in which events or rows did not count as they were sent.

    Attributes
    ----------
    count, of
        How many, and of how many.
    what
        What became of them.
    why
        The reason, or what to do; may be empty.
    is_expected
        Whether it is a sender's way to say that it does not know: never large.
    """

    count: int
    of: int
    what: str
    why: str = ""
    is_expected: bool = False

    @property
    def is_large(self) -> bool:
        """Whether it is to be said loudly."""
        return not self.is_expected and self.count > LOUD_SHARE * self.of

    def __str__(self) -> str:
        share = self.count / self.of if self.of else 0.0
        shown = "less than 0.1%" if share < 0.001 else f"{share:.1%}"  # noqa: PLR2004 - what would be shown as 0.0%
        return f"{self.count:,} of {self.of:,} {self.what} ({shown}){': ' + self.why if self.why else ''}"


def file_losses(summary: ReadSummary) -> list[Loss]:
    """Tell what the reader of a file did not take as it was: the one place where its counts join those of the worker.

    Parameters
    ----------
    summary
        The account of the file's rows.
    """
    losses = _fault_losses(summary.events, summary.faults.items())
    losses += [Loss(rows, summary.rows_read, f"rows of the file were {what}") for what, rows in summary.changed.items()]
    if summary.dropped_rows:
        causes = ", ".join(f"{rows:,} {cause}" for cause, rows in summary.dropped.items())
        losses.append(Loss(summary.dropped_rows, summary.rows_read, "rows of the file were dropped", causes))
    return sorted(losses, key=lambda loss: -loss.count)


def worker_losses(
    *,
    events: int,
    rejects: Mapping[str, int],
    duplicates: int,
    late: int,
    faults: Mapping[tuple[str, str], int],
) -> list[Loss]:
    """Tell what of the messages did not count as it was sent, the largest first.

    Parameters
    ----------
    events
        Events that were read, duplicates and late ones included.
    rejects
        Rejected messages by code.
    duplicates, late
        Events that were there already, and that came after the grace period.
    faults
        Events by field and fault of optional fields.
    """
    rejected = sum(rejects.values())
    codes = ", ".join(f"{count:,} {code}" for code, count in sorted(rejects.items(), key=lambda item: -item[1]))
    losses = [
        Loss(late, events, "events came late", _LATE),
        Loss(
            duplicates,
            events,
            "events were merged",
            "with others of the same trip, time and type, or the same event_id",
        ),
        Loss(rejected, events + rejected, "messages were rejected", f"{codes}; docs/bad-input.md explains the codes"),
        *_fault_losses(events, faults.items()),
    ]
    return sorted((loss for loss in losses if loss.count), key=lambda loss: -loss.count)


def _fault_losses(events: int, faults: Iterable[tuple[tuple[str, str], int]]) -> list[Loss]:
    return [
        Loss(
            count,
            events,
            f"events count without {field}",
            f"its value {_WORDS.get(fault, fault)}",
            is_expected=fault == FieldFault.PLACEHOLDER,
        )
        for (field, fault), count in faults
    ]


_LATE: Final = (
    "each was more than DRIVER_SCORE_WINDOWS__GRACE_S older than one of its trip that came before it. The trips were "
    "scored again with them; alerts before that were without"
)
_WORDS: Final[dict[str, str]] = {
    FieldFault.PLACEHOLDER: "is one that stands for unknown",
    FieldFault.OUT_OF_RANGE: "is out of range",
    FieldFault.NOT_FINITE: "is NaN or infinite",
    FieldFault.WRONG_TYPE: "is of another type",
    FieldFault.UNKNOWN_CHOICE: "is no word that is known",
    FieldFault.ILLEGAL_ID: "is no legal id",
}


def unscored_sentences(trips: int, unscored: Mapping[str, int]) -> list[str]:
    """Tell how many trips have no score, and why, by status."""
    why = {"insufficient_exposure": "not enough driving that counts"}
    return [
        f"{count:,} of {trips:,} trips have no score: {why.get(status, status)}" for status, count in unscored.items()
    ]


def gap_sentence(interval_s: float | None, profile: ThresholdProfile) -> str | None:
    """Tell when samples are so far apart that neither time nor distance between them counts; else None.

    Parameters
    ----------
    interval_s
        Median time between neighbouring samples of a trip; None where no trip has two.
    profile
        Says what is too far.
    """
    longest_s = max(profile.max_sparse_gap_s, profile.max_gap_s)
    if interval_s is None or interval_s <= longest_s:
        return None
    return (
        f"samples come {interval_s:g} s apart (median), and over more than {longest_s:g} s neither time nor distance "
        "counts. A model that was trained with DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S="
        f"{min(3600, math.ceil(2 * interval_s))} counts them"
    )
