"""However events are split into batches, the same scores alert: trips that enter the high-risk band."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.driver_scores import DriverScores, ScoreMaker, ServedModel
from scoring.engine import ScoringEngine
from scoring.events.columns import EventColumns
from scoring.features.parameters import kernel_parameters
from scoring.features.state.trip_states import TripStates
from scoring.model import BANDS, ExposureLimits, ScoredBatch, Scorer
from tests.reference.random_trips import Event, fleets, frame_of

_SETTINGS = WindowSettings(grace_s=1, idle_gap_s=15, retention_s=30)
_AVERAGE_SPEED = FEATURE_NAMES.index("avg_speed")
_WHAT = ("trip_id", "vehicle_id", "driver_id", "client_id", "vehicle_class", "kind", "revision", "final", "alerting")


@dataclass(frozen=True)
class FastIsHigh:
    """A model whose bands change often: high above 40 km/h, no score where no speed is known."""

    name: str = "fast"
    version: str = "v1"

    def score(self, features: NDArray[np.float64], exposure: ExposureLimits) -> ScoredBatch:
        speed = features[:, _AVERAGE_SPEED]
        scored = exposure.reached(features) & ~np.isnan(speed)
        count = len(features)
        return ScoredBatch(
            scored=scored,
            risk=speed / 1000,
            score=100 - speed,
            band=np.where(scored, np.where(speed > 40, BANDS.index("high"), 0), -1).astype(np.int8),
            reason_codes=np.full((count, 3), -1, np.int8),
            reason_impacts=np.full((count, 3), np.nan),
        )


def engine() -> ScoringEngine:
    limits = ExposureLimits.none()
    maker = ScoreMaker(threshold_profile="default-v2", trip_exposure=limits, window_exposure=limits)
    model = ServedModel(cast("Scorer", FastIsHigh()), "champion")
    return ScoringEngine(kernel_parameters(ThresholdProfile(), _SETTINGS), maker, model)


def split(events: list[Event], cuts: list[int]) -> list[EventColumns]:
    columns = EventColumns.of_frame(frame_of(events))
    ends = sorted({*(cut % (len(events) + 1) for cut in cuts), 0, len(events)})
    return [columns.take(slice(start, end)) for start, end in pairwise(ends)]


def alerts_by_trip(*scored: DriverScores | None) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the scores of each trip are of, and whether they alert, in order."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for scores in scored:
        for row in scores.rows(_WHAT, range(len(scores))) if scores is not None else ():
            found.setdefault(row["trip_id"], []).append(tuple(row.values()))
    return found


def interrupted(events: list[Event], gap_s: int) -> list[Event]:
    """Stop all trips half-way, for long enough that they are closed and evicted, while another one moves the clock."""
    half = len(events) // 2
    if not half:
        return events
    stop_ms = events[half - 1]["timestamp_ms"]
    passing = [
        {**events[0], "trip_id": "passing", "vehicle_id": "passing", "event_id": None, "event_type": "sample"}
        | {"speed_kmh": 60.0, "timestamp_ms": stop_ms + second * 1000}
        for second in range(0, gap_s, 5)
    ]
    later = [{**one, "timestamp_ms": one["timestamp_ms"] + gap_s * 1000} for one in events[half:]]
    return [*events[:half], *passing, *later]


@settings(max_examples=80, deadline=None)
@given(events=fleets(), cuts=st.lists(st.integers(0, 10_000), max_size=8))
@pytest.mark.parametrize("gap_s", [0, 300], ids=["trips drive on", "trips are closed, evicted, and begin again"])
def test_any_split_into_batches_raises_the_same_alerts(events: list[Event], cuts: list[int], gap_s: int) -> None:
    events = interrupted(events, gap_s)
    whole, parts, pending = TripStates(), TripStates(), TripStates()
    at_once = engine().process([(whole, batch) for batch in split(events, [])], scored_at_ms=0)
    one_by_one = [engine().process([(parts, batch)], scored_at_ms=0) for batch in split(events, cuts)]
    scored_late = engine().process([(pending, batch) for batch in split(events, cuts)], scored_at_ms=0)

    expected = alerts_by_trip(*one_by_one)
    assert alerts_by_trip(at_once) == expected
    assert alerts_by_trip(scored_late) == expected
