"""Trees of scikit-learn, step functions and the ONNX graph are three forms of one model."""

from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from scoring.errors import TrainingError
from scoring.model.graph import ModelGraph
from scoring.training.boosting import PlattScaling, make_estimator
from scoring.training.export import to_onnx
from scoring.training.parity import prove_parity, threshold_rows
from scoring.training.shapes import AdditiveModel, StepFunction, additive_model, round_down

INPUTS = 4
PLATT = PlattScaling(slope=0.9, intercept=-0.2)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Fit as training does; threads of scikit-learn that wait for each other slow down other tests too."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(3000, INPUTS)).astype(np.float32)
    drawn[::7, 1] = np.nan
    drawn[:, 3] = np.round(drawn[:, 3])  # few distinct values: thresholds lie between them
    return drawn


@pytest.fixture(scope="module")
def estimator(inputs: np.ndarray) -> HistGradientBoostingClassifier:
    rng = np.random.default_rng(4)
    logit = np.nansum(inputs, axis=1) + 2 * np.isnan(inputs[:, 1])
    labels = (logit + rng.logistic(size=len(logit)) > 1).astype(np.int8)
    return make_estimator(np.ones(INPUTS, dtype=np.int8), rounds=80, max_leaf_nodes=6, seed=0).fit(
        inputs.astype(np.float64), labels
    )


@pytest.fixture(scope="module")
def model(estimator: HistGradientBoostingClassifier) -> AdditiveModel:
    return additive_model(estimator, input_count=INPUTS, slope=PLATT.slope, intercept=PLATT.intercept)


def test_the_graph_agrees_with_scikit_learn_on_at_and_beside_every_threshold_and_without_sensors(
    inputs: np.ndarray, estimator: HistGradientBoostingClassifier, model: AdditiveModel
) -> None:
    rows = threshold_rows(model, inputs, np.ones(INPUTS, dtype=np.bool_))
    thresholds = sum(len(shape.thresholds) for shape in model.shapes)
    assert thresholds > 40
    assert len(rows) == len(inputs) + 3 * thresholds + INPUTS + 1

    parity = prove_parity(ModelGraph(to_onnx(model)), estimator, PLATT, rows)

    assert parity.rows == len(rows)
    assert parity.max_difference < 1e-6


def test_a_graph_that_differs_is_refused(
    inputs: np.ndarray, estimator: HistGradientBoostingClassifier, model: AdditiveModel
) -> None:
    other = AdditiveModel(model.intercept + 1e-3, model.shapes)
    with pytest.raises(TrainingError, match="differ by"):
        prove_parity(ModelGraph(to_onnx(other)), estimator, PLATT, inputs)


def test_step_functions_and_graph_have_the_same_contributions_to_the_bit(
    inputs: np.ndarray, model: AdditiveModel
) -> None:
    output = ModelGraph(to_onnx(model)).run(inputs)
    for column, shape in enumerate(model.shapes):
        np.testing.assert_array_equal(output.contributions[:, column], shape.evaluate(inputs[:, column]))
    np.testing.assert_allclose(output.logit, model.intercept + output.contributions.sum(axis=1), rtol=1e-14)


def test_the_graph_alone_gives_the_risk_too(inputs: np.ndarray, model: AdditiveModel) -> None:
    serialized = to_onnx(model)
    (risk,) = onnxruntime.InferenceSession(serialized).run(["risk"], {"inputs": inputs})
    np.testing.assert_allclose(risk, ModelGraph(serialized).run(inputs).risk, rtol=1e-12)


def test_every_step_function_rises(model: AdditiveModel) -> None:
    for shape in model.shapes:
        assert (np.diff(shape.steps) >= 0).all()
        assert (np.diff(shape.thresholds) > 0).all()


def test_a_row_scores_the_same_alone_and_in_any_batch(inputs: np.ndarray, model: AdditiveModel) -> None:
    graph = ModelGraph(to_onnx(model))
    together = graph.run(inputs[:500]).logit
    alone = np.concatenate([graph.run(inputs[i : i + 1]).logit for i in range(500)])
    np.testing.assert_array_equal(together, alone)


def test_the_same_model_gives_the_same_bytes_and_a_valid_graph(model: AdditiveModel) -> None:
    assert to_onnx(model) == to_onnx(model)
    onnx.checker.check_model(onnx.load_from_string(to_onnx(model)), full_check=True)


def test_an_input_that_no_tree_uses_contributes_nothing() -> None:
    unused = StepFunction(np.empty(0, np.float32), np.zeros(1, np.float32), np.float32(0))
    used = StepFunction(np.array([1.5], np.float32), np.array([-1, 2], np.float32), np.float32(0.25))
    graph = ModelGraph(to_onnx(AdditiveModel(0.5, (unused, used))))
    rows = np.array([[7, 1.5], [np.nan, 1.6], [-7, np.nan], [0, np.inf], [0, -np.inf]], dtype=np.float32)
    np.testing.assert_array_equal(graph.run(rows).contributions[:, 0], 0)
    np.testing.assert_array_equal(graph.run(rows).logit, [-0.5, 2.5, 0.75, 0.75, -0.5])


def test_a_model_with_interactions_is_refused(inputs: np.ndarray) -> None:
    labels = (inputs[:, 0] * inputs[:, 2] > 0).astype(np.int8)
    interacting = HistGradientBoostingClassifier(max_iter=5, early_stopping=False).fit(
        inputs.astype(np.float64), labels
    )
    with pytest.raises(TrainingError, match=r"a tree splits on \d inputs"):
        additive_model(interacting, input_count=INPUTS, slope=1, intercept=0)


@pytest.mark.parametrize("exact", [0.1, -0.1, 0.0, 1.0, 1e-45, -1e-46, 16777217.0, 1 / 3])
def test_a_threshold_rounded_down_parts_all_float32_as_the_exact_one_does(exact: float) -> None:
    (down,) = round_down(np.array([exact]))
    for near in (np.nextafter(down, np.float32(-np.inf)), down, np.nextafter(down, np.float32(np.inf))):
        assert (near <= down) == (float(near) <= exact)
