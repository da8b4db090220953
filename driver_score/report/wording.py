"""Plain words for codes: why a score is what it is, and why an event was not read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.messages.dead_letter import RejectCode
from schemas.messages.driver_score import ReasonCode

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Factor:
    """A reason code in words.

    Attributes
    ----------
    name
        For charts and headings.
    worse, better
        Sentences for a factor that took points away, and for one that added them.
    evidence
        Gives the numbers behind it from a trip's features, empty where they are unknown.
    """

    name: str
    worse: str
    better: str
    evidence: Callable[[Row], str]


@dataclass(frozen=True)
class ReasonLine:
    """One reason of one trip: signed points, a sentence, and the numbers behind it."""

    points: float
    name: str
    sentence: str
    evidence: str


def counted(number: int, one: str) -> str:
    """Write a number with its noun: ``1 trip``, ``2,000 trips``."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def _events_counted(count: str, peak: str, one: str) -> Callable[[Row], str]:
    def evidence(row: Row) -> str:
        if row[count] is None:
            return ""
        parts = [counted(row[count], one)]
        if row["distance_km"] is not None:
            parts[0] += f" in {row['distance_km']:.1f}\N{NO-BREAK SPACE}km"
        if row[peak] is not None:
            parts.append(f"strongest {row[peak]:.1f}\N{NO-BREAK SPACE}m/s²")
        return ", ".join(parts)

    return evidence


def _measured(feature: str, text: str) -> Callable[[Row], str]:
    return lambda row: "" if row[feature] is None else text.format(row[feature])


FACTORS: Final[dict[ReasonCode, Factor]] = {
    "HARD_BRAKING": Factor(
        "Hard braking",
        "Braked hard more often, or harder, than usual.",
        "Braked more gently than usual.",
        _events_counted("hard_brake_count", "peak_deceleration_mps2", "hard brake"),
    ),
    "HARD_ACCELERATION": Factor(
        "Hard acceleration",
        "Accelerated hard more often, or harder, than usual.",
        "Accelerated more gently than usual.",
        _events_counted("hard_acceleration_count", "peak_acceleration_mps2", "hard acceleration"),
    ),
    "HARD_CORNERING": Factor(
        "Hard cornering",
        "Took corners faster than usual.",
        "Took corners more gently than usual.",
        _events_counted("hard_corner_count", "peak_lateral_mps2", "hard corner"),
    ),
    "SPEEDING": Factor(
        "Speeding",
        "Drove above the speed limit more than usual.",
        "Kept to the speed limit more than usual.",
        _measured("speeding_ratio", "{:.0%} of the time more than 5 km/h above a known limit"),
    ),
    "SPEED_VARIATION": Factor(
        "Uneven speed",
        "Changed speed more than usual.",
        "Kept a steadier speed than usual.",
        _measured("speed_volatility", "Speed spread of {:.0f} km/h around its mean"),
    ),
    "JERKY_DRIVING": Factor(
        "Jerky driving",
        "Came on and off the pedals more abruptly than usual.",
        "Drove more smoothly than usual.",
        _measured("jerk_rms_mps3", "Acceleration changed by {:.1f} m/s² a second (root mean square)"),
    ),
    "NIGHT_DRIVING": Factor(
        "Night driving",
        "Drove at night more than usual.",
        "Drove at night less than usual.",
        _measured("night_ratio", "{:.0%} of the time between 23:00 and 05:00"),
    ),
    "PHONE_USE": Factor(
        "Phone use",
        "Used the phone at the wheel more than usual.",
        "Used the phone at the wheel less than usual.",
        _measured("phone_use_ratio", "{:.0%} of the time in motion"),
    ),
}
"""Every reason code; "usual" is the reference driver: the training fleet's median trip."""


def factor_name(code: str) -> str:
    """Name a factor; a code that is new to this report is shown as it is."""
    return next((factor.name for known, factor in FACTORS.items() if known == code), code)


def reason_lines(trip: Row) -> list[ReasonLine]:
    """Put a trip's reasons into words, the largest impact first.

    Parameters
    ----------
    trip
        A row of `driver_score.report.frames.TRIP_SCHEMA`.
    """
    lines = []
    for rank in (1, 2, 3):
        code, points = trip[f"reason_{rank}"], trip[f"reason_{rank}_impact"]
        if code is None or points is None:
            continue
        factor = FACTORS[code]
        lines.append(
            ReasonLine(points, factor.name, factor.worse if points < 0 else factor.better, factor.evidence(trip))
        )
    return lines


REJECTS: Final[dict[RejectCode, str]] = {
    RejectCode.MISPLACED_KEY: "The message has no key, or is on another partition than its vehicle.",
    RejectCode.EMPTY_VALUE: "The message is empty.",
    RejectCode.TOO_LARGE: "The message is larger than any upload should be.",
    RejectCode.INVALID_UTF8: "The message is not text: its bytes are not UTF-8.",
    RejectCode.NOT_JSON: "The message is not JSON: cut off, or of another format.",
    RejectCode.NOT_AN_OBJECT: "The message is JSON, but not an event with named fields.",
    RejectCode.MISSING_FIELD: "An id or the time is missing.",
    RejectCode.ILLEGAL_ID: "An id is empty, too long, or has characters other than letters, digits and _ . : -",
    RejectCode.WRONG_TYPE: "An id is neither text nor a whole number, or the samples are no list.",
    RejectCode.ILLEGAL_TIMESTAMP: "The time can't be read, or does not say its offset from UTC.",
    RejectCode.TIMESTAMP_OUT_OF_RANGE: "The device's clock is wrong: years ago, or ahead of time.",
    RejectCode.NOTHING_MEASURED: "A sample with neither speed nor acceleration, or with none that can be used.",
    RejectCode.BAD_SAMPLES: "An upload of several samples had bad ones; its good ones were read.",
    RejectCode.INVALID_TRIP_RESULT: "The result of a trip, on its way to the driver's profile, could not be read.",
}
"""A sentence for each code of ``trip-events-dlq``."""


def reject_sentence(code: str) -> str:
    """Explain why events were rejected; a code that is new to this report is shown as it is."""
    return next((sentence for known, sentence in REJECTS.items() if known == code), code)
