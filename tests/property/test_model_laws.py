"""Laws of every score: worse driving never scores better, reasons add up, and a row's batch does not matter."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.features import FEATURE_NAMES
from schemas.settings import ExposureSettings
from scoring.model import ExposureLimits, Scorer
from scoring.model.inputs import derive_inputs
from tests.support.examples.drawn_fleet import draw_trips, drawn_model, feature_matrix

COLUMN = {name: column for column, name in enumerate(FEATURE_NAMES)}

ROWS = 40
"""Of a batch."""

WORSE_DRIVING = {
    "hard braking": ("hard_brake_count", "hard_event_count", "peak_deceleration_mps2"),
    "hard acceleration": ("hard_acceleration_count", "hard_event_count", "peak_acceleration_mps2"),
    "hard cornering": ("hard_corner_count", "hard_event_count", "peak_lateral_mps2", "lateral_rms_mps2"),
    "speeding": ("speeding_ratio", "speeding_ratio_serious", "speeding_ratio_severe"),
    "volatility": ("speed_volatility",),
    "jerk": ("jerk_rms_mps3", "acceleration_rms_mps2"),
    "night": ("night_ratio",),
    "phone use": ("phone_use_ratio",),
}


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return drawn_model().scorer()


@st.composite
def feature_rows(draw: st.DrawFn) -> np.ndarray:
    """Draw a row: a feature of any size, or unknown; distance and time are known, as a score needs them."""
    known = {
        "distance_km": st.floats(0.01, 2000),
        "duration_s": st.floats(1, 90_000),
    }
    ratio, level = st.floats(0, 1), st.floats(0, 60)
    count = st.integers(0, 500).map(float)
    features = []
    for name in FEATURE_NAMES:
        kind = ratio if "ratio" in name else count if name.endswith("_count") else level
        features.append(draw(known.get(name, st.one_of(st.just(np.nan), kind))))
    return np.array([features])


@pytest.mark.parametrize("behaviour", WORSE_DRIVING)
@given(features=feature_rows(), increase=st.floats(0, 50))
def test_more_of_it_never_raises_a_score(scorer: Scorer, behaviour: str, features: np.ndarray, increase: float) -> None:
    worse = features.copy()
    for name in WORSE_DRIVING[behaviour]:
        more = min(increase / 50, 1 - features[0, COLUMN[name]]) if "ratio" in name else increase
        worse[0, COLUMN[name]] += round(more) if name.endswith("_count") else more
    before, after = (scorer.score(rows, ExposureLimits.none()) for rows in (features, worse))
    assert after.score[0] <= before.score[0]
    assert after.risk[0] >= before.risk[0]


@given(features=feature_rows(), share=st.floats(0, 1))
def test_the_first_report_of_phone_use_never_raises_a_score(scorer: Scorer, features: np.ndarray, share: float) -> None:
    features[0, COLUMN["phone_use_ratio"]] = np.nan
    reported = features.copy()
    reported[0, COLUMN["phone_use_ratio"]] = share
    scores = scorer.score(np.concatenate([features, reported]), ExposureLimits.none()).score
    assert scores[1] <= scores[0]


@given(features=feature_rows(), moved=st.floats(0, 1))
def test_faster_speeding_in_place_of_slower_never_raises_a_score(
    scorer: Scorer, features: np.ndarray, moved: float
) -> None:
    moderate, severe = COLUMN["speeding_ratio_moderate"], COLUMN["speeding_ratio_severe"]
    features = np.nan_to_num(features)
    worse = features.copy()
    shift = moved * features[0, moderate]
    worse[0, moderate] -= shift
    worse[0, severe] += shift
    scores = scorer.score(np.concatenate([features, worse]), ExposureLimits.none()).score
    assert scores[1] <= scores[0]


@given(features=feature_rows(), times=st.floats(1, 20))
def test_more_of_the_same_driving_moves_a_rate_no_further_than_its_own(
    scorer: Scorer, features: np.ndarray, times: float
) -> None:
    """A driver with more kilometres is not punished: the rate goes from the fleet's to the driver's own, and stops."""
    rates = [one for one in scorer.metadata.inputs if one.kind == "per_100km"]
    longer = features.copy()
    for name in ("distance_km", "duration_s", *(name for one in rates for name in one.sources)):
        longer[0, COLUMN[name]] *= times
    for rate in rates:
        own = 100 * features[0, COLUMN[rate.sources[0]]] / features[0, COLUMN["distance_km"]]
        if not np.isnan(own):
            before, after = rate.derive(features)[0], rate.derive(longer)[0]
            least, most = sorted((100 * rate.prior, own))
            assert min(least, rate.cap) * (1 - 1e-9) <= after <= most * (1 + 1e-9)
            assert abs(after - own) <= abs(before - own) * (1 + 1e-9) or after == rate.cap


@given(features=feature_rows())
def test_reference_and_impacts_make_the_score(scorer: Scorer, features: np.ndarray) -> None:
    metadata = scorer.metadata
    inputs = derive_inputs(features, metadata.inputs)
    output = drawn_model().graph.run(inputs)
    same_sensors = np.where(np.isnan(inputs), output.contributions, metadata.reference_contributions)
    reference = scorer.unclipped_score(metadata.intercept + same_sensors.sum(axis=1))
    unclipped = scorer.unclipped_score(output.logit)

    np.testing.assert_allclose(reference + scorer.impacts(features).sum(axis=1), unclipped, atol=1e-6, rtol=0)
    score = scorer.score(features, ExposureLimits.none()).score
    np.testing.assert_array_equal(score, np.clip(unclipped, 0, 100))


@given(order=st.permutations(range(ROWS)), cut=st.integers(0, ROWS))
def test_a_row_scores_the_same_in_any_batch_and_place(scorer: Scorer, order: list[int], cut: int) -> None:
    features = feature_matrix(draw_trips(ROWS))
    whole = scorer.score(features, ExposureLimits.of_trips(ExposureSettings()))
    shuffled = features[order]
    parts = [
        scorer.score(shuffled[:cut], ExposureLimits.of_trips(ExposureSettings())),
        scorer.score(shuffled[cut:], ExposureLimits.of_trips(ExposureSettings())),
    ]
    for field in fields(whole):
        of_parts = np.concatenate([getattr(part, field.name) for part in parts])
        np.testing.assert_array_equal(of_parts, getattr(whole, field.name)[order], field.name)
