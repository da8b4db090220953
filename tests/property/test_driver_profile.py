"""The profile is a weighted mean, kept up trip by trip: whatever the order, repetitions and revisions."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages.trip_result import TripResult
from scoring.driver_profile import REMEMBERED_TRIPS, ProfileState, count_trip
from tests.support.examples.driver_scores import final_score

HALF_LIFE_DAYS = 14.0

trips = st.lists(
    st.tuples(
        st.none() | st.floats(0, 100),
        st.floats(0.1, 500),  # km
        st.floats(0, 60),  # days
    ),
    min_size=1,
    max_size=REMEMBERED_TRIPS,
).map(
    lambda drawn: [
        final_score(number, score=score, distance_km=distance_km, days=days)
        for number, (score, distance_km, days) in enumerate(drawn)
    ]
)


def profile_of(scores: list[TripResult]) -> ProfileState:
    state = ProfileState()
    for score in scores:
        state = count_trip(state, score, half_life_days=HALF_LIFE_DAYS, min_distance_km=0.0)
    return state


def plain_mean(scores: list[TripResult]) -> float | None:
    newest = max(score.window_end for score in scores)
    weighted: list[tuple[float, float]] = [
        (
            score.distance_km * 0.5 ** ((newest - score.window_end).total_seconds() / 86_400 / HALF_LIFE_DAYS),
            score.score,
        )
        for score in scores
        if score.score is not None and score.distance_km is not None
    ]
    if not weighted:
        return None
    return sum(weight * score for weight, score in weighted) / sum(weight for weight, _ in weighted)


def check_equal(state: ProfileState, expected: list[TripResult]) -> None:
    mean = plain_mean(expected)
    rolling = state.score(0.0)
    assert (rolling is None) == (mean is None)
    if rolling is not None:
        assert rolling == pytest.approx(mean, abs=0.006)
    scored = [score for score in expected if score.score is not None]
    assert state.trip_count == len(scored)
    assert state.distance_km == pytest.approx(sum(score.distance_km or 0 for score in scored), abs=1e-6)


@given(trips)
def test_the_rolling_score_is_the_weighted_mean(scores: list[TripResult]) -> None:
    check_equal(profile_of(scores), scores)


@given(trips, st.randoms(use_true_random=False))
def test_order_does_not_matter(scores: list[TripResult], random: Random) -> None:
    shuffled = list(scores)
    random.shuffle(shuffled)
    check_equal(profile_of(shuffled), scores)


@given(trips, st.lists(st.integers(0, REMEMBERED_TRIPS - 1), max_size=10))
def test_repeated_trips_count_once(scores: list[TripResult], again: list[int]) -> None:
    repeated = [scores[place] for place in again if place < len(scores)]
    assert profile_of([*scores, *repeated]) == profile_of(scores)


@given(trips, trips)
def test_only_the_newest_revision_of_a_trip_counts(scores: list[TripResult], revised: list[TripResult]) -> None:
    revised = [score.model_copy(update={"revision": 1}) for score in revised[: len(scores)]]
    # A revision that ends earlier leaves the time where it was, as it can't be known which trip had set it.
    newest = max(score.window_end for score in scores)
    kept = [*revised, *scores[len(revised) :]]
    state = profile_of([*scores, *revised])
    if max(score.window_end for score in kept) >= newest:
        check_equal(state, kept)
    else:
        assert state.trip_count == sum(score.score is not None for score in kept)


@given(trips)
def test_the_score_is_never_outside_of_the_trips_scores(scores: list[TripResult]) -> None:
    rolling = profile_of(scores).score(0.0)
    found = [score.score for score in scores if score.score is not None]
    assert rolling is None or min(found) - 0.01 <= rolling <= max(found) + 0.01
