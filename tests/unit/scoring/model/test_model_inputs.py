import numpy as np
import pytest

from schemas.features import FEATURE_NAMES
from scoring.model.inputs import (
    PRIOR_DISTANCE_KM,
    PRIOR_DURATION_S,
    TRIP_INPUTS,
    FittedInput,
    InputSpec,
    derive_inputs,
    fit_inputs,
)
from tests.support.examples.drawn_fleet import draw_trips, feature_matrix, row

BRAKES = FittedInput(
    name="hard_brakes_per_100km",
    reason="HARD_BRAKING",
    kind="per_100km",
    sources=("hard_brake_count",),
    prior_exposure=10.0,
    prior=0.1,
    cap=500.0,
)
SPEEDING = FittedInput(
    name="speeding_share_over_15",
    reason="SPEEDING",
    kind="share",
    sources=("speeding_ratio_serious", "speeding_ratio_severe"),
    prior_exposure=300.0,
    prior=0.2,
    cap=1.0,
)
VOLATILITY = FittedInput(
    name="speed_volatility",
    reason="SPEED_VARIATION",
    kind="level",
    sources=("speed_volatility",),
    prior=0.0,
    cap=30.0,
)


@pytest.mark.parametrize(
    ("count", "distance_km", "expected"),
    [
        (0, 0.0, 10.0),  # nothing driven: the prior
        (1, 1.0, 100 * 2 / 11),  # one brake in one kilometre is not 100 per 100 km
        (1, 10.0, 10.0),  # as the fleet
        (100, 1000.0, 100 * 101 / 1010),  # much driven: almost its own rate
    ],
)
def test_a_rate_grows_from_the_fleets_prior_into_its_own(count: float, distance_km: float, expected: float) -> None:
    features = row(hard_brake_count=count, distance_km=distance_km)
    assert BRAKES.derive(features)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("serious", "severe", "duration_s", "expected"),
    [(0.0, 0.0, 0.0, 0.2), (1.0, 0.0, 60.0, 120 / 360), (0.25, 0.25, 300.0, 0.35), (0.0, 0.5, 1e9, 0.5)],
)
def test_a_share_adds_its_sources_and_grows_into_its_own(
    serious: float, severe: float, duration_s: float, expected: float
) -> None:
    features = row(speeding_ratio_serious=serious, speeding_ratio_severe=severe, duration_s=duration_s)
    assert SPEEDING.derive(features)[0] == pytest.approx(expected)


def test_a_level_counts_as_it_is_up_to_its_cap() -> None:
    features = np.concatenate([row(speed_volatility=12.0), row(speed_volatility=99.0)])
    assert VOLATILITY.derive(features).tolist() == [12.0, 30.0]


def test_an_input_is_unknown_when_one_of_its_sources_is() -> None:
    features = row(hard_brake_count=1, speeding_ratio_severe=0.1, duration_s=60)
    assert np.isnan(derive_inputs(features, [BRAKES, SPEEDING, VOLATILITY])).all()


def test_phone_use_that_nobody_reported_is_none() -> None:
    (phone,) = [spec for spec in TRIP_INPUTS if spec.reason == "PHONE_USE"]
    (fitted,) = fit_inputs(np.concatenate([row(phone_use_ratio=0.4, duration_s=300.0), row(duration_s=300.0)]), [phone])
    reported_none, unknown = row(phone_use_ratio=0.0, duration_s=600.0), row(duration_s=600.0)
    assert fitted.prior == pytest.approx(0.2)
    assert fitted.derive(unknown) == fitted.derive(reported_none)


def test_inputs_are_rounded_to_float32() -> None:
    assert derive_inputs(row(speed_volatility=0.1), [VOLATILITY])[0, 0] == np.float32(0.1)


def test_the_prior_is_the_whole_fleets_rate_and_share() -> None:
    features = np.concatenate(
        [
            row(hard_brake_count=3, distance_km=10, duration_s=100, night_ratio=1.0),
            row(hard_brake_count=0, distance_km=20, duration_s=300, night_ratio=0.0),
            row(distance_km=1000, duration_s=1e6),  # no sensor: its km say nothing of brakes
        ]
    )
    fitted = {one.name: one for one in fit_inputs(features)}
    assert fitted["hard_brakes_per_100km"].prior == pytest.approx(0.1)
    assert fitted["night_share"].prior == pytest.approx(0.25)


def test_an_input_is_capped_where_one_training_trip_in_a_hundred_lies() -> None:
    features = np.concatenate([row(speed_volatility=float(level)) for level in range(101)])
    assert fit_inputs(features)[0].cap == pytest.approx(99.0)


def test_an_input_that_no_trip_has_a_sensor_for_is_left_out() -> None:
    features = feature_matrix(draw_trips(50))
    features[:, FEATURE_NAMES.index("phone_use_ratio")] = np.nan
    assert {spec.name for spec in TRIP_INPUTS} - {one.name for one in fit_inputs(features)} == {"phone_use_share"}


@pytest.mark.parametrize("spec", TRIP_INPUTS, ids=lambda spec: spec.name)
def test_no_input_is_a_count_a_distance_or_a_duration(spec: InputSpec) -> None:
    assert spec.monotone
    raw = {"duration_s", "distance_km", "stop_count"} | {name for name in FEATURE_NAMES if name.endswith("_count")}
    if spec.kind == "level":
        assert not raw & set(spec.sources)
    assert spec.prior_exposure == {"level": 0, "per_100km": PRIOR_DISTANCE_KM, "share": PRIOR_DURATION_S}[spec.kind]
