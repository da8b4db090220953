"""What of the input did not count as it was sent: late, merged, dropped, rejected, or without a field; in sentences."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.messages.optional_fields import FieldFault
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.trip_files import LOUD_SHARE, ReadSummary

SPEED_UNKNOWN: Final = "speed_unknown"
"""Why a trip has no score, beside the statuses of messages: without a speed, it has no distance."""


@dataclass(frozen=True)
class Loss:
    """One way in which events, rows or whole trips did not count as they were sent.

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
    def share(self) -> float:
        """The count as a share of all; 0 where there is nothing."""
        return self.count / self.of if self.of else 0.0

    @property
    def is_large(self) -> bool:
        """Whether it is to be said loudly."""
        return not self.is_expected and self.count > LOUD_SHARE * self.of

    def __str__(self) -> str:
        shown = "less than 0.1%" if self.share < 0.001 else f"{self.share:.1%}"  # noqa: PLR2004 - what would be shown as 0.0%
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
    trips: int = 0,
    device_faults: Mapping[str, int] | None = None,
    late_trips: Mapping[str, int] | None = None,
) -> list[Loss]:
    """Tell what of the messages did not count as it was sent: the largest first, then what concerns whole trips.

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
    trips
        Trips that were scored, also those without a score.
    device_faults
        Faults of devices that the features show, by kind: of events, or final scores of trips.
    late_trips
        Final scores that missed late events, by outcome: ``corrected``, or ``expired`` in Kafka; None if not known.
    """
    device_faults = device_faults or {}
    rejected = sum(rejects.values())
    codes = ", ".join(f"{count:,} {code}" for code, count in sorted(rejects.items(), key=lambda item: -item[1]))
    losses = [
        Loss(late, events, "events came late", _late_why(late_trips)),
        Loss(
            duplicates,
            events,
            "events were merged",
            "with others of the same trip, time and type, or the same event_id",
        ),
        Loss(rejected, events + rejected, "messages were rejected", f"{codes}; docs/bad-input.md explains the codes"),
        *_fault_losses(events, faults.items()),
        *(Loss(device_faults.get(fault, 0), events, what, why) for fault, (what, why) in _EVENT_FAULTS.items()),
    ]
    # A trip that is scored as final again counts again.
    of_trips = [
        *(Loss(min(device_faults.get(fault, 0), trips), trips, *words) for fault, words in _TRIP_FAULTS.items()),
        Loss(
            min((late_trips or {}).get("expired", 0), trips),
            trips,
            "trips have a score without their late events",
            _EXPIRED,
        ),
    ]
    return [loss for part in (losses, of_trips) for loss in sorted(part, key=lambda loss: -loss.count) if loss.count]


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


def _late_why(late_trips: Mapping[str, int] | None) -> str:
    if late_trips is None:
        return _LATE
    corrected = late_trips.get("corrected", 0)
    if not corrected:
        return f"{_LATE}; no final score includes them"
    again = "1 final score was" if corrected == 1 else f"{corrected:,} final scores were"
    return f"{_LATE}; {again} made again with them. Alerts before that were without"


_LATE: Final = "each was more than DRIVER_SCORE_WINDOWS__GRACE_S older than one of its trip that came before it"
_EXPIRED: Final = "Kafka has deleted events of these trips, so they could not be scored again"
_EVENT_FAULTS: Final[dict[str, tuple[str, str]]] = {
    "clock_jump": ("events were left out for their time", "it is far from that of the other events of the trip"),
    "rollover": ("events were 1,024 weeks behind", "their GPS week count began again; their time was put right"),
    "spike": ("events count without their speed", "no vehicle changes its speed so much within one sample, and back"),
    "position_jump": ("events count without their position", "no vehicle can have got there since the one before"),
}
_TRIP_FAULTS: Final[dict[str, tuple[str, str]]] = {
    "held_speed": (
        "trips have a speed that stays the same for seconds before it changes",
        "hard braking and acceleration were not rated from it; distance and speeding count",
    ),
    "speed_contradicted": (
        "trips have a speed that is not that of their positions",
        "nothing was rated from it, and they have no score. Check its unit: speeds must be in km/h",
    ),
    "sensor_contradicted": (
        "trips have an acceleration sensor that contradicts the speed",
        "it was not used. Check how it is mounted, its unit and its sign",
    ),
    "sensor_offset": (
        "trips have an acceleration sensor that is off by a constant",
        "that was subtracted; a tilted device gives such a constant",
    ),
}
_WORDS: Final[dict[str, str]] = {
    FieldFault.PLACEHOLDER: "is one that stands for unknown",
    FieldFault.OUT_OF_RANGE: "is out of range",
    FieldFault.NOT_FINITE: "is NaN or infinite",
    FieldFault.WRONG_TYPE: "is of another type",
    FieldFault.UNKNOWN_CHOICE: "is no word that is known",
    FieldFault.ILLEGAL_ID: "is no legal id",
}


def why_unscored(cause: str, exposure: ExposureSettings) -> str:
    """Tell why a trip has no score; a cause that is new here is given as it is.

    Parameters
    ----------
    cause
        `SPEED_UNKNOWN`, or the status of the trip's score.
    exposure
        Says how much driving a score needs.
    """
    if cause == SPEED_UNKNOWN:
        return "the speed is unknown, and so is the distance"
    if cause == "insufficient_exposure":
        return f"less than {exposure.min_trip_km:g} km or {exposure.min_trip_s:g} s of driving that counts"
    return cause


def unscored_sentences(trips: int, unscored: Mapping[str, int], exposure: ExposureSettings) -> list[str]:
    """Tell how many trips have no score, and why, by cause."""
    return [
        f"{count:,} of {trips:,} trips have no score: {why_unscored(cause, exposure)}"
        for cause, count in unscored.items()
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
