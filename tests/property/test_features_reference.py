"""The kernels agree with the plain reference on whatever devices send."""

import math

import pytest
from hypothesis import given, settings

from schemas.features import FEATURE_NAMES
from schemas.thresholds import HardEventThresholds, ThresholdProfile
from scoring.features.batch import trip_features
from tests.reference.random_trips import Event, frame_of, make_trip, trips
from tests.reference.trip_reference import reference_features

PROFILES = {
    "default": ThresholdProfile(),
    "long events, short refractory": ThresholdProfile(
        name="long", min_event_s=1.5, refractory_s=0.5, release_share=0.5, averaging_s=1.0
    ),
    "low thresholds, night at noon": ThresholdProfile(
        name="low",
        hard_events={"car": HardEventThresholds(brake_mps2=0.5, acceleration_mps2=0.5, corner_mps2=0.5)},
        night_from_hour=10,
        night_until_hour=14,
        max_gap_s=3,
        stop_s=2,
        min_rate_distance_km=0.1,
    ),
}


def assert_agrees(events: list[Event], profile: ThresholdProfile) -> None:
    [found] = trip_features(frame_of(events), profile).select(FEATURE_NAMES).to_dicts()
    expected = reference_features(events, profile)
    for name in FEATURE_NAMES:
        assert_close(name, found[name], expected[name])


def assert_close(name: str, found: float, expected: float | None) -> None:
    if expected is None:
        assert math.isnan(found), f"{name}: {found} instead of null"
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), name


@settings(max_examples=150, deadline=None)
@given(events=trips())
def test_batch_features_agree_with_the_reference(events: list[Event]) -> None:
    assert_agrees(events, PROFILES["default"])


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("seed", range(40))
def test_fixed_trips_agree_with_the_reference_under_every_profile(seed: int, profile: ThresholdProfile) -> None:
    assert_agrees(make_trip(seed, period_ms=(100, 1000)[seed % 2], samples=300), profile)
