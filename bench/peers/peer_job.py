"""The job as the Python peers do it: a trip's features as sums, a score of window and trip at each window's end.

It takes fewer features than our worker, those that a dictionary of sums can keep; otherwise it is the same: messages
are checked with the models of the contract, and the default model scores. Nothing here imports a stream library.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypedDict

import numpy as np

from schemas.features import FEATURE_NAMES
from schemas.messages.trip_event import TripEvent
from schemas.settings import ExposureSettings, Settings
from scoring.model import BANDS, DEFAULT_MODEL, ExposureLimits, Scorer

WINDOW_MS: Final = 60_000
MAX_GAP_MS: Final = 10_000
HARD_MPS2: Final = 3.0
IDLE_KMH: Final = 3.0
MS_PER_HOUR: Final = 3_600_000
_MS_PER_S: Final = 1000

ADDED: Final = ("ms", "km", "speed_ms", "square_ms", "idle_ms", "brakes", "accelerations")
HIGHEST: Final = "max_kmh"

Sums = dict[str, float]


class Trip(TypedDict):
    """State of a trip: sums of its open window and of the whole trip, and the time of its last event."""

    window: Sums
    trip: Sums
    last_ms: int
    window_end_ms: int


@dataclass(frozen=True)
class EndedPart:
    """A window or a trip so far, to be scored; ``ids`` are those of the event that ended the window, and its time."""

    kind: Literal["window", "trip"]
    ids: dict[str, Any]
    sums: Sums


def take_event(trip: Trip | None, event: TripEvent) -> tuple[Trip | None, list[EndedPart]]:
    """Add the next event of a trip.

    Returns
    -------
    tuple
        The new state, None if the event is a duplicate or out of order; and the features to score.
    """
    at_ms = int(event.timestamp.timestamp() * _MS_PER_S)
    if trip is None:
        trip = {"window": _no_sums(), "trip": _no_sums(), "last_ms": 0, "window_end_ms": 0}
    if at_ms <= trip["last_ms"]:
        return None, []
    ended = []
    if trip["window_end_ms"] and at_ms >= trip["window_end_ms"]:
        ids = event.model_dump(include={"trip_id", "vehicle_id", "driver_id", "client_id"})
        ids["timestamp"] = iso(at_ms)
        ended = [EndedPart("window", ids, trip["window"]), EndedPart("trip", ids, dict(trip["trip"]))]
        trip["window"] = _no_sums()
    for sums in (trip["window"], trip["trip"]):
        _add(sums, event, at_ms - trip["last_ms"])
    trip["last_ms"] = at_ms
    trip["window_end_ms"] = (at_ms // WINDOW_MS + 1) * WINDOW_MS
    return trip, ended


def load_scorer(settings: Settings) -> Scorer:
    """Load the model that the settings name, or the default one."""
    return Scorer.load(settings.model.path or DEFAULT_MODEL)


def score_messages(scorer: Scorer, parts: Sequence[EndedPart]) -> list[dict[str, Any]]:
    """Score parts with one call of the model, and give a message for each."""
    if not parts:
        return []
    features = [_features(part.sums) for part in parts]
    rows = np.array([[feature.get(name, math.nan) for name in FEATURE_NAMES] for feature in features])
    is_trip = np.array([part.kind == "trip" for part in parts])
    scored = scorer.score(
        rows,
        ExposureLimits.of_rows(
            is_trip, ExposureLimits.of_trips(ExposureSettings()), ExposureLimits.of_windows(ExposureSettings())
        ),
    )
    return [
        {
            **part.ids,
            **{name: _nullable(number) for name, number in feature.items()},
            "kind": part.kind,
            "risk": _nullable(risk),
            "score": _nullable(score),
            "band": BANDS[band] if band >= 0 else None,
        }
        for part, feature, risk, score, band in zip(
            parts, features, scored.risk, scored.score, scored.band, strict=True
        )
    ]


def iso(epoch_ms: int) -> str:
    """Write a time as messages have it."""
    return datetime.fromtimestamp(epoch_ms / _MS_PER_S, UTC).isoformat(timespec="milliseconds")


def _no_sums() -> Sums:
    return dict.fromkeys((*ADDED, HIGHEST), 0.0)


def _add(sums: Sums, event: TripEvent, elapsed_ms: int) -> None:
    if event.speed_kmh is None:
        return
    sums[HIGHEST] = max(sums[HIGHEST], event.speed_kmh)
    if event.acceleration_mps2 is not None:
        sums["brakes"] += event.acceleration_mps2 <= -HARD_MPS2
        sums["accelerations"] += event.acceleration_mps2 >= HARD_MPS2
    if elapsed_ms > MAX_GAP_MS:
        return
    sums["ms"] += elapsed_ms
    sums["km"] += event.speed_kmh * elapsed_ms / MS_PER_HOUR
    sums["speed_ms"] += event.speed_kmh * elapsed_ms
    sums["square_ms"] += event.speed_kmh**2 * elapsed_ms
    sums["idle_ms"] += elapsed_ms * (event.speed_kmh < IDLE_KMH)


def _features(sums: Sums) -> dict[str, float]:
    elapsed_ms = sums["ms"] or math.nan
    mean_kmh = sums["speed_ms"] / elapsed_ms
    hard = sums["brakes"] + sums["accelerations"]
    return {
        "duration_s": sums["ms"] / _MS_PER_S,
        "distance_km": sums["km"],
        "avg_speed": mean_kmh,
        "speed_volatility": math.sqrt(max(0.0, sums["square_ms"] / elapsed_ms - mean_kmh**2)),
        "max_speed_kmh": sums[HIGHEST],
        "hard_event_count": hard,
        "hard_brake_count": sums["brakes"],
        "hard_acceleration_count": sums["accelerations"],
        "hard_events_per_100km": hard / sums["km"] * 100 if sums["km"] >= 1 else math.nan,
        "idle_ratio": sums["idle_ms"] / elapsed_ms,
    }


def _nullable(number: float) -> float | None:
    return None if math.isnan(number) else float(number)
