"""Plain words for codes: why a score is what it is, and why an event was not read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.driver_score import ReasonCode

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


def _counted(count: str, peak: str, one: str, many: str) -> Callable[[Row], str]:
    def evidence(row: Row) -> str:
        if row[count] is None:
            return ""
        parts = [f"{row[count]} {one if row[count] == 1 else many}"]
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
        _counted("hard_brake_count", "peak_deceleration_mps2", "hard brake", "hard brakes"),
    ),
    "HARD_ACCELERATION": Factor(
        "Hard acceleration",
        "Accelerated hard more often, or harder, than usual.",
        "Accelerated more gently than usual.",
        _counted("hard_acceleration_count", "peak_acceleration_mps2", "hard acceleration", "hard accelerations"),
    ),
    "HARD_CORNERING": Factor(
        "Hard cornering",
        "Took corners faster than usual.",
        "Took corners more gently than usual.",
        _counted("hard_corner_count", "peak_lateral_mps2", "hard corner", "hard corners"),
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
        A row of `stream_app.report.frames.TRIP_SCHEMA`.
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


_REJECTS: Final[dict[str, str]] = {
    "not_json": "The message is not JSON: truncated, empty, or of another format.",
    "invalid_utf8": "The message is not UTF-8 text.",
    "empty": "The message is empty.",
    "too_large": "The message is larger than events are.",
    "nothing_measured": "A sample with neither speed nor acceleration.",
    "missing": "A required field is missing.",
    "string_pattern_mismatch": "An id has characters other than letters, digits and _ . : -, or is too long.",
    "future_timestamp": "The device's clock is ahead of time.",
    "old_timestamp": "The device's clock was never set.",
}
"""Sentences for codes of ``trip-events-dlq``; a code without one speaks for itself."""


def reject_sentence(code: str) -> str:
    """Explain why events were rejected."""
    return _REJECTS.get(code, f"{code.replace('_', ' ').capitalize()}.")
