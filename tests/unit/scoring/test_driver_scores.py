"""Due features into Driver Scores."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import scoring
from schemas.columns import OUTPUT_COLUMNS
from schemas.features import COUNT_FEATURES, FEATURE_NAMES
from schemas.messages.driver_score import DriverScore
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.driver_scores import ALERT_COLUMNS, ScoreMaker
from scoring.events.columns import EventColumns
from scoring.features.emission import DUE, TRIP, WINDOW, evict
from scoring.features.parameters import kernel_parameters
from scoring.features.state.trip_states import TripStates
from scoring.features.update import DueFeatures, close_trips, update
from scoring.model.exposure import ExposureLimits
from scoring.model.scorer import Scorer
from tests.event_frames import event_frame, trip

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())
SCORED_AT_MS = 1_772_500_000_123
CALM = {"duration_s": 600.0, "distance_km": 8.0, "avg_speed": 48.0, "speed_volatility": 8.0, "max_speed_kmh": 60.0}
WILD = {
    **CALM,
    "speed_volatility": 45.0,
    "max_speed_kmh": 180.0,
    "hard_event_count": 40.0,
    "hard_brake_count": 20.0,
    "hard_acceleration_count": 20.0,
    "hard_events_per_100km": 500.0,
    "speeding_ratio": 0.9,
    "speeding_ratio_severe": 0.9,
    "jerk_rms_mps3": 5.0,
    "peak_deceleration_mps2": 9.0,
    "peak_acceleration_mps2": 6.0,
    "acceleration_rms_mps2": 3.0,
}


@pytest.fixture(scope="module")
def maker() -> ScoreMaker:
    scorer = Scorer.load(Path(scoring.__file__).parent / "default_model")
    return ScoreMaker(
        scorer,
        threshold_profile="default-v1",
        trip_exposure=ExposureLimits(),
        window_exposure=ExposureLimits.for_windows(),
    )


@pytest.fixture
def states() -> TripStates:
    """Return the states of two trips."""
    states = TripStates()
    events = event_frame(*trip("trip_1", 0), *trip("trip_2", 0, vehicle_class="van"))
    update(states, EventColumns.of_frame(events), PARAMETERS)
    return states


def due_of(states: TripStates, *drives: dict[str, float], trip_id: str = "trip_1", **marks: Any) -> DueFeatures:
    """Return due rows of one trip with these features, the others unknown; marks change the rows."""
    rows = np.zeros(len(drives), DUE)
    rows["slot"] = states.slots()[[ids[0] for ids in states.ids_of(states.slots())].index(trip_id)]
    rows["kind"] = TRIP
    rows["revision"] = range(len(drives))
    rows["window_start_ms"] = 1_772_435_700_000
    rows["window_end_ms"] = rows["event_time_ms"] = 1_772_435_760_000
    for name, mark in marks.items():
        rows[name] = mark
    features = np.array([[drive.get(name, np.nan) for name in FEATURE_NAMES] for drive in drives])
    return DueFeatures(rows, features.reshape(len(drives), len(FEATURE_NAMES)))


def made(maker: ScoreMaker, states: TripStates, due: DueFeatures, scored_at_ms: int = SCORED_AT_MS) -> pl.DataFrame:
    return pl.DataFrame(maker.make([(states, due)], scored_at_ms=scored_at_ms).columns, infer_schema_length=None)


def test_rows_are_messages_with_every_column(maker: ScoreMaker, states: TripStates) -> None:
    scores = maker.make([(states, due_of(states, CALM, WILD, final=1))], scored_at_ms=SCORED_AT_MS)
    assert scores.columns.keys() == {*OUTPUT_COLUMNS["driver-scores"], *ALERT_COLUMNS}
    rows = list(scores.rows(OUTPUT_COLUMNS["driver-scores"], range(len(scores))))
    assert len(rows) == 2
    for row in rows:
        DriverScore.model_validate(row)


def test_real_trips_make_valid_messages(maker: ScoreMaker) -> None:
    states = TripStates()
    events = event_frame(*trip("trip_1", *range(0, 300_000, 1000), latitude=48.1, longitude=11.6))
    due = [update(states, EventColumns.of_frame(events), PARAMETERS), close_trips(states, PARAMETERS)]
    for each in due:
        lines = made(maker, states, each).select(OUTPUT_COLUMNS["driver-scores"]).write_ndjson().splitlines()
        assert [DriverScore.model_validate_json(line).trip_id for line in lines] == ["trip_1"] * len(each.rows)


def test_a_score_says_what_it_is_of(maker: ScoreMaker, states: TripStates) -> None:
    due = due_of(states, CALM, trip_id="trip_2", kind=WINDOW, final=1, revision=3, event_count=60, late_event_count=2)
    score = made(maker, states, due).row(0, named=True)
    expected = {
        "trip_id": "trip_2",
        "vehicle_id": "veh_1",
        "driver_id": "drv_1",
        "client_id": "client_1",
        "vehicle_class": "van",
        "kind": "window",
        "final": True,
        "revision": 3,
        "event_count": 60,
        "late_event_count": 2,
        "window_start": "2026-03-02T07:15:00.000Z",
        "window_end": "2026-03-02T07:16:00.000Z",
        "scored_at": "2026-03-03T01:06:40.123Z",
        "threshold_profile": "default-v1",
        "model_role": "champion",
        "status": "scored",
    }
    assert {name: score[name] for name in expected} == expected


def test_missing_sensors_are_null_and_counts_are_whole(maker: ScoreMaker, states: TripStates) -> None:
    score = made(maker, states, due_of(states, {**CALM, "hard_brake_count": 3.0, "stop_count": 0.0})).row(0, named=True)
    assert (score["hard_brake_count"], score["stop_count"]) == (3, 0)
    assert all(isinstance(score[name], int | None) for name in COUNT_FEATURES)
    assert score["peak_lateral_mps2"] is None
    assert score["night_ratio"] is None


@pytest.mark.parametrize(
    ("kind", "distance_km", "duration_s", "status"),
    [
        (TRIP, 1.0, 120.0, "scored"),
        (TRIP, 0.99, 600.0, "insufficient_exposure"),
        (TRIP, 8.0, 119.0, "insufficient_exposure"),
        (TRIP, np.nan, 600.0, "insufficient_exposure"),
        (WINDOW, 0.2, 30.0, "scored"),
        (WINDOW, 0.19, 60.0, "insufficient_exposure"),
    ],
)
def test_too_little_driving_has_no_score(
    maker: ScoreMaker, states: TripStates, kind: int, distance_km: float, duration_s: float, status: str
) -> None:
    drive = {**CALM, "distance_km": distance_km, "duration_s": duration_s}
    score = made(maker, states, due_of(states, drive, kind=kind)).row(0, named=True)
    assert score["status"] == status
    numbers = [score[name] for name in ("risk", "score", "band")]
    assert (None not in numbers) == (status == "scored")
    if status != "scored":
        assert numbers == [None] * 3
        assert score["reason_1"] is score["reason_1_impact"] is None


def test_the_id_is_that_of_the_content_and_not_of_the_clock(maker: ScoreMaker, states: TripStates) -> None:
    due = due_of(states, CALM)
    now, later = made(maker, states, due), made(maker, states, due, scored_at_ms=SCORED_AT_MS + 60_000)
    assert now.drop("scored_at").equals(later.drop("scored_at"))
    assert now["scored_at"][0] != later["scored_at"][0]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": WINDOW},
        {"revision": 1},
        {"final": 1},
        {"window_start_ms": 1},
        {"window_end_ms": 1},
        {"event_count": 1},
        {"late_event_count": 1},
        {"trip_id": "trip_2"},
    ],
)
def test_what_is_of_something_else_has_another_id(maker: ScoreMaker, states: TripStates, other: dict[str, Any]) -> None:
    one, another = (made(maker, states, due_of(states, CALM, **marks))["score_id"][0] for marks in ({}, other))
    assert one != another


def test_a_trip_alerts_when_it_enters_the_high_band_and_again_only_after_it_had_left(
    maker: ScoreMaker, states: TripStates
) -> None:
    short = {**CALM, "distance_km": 0.1}
    drives = [CALM, WILD, WILD, short, WILD, CALM, WILD]
    scores = made(maker, states, due_of(states, *drives))
    assert scores["band"].to_list() == ["low", "high", "high", None, "high", "low", "high"]
    assert scores["alerting"].to_list() == [False, True, False, False, False, False, True]
    again = made(maker, states, due_of(states, WILD))
    assert again["alerting"].to_list() == [False], "the trip's state remembers"
    assert made(maker, states, due_of(states, WILD, trip_id="trip_2"))["alerting"].to_list() == [True]


def test_a_trip_in_the_place_of_one_that_was_evicted_at_high_risk_alerts_too(
    maker: ScoreMaker, states: TripStates
) -> None:
    last = due_of(states, WILD)
    evict(
        states.arrays, int(last.rows["slot"][0])
    )  # as an update does that reports it and then meets much later events
    assert made(maker, states, last)["alerting"].to_list() == [True]
    update(states, EventColumns.of_frame(event_frame(*trip("trip_3", 0))), PARAMETERS)
    following = due_of(states, WILD, trip_id="trip_3")
    assert following.rows["slot"] == last.rows["slot"]
    assert made(maker, states, following)["alerting"].to_list() == [True]


def test_windows_never_alert(maker: ScoreMaker, states: TripStates) -> None:
    scores = made(maker, states, due_of(states, WILD, kind=WINDOW))
    assert scores["band"].to_list() == ["high"]
    assert scores["alerting"].to_list() == [False]


def test_nothing_due_makes_no_rows(maker: ScoreMaker, states: TripStates) -> None:
    assert made(maker, states, due_of(states)).is_empty()


def test_trips_of_several_partitions_are_scored_together_as_they_are_apart(maker: ScoreMaker) -> None:
    def two_partitions() -> list[tuple[TripStates, DueFeatures]]:
        partitions = [TripStates(), TripStates()]
        for number, states in enumerate(partitions):
            update(states, EventColumns.of_frame(event_frame(*trip(f"trip_{number}", 0))), PARAMETERS)
        first, second = partitions
        return [
            (first, due_of(first, WILD, CALM, trip_id="trip_0")),
            (second, due_of(second, CALM, WILD, WILD, trip_id="trip_1")),
        ]

    together = maker.make(two_partitions(), scored_at_ms=SCORED_AT_MS)
    apart = [maker.make([part], scored_at_ms=SCORED_AT_MS) for part in two_partitions()]
    assert together.columns["alerting"] == [True, False, False, True, False]
    for name, column in together.columns.items():
        assert column == [entry for scores in apart for entry in scores.columns[name]], name
