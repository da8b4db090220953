"""The rolling score of a driver, and its message."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.messages.driver_profile import DriverProfile
from schemas.messages.trip_result import TripResult
from scoring.driver_profile import REMEMBERED_TRIPS, ProfileState, count_trip, profile_message
from tests.support.examples.driver_scores import START, final_score

HALF_LIFE_DAYS = 14.0
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def profile_of(*trips: TripResult, min_distance_km: float = 0.0) -> ProfileState:
    state = ProfileState()
    for trip in trips:
        state = count_trip(state, trip, half_life_days=HALF_LIFE_DAYS, min_distance_km=min_distance_km)
    return state


def message_of(*trips: TripResult, min_distance_km: float = 50.0) -> DriverProfile:
    return profile_message(
        profile_of(*trips, min_distance_km=min_distance_km),
        trips[-1],
        half_life_days=HALF_LIFE_DAYS,
        min_distance_km=min_distance_km,
        band_of=lambda score: "low" if score >= 70 else "high",
        updated_at=NOW,
    )


def score_of(*trips: TripResult) -> float | None:
    return profile_of(*trips).score(0.0)


def test_one_trip_is_the_score() -> None:
    assert score_of(final_score(score=64.5)) == 64.5


def test_trips_weigh_by_their_distance() -> None:
    assert score_of(final_score(1, score=90.0, distance_km=30.0), final_score(2, score=50.0, distance_km=10.0)) == 80.0


@pytest.mark.parametrize(("days", "expected"), [(0, 75.0), (14, 80.0), (28, 84.0), (365, 90.0)])
def test_a_trip_counts_half_after_each_half_life(days: float, expected: float) -> None:
    older, newer = final_score(1, score=60.0), final_score(2, score=90.0, days=days)
    assert score_of(older, newer) == pytest.approx(expected, abs=0.01)


def test_a_trip_that_comes_after_newer_ones_has_the_weight_of_its_age() -> None:
    trips = [final_score(1, score=60.0), final_score(2, score=90.0, days=14)]
    assert score_of(*reversed(trips)) == score_of(*trips)
    assert profile_of(*reversed(trips)).newest_ms == profile_of(*trips).newest_ms


def test_a_repeated_trip_changes_nothing() -> None:
    first, second = final_score(1), final_score(2, score=50.0, days=1)
    state = profile_of(first, second)
    for again in (first, second):
        assert count_trip(state, again, half_life_days=HALF_LIFE_DAYS, min_distance_km=0.0) is state


def test_a_revision_replaces_the_one_before() -> None:
    first, other = final_score(1, score=20.0, distance_km=5.0), final_score(2, score=70.0, days=3)
    revised = final_score(1, score=40.0, distance_km=6.0, revision=1)
    revised_state, at_once = profile_of(first, other, revised), profile_of(revised, other)
    assert revised_state.score(0.0) == at_once.score(0.0)
    assert revised_state.trip_count == 2
    assert revised_state.distance_km == pytest.approx(16.0)


def test_an_outdated_revision_changes_nothing() -> None:
    state = profile_of(final_score(1, score=40.0, revision=2))
    assert count_trip(state, final_score(1, revision=1), half_life_days=HALF_LIFE_DAYS, min_distance_km=0.0) is state


def test_trips_of_the_same_id_of_two_vehicles_are_two_trips() -> None:
    assert profile_of(final_score(1), final_score(1, vehicle_id="veh_2")).trip_count == 2


def test_a_trip_without_a_score_moves_the_time_and_nothing_else() -> None:
    state = profile_of(final_score(1, score=60.0), final_score(2, score=None, days=14))
    assert (state.trip_count, state.distance_km, state.score(0.0)) == (1, 10.0, 60.0)
    assert state.weight_km == pytest.approx(5.0)


def test_a_revision_without_a_score_removes_what_the_trip_had_added() -> None:
    state = profile_of(final_score(1, score=60.0), final_score(1, score=None, revision=1))
    assert (state.trip_count, state.score(0.0)) == (0, None)


def test_the_state_does_not_grow_with_the_number_of_trips() -> None:
    state = profile_of(*(final_score(trip, days=trip / 10) for trip in range(500)))
    assert len(state.recent) == REMEMBERED_TRIPS
    assert state.trip_count == 500
    assert len(state.model_dump_json()) < 4000


def test_the_state_survives_as_json() -> None:
    state = profile_of(final_score(1, score=61.7), final_score(2, days=2))
    assert ProfileState.model_validate_json(state.model_dump_json()) == state


@pytest.mark.parametrize(
    ("distances_km", "expected"),
    [
        ([49.9], {"status": "insufficient_exposure", "score": None, "band": None, "previous_score": None}),
        ([50.0], {"status": "scored", "score": 80.0, "band": "low", "previous_score": None}),
        ([50.0, 1.0], {"status": "scored", "score": 80.0, "band": "low", "previous_score": 80.0}),
        ([30.0, 30.0], {"status": "scored", "score": 80.0, "band": "low", "previous_score": None}),
    ],
)
def test_a_score_needs_enough_driving(distances_km: list[float], expected: dict[str, Any]) -> None:
    trips = [final_score(number, distance_km=distance) for number, distance in enumerate(distances_km)]
    assert message_of(*trips).model_dump(include=set(expected)) == expected


def test_the_message_has_what_the_score_is_based_on() -> None:
    older = final_score(1, score=40.0, distance_km=40.0)
    newer = final_score(2, score=90.0, distance_km=60.0, days=14, model_version="v2")
    message = message_of(older, newer)
    assert message == DriverProfile(
        driver_id="drv_1",
        client_id="client_1",
        status="scored",
        score=77.5,  # (20 km at 40, 60 km at 90) / 80 km
        band="low",
        previous_score=None,
        trip_count=2,
        distance_km=100.0,
        duration_s=1200.0,
        effective_distance_km=80.0,
        half_life_days=14,
        last_trip_id="trip_2",
        model_version="v2",
        event_time=newer.window_end,
        updated_at=NOW,
    )


def test_a_repeated_trip_has_the_message_it_had() -> None:
    trips = [final_score(1, distance_km=60.0), final_score(2, score=50.0, distance_km=60.0, days=1)]
    assert message_of(*trips, trips[1]) == message_of(*trips)


def test_time_is_that_of_the_newest_trip() -> None:
    assert message_of(final_score(2, days=3), final_score(1)).event_time == final_score(2, days=3).window_end
    assert message_of(final_score(1)).event_time == START
