from pathlib import Path

import numpy as np
import pytest

from schemas.settings import ExposureSettings
from scoring.model import REASON_CODES, ExposureLimits
from scoring.model.inputs import derive_inputs
from scoring.model.reasons import FactorImpacts, largest_impacts
from tests.support.examples.drawn_fleet import draw_trips, drawn_model, feature_matrix, row

REASONS_DOC = Path(__file__).parents[4] / "docs" / "reasons.md"


def impacts_row(**points: float) -> np.ndarray:
    return np.array([[points.get(code, 0.0) for code in REASON_CODES]])


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ({}, []),
        ({"SPEEDING": -4.0}, [("SPEEDING", -4.0)]),
        (
            {"SPEEDING": -4.0, "HARD_BRAKING": 6.0, "PHONE_USE": -9.0, "NIGHT_DRIVING": 1.0},
            [("PHONE_USE", -9.0), ("HARD_BRAKING", 6.0), ("SPEEDING", -4.0)],
        ),
        ({"SPEEDING": -2.0, "HARD_BRAKING": 2.0}, [("HARD_BRAKING", 2.0), ("SPEEDING", -2.0)]),  # equal: first code
        ({"SPEEDING": -0.04, "PHONE_USE": 0.06}, [("PHONE_USE", 0.06)]),  # 0.0 points are no reason
    ],
)
def test_reasons_are_the_three_largest_impacts_of_either_sign(
    points: dict[str, float], expected: list[tuple[str, float]]
) -> None:
    codes, impacts = largest_impacts(impacts_row(**points))
    given = [(REASON_CODES[code], impact) for code, impact in zip(codes[0], impacts[0], strict=True) if code >= 0]
    assert given == expected
    assert (codes[0, len(expected) :] == -1).all()
    assert np.isnan(impacts[0, len(expected) :]).all()


def test_the_reference_drivers_score_and_all_impacts_make_the_score() -> None:
    model = drawn_model()
    scorer, metadata = model.scorer(), model.metadata
    features = feature_matrix(draw_trips())
    complete = features[np.isfinite(derive_inputs(features, metadata.inputs)).all(axis=1)]
    logit = model.graph.run(derive_inputs(complete, metadata.inputs)).logit
    reference = scorer.unclipped_score(np.array(metadata.intercept + sum(metadata.reference_contributions)))

    np.testing.assert_allclose(
        reference + scorer.impacts(complete).sum(axis=1), scorer.unclipped_score(logit), atol=1e-6, rtol=0
    )


def test_a_missing_sensor_is_no_reason_and_moves_the_reference() -> None:
    model = drawn_model()
    scorer, metadata = model.scorer(), model.metadata
    features = feature_matrix(draw_trips())
    inputs = derive_inputs(features, metadata.inputs)
    output = model.graph.run(inputs)
    unknown = np.isnan(inputs)
    impacts = scorer.impacts(features)
    for reason in ("HARD_CORNERING", "SPEEDING"):
        of_factor = [one.reason == reason for one in metadata.inputs]
        without_sensor = unknown[:, of_factor].all(axis=1)
        assert without_sensor.any()
        assert (impacts[without_sensor, REASON_CODES.index(reason)] == 0).all()

    same_sensors = np.where(unknown, output.contributions, metadata.reference_contributions)
    reference = scorer.unclipped_score(metadata.intercept + same_sensors.sum(axis=1))
    np.testing.assert_allclose(reference + impacts.sum(axis=1), scorer.unclipped_score(output.logit), atol=1e-6, rtol=0)


def test_a_hard_brake_costs_points_of_hard_braking() -> None:
    scorer = drawn_model().scorer()
    calm = row(distance_km=20, duration_s=1800, hard_brake_count=0)
    harsh = row(distance_km=20, duration_s=1800, hard_brake_count=20)
    code = REASON_CODES.index("HARD_BRAKING")
    assert scorer.impacts(harsh)[0, code] < scorer.impacts(calm)[0, code]
    assert scorer.score(harsh, ExposureLimits.of_trips(ExposureSettings())).reason_codes[0, 0] == code


def test_impacts_are_minus_points_for_contributions_above_the_reference() -> None:
    metadata = drawn_model().metadata
    factors = FactorImpacts(metadata.inputs[:2], (0.5, 0.25), 10.0)  # both of HARD_BRAKING
    impacts = factors.impacts(np.zeros((1, 2), np.float32), np.array([[0.75, 0.125]]))
    assert impacts.tolist() == [[-1.25] + [0.0] * (len(REASON_CODES) - 1)]


@pytest.mark.parametrize("code", REASON_CODES)
def test_the_documentation_has_a_sentence_for_every_code(code: str) -> None:
    (line,) = [line for line in REASONS_DOC.read_text().splitlines() if line.startswith(f"| `{code}` |")]
    sentence = line.split("|")[2].strip()
    assert sentence.endswith(".")
