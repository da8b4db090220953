"""Emitted features into Driver Scores."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from schemas.columns import OUTPUT_COLUMNS
from schemas.features import COUNT_FEATURES, FEATURE_NAMES
from schemas.messages.driver_score import DriverScore, ModelRole
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.driver_scores import ALERT_COLUMNS, DriverScores, ScoreMaker, ServedModel
from scoring.engine import ScoringEngine
from scoring.events.columns import EventColumns
from scoring.features.emission import EMITTED, RowKind
from scoring.features.emitted import EmittedFeatures
from scoring.features.eviction import evict
from scoring.features.parameters import kernel_parameters
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update
from scoring.model import DEFAULT_MODEL, ExposureLimits, Scorer
from tests.support.examples.event_frames import event_frame, trip

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
def engine() -> ScoringEngine:
    return engine_of("champion")


def engine_of(role: ModelRole) -> ScoringEngine:
    scorer = Scorer.load(DEFAULT_MODEL)
    maker = ScoreMaker(
        threshold_profile="default-v2",
        trip_exposure=ExposureLimits.of_trips(ExposureSettings()),
        window_exposure=ExposureLimits.of_windows(ExposureSettings()),
    )
    return ScoringEngine(PARAMETERS, maker, ServedModel(scorer, role))


@pytest.fixture
def states() -> TripStates:
    """Return the states of two trips."""
    states = TripStates()
    events = event_frame(*trip("trip_1", 0), *trip("trip_2", 0, vehicle_class="van"))
    update(states, EventColumns.of_frame(events), PARAMETERS)
    return states


def emitted_of(states: TripStates, *drives: dict[str, float], trip_id: str = "trip_1", **marks: Any) -> EmittedFeatures:
    """Return emitted rows of one trip with these features, the others unknown; marks change the rows."""
    rows = np.zeros(len(drives), EMITTED)
    rows["slot"] = states.slots()[[ids[0] for ids in states.ids_of(states.slots())].index(trip_id)]
    rows["kind"] = RowKind.TRIP
    rows["revision"] = range(len(drives))
    rows["window_start_ms"] = 1_772_435_700_000
    rows["window_end_ms"] = rows["event_time_ms"] = 1_772_435_760_000
    for name, mark in marks.items():
        rows[name] = mark
    features = np.array([[drive.get(name, np.nan) for name in FEATURE_NAMES] for drive in drives])
    slots = rows["slot"]
    return EmittedFeatures(
        rows=rows,
        features=features.reshape(len(drives), len(FEATURE_NAMES)),
        id_texts=states.texts_of(slots),
        id_sizes=states.id_sizes(slots),
        vehicle_classes=states.arrays.heads["vehicle_class"][slots],
    )


def scores_of(engine: ScoringEngine, *emitted: tuple[TripStates, EmittedFeatures]) -> DriverScores:
    scores = engine.score(emitted, scored_at_ms=SCORED_AT_MS)
    assert scores is not None
    return scores


def made(
    engine: ScoringEngine, states: TripStates, emitted: EmittedFeatures, scored_at_ms: int = SCORED_AT_MS
) -> pl.DataFrame:
    scores = engine.score([(states, emitted)], scored_at_ms=scored_at_ms)
    assert scores is not None
    return pl.DataFrame(scores.columns, infer_schema_length=None)


def test_rows_are_messages_with_every_column(engine: ScoringEngine, states: TripStates) -> None:
    scores = scores_of(engine, (states, emitted_of(states, CALM, WILD, final=1)))
    assert scores.columns.keys() == {*OUTPUT_COLUMNS["driver-scores"], *ALERT_COLUMNS, "alerting"}
    rows = list(scores.rows(OUTPUT_COLUMNS["driver-scores"], range(len(scores))))
    assert len(rows) == 2
    for row in rows:
        DriverScore.model_validate(row)


def test_real_trips_make_valid_messages(engine: ScoringEngine) -> None:
    states = TripStates()
    events = event_frame(*trip("trip_1", *range(0, 300_000, 1000), latitude=48.1, longitude=11.6))
    emitted = [update(states, EventColumns.of_frame(events), PARAMETERS), close_trips(states, PARAMETERS)]
    for each in emitted:
        lines = made(engine, states, each).select(OUTPUT_COLUMNS["driver-scores"]).write_ndjson().splitlines()
        assert [DriverScore.model_validate_json(line).trip_id for line in lines] == ["trip_1"] * len(each.rows)


def test_a_score_identifies_its_trip_and_window(engine: ScoringEngine, states: TripStates) -> None:
    emitted = emitted_of(
        states, CALM, trip_id="trip_2", kind=RowKind.WINDOW, final=1, revision=3, event_count=60, late_event_count=2
    )
    score = made(engine, states, emitted).row(0, named=True)
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
        "threshold_profile": "default-v2",
        "model_role": "champion",
        "status": "scored",
    }
    assert {name: score[name] for name in expected} == expected


def test_missing_sensors_are_null_and_counts_are_whole(engine: ScoringEngine, states: TripStates) -> None:
    score = made(engine, states, emitted_of(states, {**CALM, "hard_brake_count": 3.0, "stop_count": 0.0})).row(
        0, named=True
    )
    assert (score["hard_brake_count"], score["stop_count"]) == (3, 0)
    assert all(isinstance(score[name], int | None) for name in COUNT_FEATURES)
    assert score["peak_lateral_mps2"] is None
    assert score["night_ratio"] is None


def test_a_trip_whose_speed_contradicts_its_positions_has_no_score(engine: ScoringEngine) -> None:
    states = TripStates()
    events = trip("trip_1", *range(0, 300_000, 1000), speed_kmh=30.0)
    for number, one in enumerate(events):
        one |= {"latitude": 48.1234 + number * 50 / 3.6 / 111_195, "longitude": 11.6}
    update(states, EventColumns.of_frame(event_frame(*events)), PARAMETERS)
    last = made(engine, states, close_trips(states, PARAMETERS)).row(-1, named=True)
    unknown = ("score", "band", "risk", "reason_1", "distance_km", "avg_speed")
    assert [name for name in unknown if last[name] is not None] == []
    assert (last["kind"], last["status"], last["duration_s"]) == ("trip", "insufficient_exposure", 299.0)


@pytest.mark.parametrize(
    ("kind", "distance_km", "duration_s", "status"),
    [
        (RowKind.TRIP, 1.0, 120.0, "scored"),
        (RowKind.TRIP, 0.99, 600.0, "insufficient_exposure"),
        (RowKind.TRIP, 8.0, 119.0, "insufficient_exposure"),
        (RowKind.TRIP, np.nan, 600.0, "insufficient_exposure"),
        (RowKind.WINDOW, 0.2, 30.0, "scored"),
        (RowKind.WINDOW, 0.19, 60.0, "insufficient_exposure"),
    ],
)
def test_too_little_driving_has_no_score(
    engine: ScoringEngine, states: TripStates, kind: int, distance_km: float, duration_s: float, status: str
) -> None:
    drive = {**CALM, "distance_km": distance_km, "duration_s": duration_s}
    score = made(engine, states, emitted_of(states, drive, kind=kind)).row(0, named=True)
    assert score["status"] == status
    numbers = [score[name] for name in ("risk", "score", "band")]
    assert (None not in numbers) == (status == "scored")
    if status != "scored":
        assert numbers == [None] * 3
        assert score["reason_1"] is score["reason_1_impact"] is None


def test_the_id_is_that_of_the_content_and_not_of_the_clock(engine: ScoringEngine, states: TripStates) -> None:
    emitted = emitted_of(states, CALM)
    now, later = made(engine, states, emitted), made(engine, states, emitted, scored_at_ms=SCORED_AT_MS + 60_000)
    assert now.drop("scored_at").equals(later.drop("scored_at"))
    assert now["scored_at"][0] != later["scored_at"][0]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": RowKind.WINDOW},
        {"revision": 1},
        {"final": 1},
        {"window_start_ms": 1},
        {"window_end_ms": 1},
        {"event_count": 1},
        {"late_event_count": 1},
        {"trip_id": "trip_2"},
    ],
)
def test_a_score_of_another_trip_or_part_has_another_id(
    engine: ScoringEngine, states: TripStates, other: dict[str, Any]
) -> None:
    one, another = (made(engine, states, emitted_of(states, CALM, **marks))["score_id"][0] for marks in ({}, other))
    assert one != another


def test_a_trip_alerts_when_it_enters_the_high_band_and_again_only_after_it_had_left(
    engine: ScoringEngine, states: TripStates
) -> None:
    short = {**CALM, "distance_km": 0.1}
    drives = [CALM, WILD, WILD, short, WILD, CALM, WILD]
    scores = made(engine, states, emitted_of(states, *drives))
    assert scores["band"].to_list() == ["low", "high", "high", None, "high", "low", "high"]
    assert scores["alerting"].to_list() == [False, True, False, False, False, False, True]
    again = made(engine, states, emitted_of(states, WILD, revision=len(drives)))
    assert again["alerting"].to_list() == [False], "the trip's state remembers"
    assert made(engine, states, emitted_of(states, WILD, trip_id="trip_2"))["alerting"].to_list() == [True]


def test_a_trip_in_the_slot_of_one_that_was_evicted_at_high_risk_alerts_too(
    engine: ScoringEngine, states: TripStates
) -> None:
    last = emitted_of(states, WILD)
    evict(states.arrays, int(last.rows["slot"][0]))
    states.release_evicted()
    update(states, EventColumns.of_frame(event_frame(*trip("trip_3", 0))), PARAMETERS)
    following = emitted_of(states, WILD, trip_id="trip_3")
    assert following.rows["slot"] == last.rows["slot"]
    assert scores_of(engine, (states, last), (states, following)).columns["alerting"] == [True, True]


def test_the_last_rows_of_an_evicted_trip_do_not_alert_again(engine: ScoringEngine, states: TripStates) -> None:
    assert made(engine, states, emitted_of(states, WILD))["alerting"].to_list() == [True]
    last = emitted_of(states, WILD, revision=1, final=1)
    evict(states.arrays, int(last.rows["slot"][0]))
    states.release_evicted()
    assert made(engine, states, last)["alerting"].to_list() == [False]


def test_a_severe_event_that_is_the_first_of_its_trip_has_its_position(engine: ScoringEngine) -> None:
    states = TripStates()
    events = event_frame(*trip("trip_1", 0, acceleration_mps2=-9.0, latitude=48.1, longitude=11.6))
    [row] = made(engine, states, update(states, EventColumns.of_frame(events), PARAMETERS)).to_dicts()
    assert (row["kind"], row["event_type"]) == ("severe_event", "hard_brake")
    assert (row["latitude"], row["longitude"]) == (pytest.approx(48.1), pytest.approx(11.6))


def test_windows_never_alert(engine: ScoringEngine, states: TripStates) -> None:
    scores = made(engine, states, emitted_of(states, WILD, kind=RowKind.WINDOW))
    assert scores["band"].to_list() == ["high"]
    assert scores["alerting"].to_list() == [False]


def test_nothing_emitted_makes_no_scores(engine: ScoringEngine, states: TripStates) -> None:
    assert engine.score([(states, emitted_of(states))], scored_at_ms=SCORED_AT_MS) is None
    assert engine.process([], scored_at_ms=SCORED_AT_MS) is None


def test_a_score_has_the_role_of_its_model(states: TripStates) -> None:
    scores = scores_of(engine_of("challenger"), (states, emitted_of(states, CALM)))
    assert scores.columns["model_role"] == ["challenger"]


def test_emitted_rows_keep_their_ids_and_class_when_the_states_change(engine: ScoringEngine) -> None:
    states, other = TripStates(), TripStates()
    emitted = update(states, EventColumns.of_frame(event_frame(*trip("trip_1", 0, 61_000, 62_000))), PARAMETERS)
    expected = scores_of(engine, (states, emitted)).columns
    evict(states.arrays, int(emitted.rows["slot"][0]))
    states.release_evicted()
    update(states, EventColumns.of_frame(event_frame(*trip("trip_2", 0, vehicle_class="bus"))), PARAMETERS)
    assert states.ids_of(states.slots())[0][0] == "trip_2", "another trip has the slot"
    update(other, EventColumns.of_frame(event_frame(*trip("trip_2", 0))), PARAMETERS)
    assert scores_of(engine, (other, emitted)).columns == expected


def test_trips_of_several_partitions_are_scored_together_as_they_are_apart(engine: ScoringEngine) -> None:
    def two_partitions() -> list[tuple[TripStates, EmittedFeatures]]:
        partitions = [TripStates(), TripStates()]
        for number, states in enumerate(partitions):
            update(states, EventColumns.of_frame(event_frame(*trip(f"trip_{number}", 0))), PARAMETERS)
        first, second = partitions
        return [
            (first, emitted_of(first, WILD, CALM, trip_id="trip_0")),
            (second, emitted_of(second, CALM, WILD, WILD, trip_id="trip_1")),
        ]

    together = scores_of(engine, *two_partitions())
    apart = [scores_of(engine, part) for part in two_partitions()]
    assert together.columns["alerting"] == [True, False, False, True, False]
    for name, column in together.columns.items():
        assert column == [entry for scores in apart for entry in scores.columns[name]], name
