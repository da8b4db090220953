"""Training: from a table of labelled trips to a model that is proven to be the one that will score."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from schemas.features import FEATURE_NAMES
from scoring.errors import TrainingError
from scoring.model.graph import ModelGraph
from scoring.model.inputs import TRIP_INPUTS, FittedInput, InputSpec, derive_inputs, fit_inputs
from scoring.model.metadata import (
    GRAPH_FILE,
    METADATA_FILE,
    BandLimits,
    FeatureConditions,
    GoldenRow,
    ModelMetadata,
    ScoreScaling,
    TrainingRecord,
)
from scoring.model.scorer import Scorer
from scoring.training.boosting import (
    MIN_SAMPLES_LEAF,
    Complexity,
    PlattScaling,
    choose_complexity,
    fit_platt,
    make_estimator,
)
from scoring.training.export import to_onnx
from scoring.training.parity import Parity, prove_parity, threshold_rows
from scoring.training.shapes import AdditiveModel, additive_model
from scoring.training.table import TrainingTable

MEDIAN_SCORE: Final = 80.0
"""Score of the training fleet's median risk: most trips are good, and there is room above for the best."""

RISKY_SCORE: Final = 45.0
"""Score of the 95th percentile of risk, where the high-risk band begins: one trip in twenty is reviewed."""

RISKY_QUANTILE: Final = 0.95

MIN_LOGIT_SPREAD: Final = 0.1
"""Median and risky trips must differ by 10 % in odds, or scores would be noise."""

GOLDEN_QUANTILES: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)

_SPEED_ONLY: Final = frozenset(
    {"duration_s", "distance_km", "avg_speed", "speed_volatility", "max_speed_kmh", "idle_ratio", "stop_count"}
)


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, ready to be saved or to score.

    Attributes
    ----------
    metadata, graph
        What ``model.json`` and ``model.onnx`` will hold.
    model
        The same model as step functions, for the card.
    left_out
        Inputs that no training trip had a sensor for.
    """

    metadata: ModelMetadata
    graph: ModelGraph
    model: AdditiveModel
    left_out: tuple[str, ...]

    def scorer(self) -> Scorer:
        """Give the scorer that :meth:`Scorer.load` gives of the saved model."""
        return Scorer(self.metadata, self.graph)


def train_model(
    trips: pl.DataFrame,
    *,
    label: str,
    group: str,
    seed: int,
    name: str,
    version: str,
    conditions: FeatureConditions,
    specs: Sequence[InputSpec] = TRIP_INPUTS,
) -> TrainedModel:
    """Train a model on labelled trips.

    Parameters
    ----------
    trips
        One row a trip: all feature columns, `label` (0 or 1, or Boolean) and `group`.
    label, group
        Name of the label column, and of the column of drivers or vehicles that no split may cut through.
    seed
        The same trips and seed give the same model, to the byte with the same library versions.
    name, version
        Of the model, as scores will carry them; a version is like ``v1``.
    conditions
        What the features of the trips were computed with.
    specs
        The inputs wanted.

    Raises
    ------
    TrainingError
        When there is too little to learn from, the model is no better than chance, or its export is not exact.
    """
    table = TrainingTable.from_frame(trips, label=label, group=group)
    fit = fit_graph(table, specs, seed=seed)
    metadata = ModelMetadata(
        name=name,
        version=version,
        graph_sha256=fit.graph.sha256,
        feature_names=FEATURE_NAMES,
        conditions=conditions,
        inputs=fit.inputs,
        intercept=fit.model.intercept,
        reference_contributions=fit.reference,
        scaling=fit.scaling,
        bands=BandLimits(),
        training=TrainingRecord(
            data_sha256=table.sha256(),
            label=label,
            group=group,
            seed=seed,
            trips=len(table.labels),
            groups=len(np.unique(table.groups)),
            positives=int(table.labels.sum()),
            boosting_rounds=fit.complexity.rounds,
            max_leaf_nodes=fit.complexity.max_leaf_nodes,
            calibration_slope=fit.platt.slope,
            max_parity_difference=fit.parity.max_difference,
            parity_rows=fit.parity.rows,
            versions={library: library_version(library) for library in ("numpy", "onnx", "scikit-learn")},
        ),
        golden_rows=_golden_rows(fit.graph, fit.inputs, table.features),
    )
    kept = {fitted.name for fitted in fit.inputs}
    return TrainedModel(metadata, fit.graph, fit.model, tuple(spec.name for spec in specs if spec.name not in kept))


@dataclass(frozen=True)
class FittedGraph:
    """A model that can score, without the metadata of one that is saved.

    Attributes
    ----------
    inputs, graph
        What it scores with.
    model
        The same as step functions.
    complexity, platt, parity, scaling
        What was chosen, fitted and proven on the way.
    reference
        Contributions of the reference driver, logit, per input.
    """

    inputs: tuple[FittedInput, ...]
    graph: ModelGraph
    model: AdditiveModel
    complexity: Complexity
    platt: PlattScaling
    parity: Parity
    scaling: ScoreScaling
    reference: tuple[float, ...]


def fit_graph(table: TrainingTable, specs: Sequence[InputSpec], *, seed: int) -> FittedGraph:
    """Fit a model and export it, as :func:`train_model` does; cross-validation needs no more of each fold."""
    table.check_sufficient()
    inputs = fit_inputs(table.features, specs)
    if not inputs:
        raise TrainingError("no trip has any of the inputs", remedy="Check that the features were computed")
    # One thread: trips are thousands, not millions, and the result must not depend on the machine.
    with threadpool_limits(limits=1):
        return _fit(derive_inputs(table.features, inputs), table, inputs, seed=seed)


def save(trained: TrainedModel, folder: Path) -> None:
    """Write ``model.onnx`` and ``model.json`` into a folder, which is made when it is absent."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH_FILE).write_bytes(trained.graph.serialized)
    (folder / METADATA_FILE).write_text(trained.metadata.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _fit(
    unfilled: NDArray[np.float32], table: TrainingTable, inputs: tuple[FittedInput, ...], *, seed: int
) -> FittedGraph:
    # Of an input that is hardly ever missing, training can't learn what missing means: it then means "typical".
    learned_missing = np.isnan(unfilled).sum(axis=0) >= MIN_SAMPLES_LEAF
    typical = np.where(learned_missing, np.float32(np.nan), np.nanmedian(unfilled, axis=0))
    derived = np.where(np.isnan(unfilled), typical, unfilled)
    exact = derived.astype(np.float64)
    monotone = np.array([int(fitted.monotone) for fitted in inputs], dtype=np.int8)

    complexity = choose_complexity(exact, table.labels, table.groups, monotone, seed=seed)
    platt = fit_platt(complexity.out_of_fold_logits, table.labels)
    estimator = make_estimator(
        monotone, rounds=complexity.rounds, max_leaf_nodes=complexity.max_leaf_nodes, seed=seed
    ).fit(exact, table.labels)
    model = additive_model(estimator, input_count=len(inputs), slope=platt.slope, intercept=platt.intercept)
    reference = _reference(model, derived)
    model = model.with_missing_at(reference, where=~learned_missing)
    graph = ModelGraph(to_onnx(model))
    return FittedGraph(
        inputs=inputs,
        graph=graph,
        model=model,
        complexity=complexity,
        platt=platt,
        parity=prove_parity(graph, estimator, platt, threshold_rows(model, derived, learned_missing)),
        scaling=_scaling(graph.run(derived).logit),
        reference=reference,
    )


def _reference(model: AdditiveModel, derived: NDArray[np.float32]) -> tuple[float, ...]:
    """Take the median contribution of each input over all trips, with what a missing sensor contributes."""
    return tuple(
        float(np.median(shape.evaluate(derived[:, column]).astype(np.float64)))
        for column, shape in enumerate(model.shapes)
    )


def _scaling(logit: NDArray[np.float64]) -> ScoreScaling:
    median, risky = np.quantile(logit, [0.5, RISKY_QUANTILE])
    if risky - median < MIN_LOGIT_SPREAD:
        raise TrainingError(
            "the model gives almost all trips the same risk",
            remedy="Check that the labels belong to these trips, and that features are not all missing",
        )
    points_per_logit = (MEDIAN_SCORE - RISKY_SCORE) / (risky - median)
    return ScoreScaling(
        offset=float(MEDIAN_SCORE + points_per_logit * median), points_per_logit=float(points_per_logit)
    )


def _golden_rows(
    graph: ModelGraph, inputs: Sequence[FittedInput], features: NDArray[np.float64]
) -> tuple[GoldenRow, ...]:
    """Make rows of feature quantiles, the median again with only a speed sensor, and one with nothing known."""
    seen = np.isfinite(features).any(axis=0)
    rows = np.full((len(GOLDEN_QUANTILES) + 2, len(FEATURE_NAMES)), np.nan)
    rows[:-2, seen] = np.nanquantile(features[:, seen], GOLDEN_QUANTILES, axis=0)
    speed = [column for column, name in enumerate(FEATURE_NAMES) if name in _SPEED_ONLY]
    rows[-2, speed] = rows[GOLDEN_QUANTILES.index(0.5), speed]
    risk = graph.run(derive_inputs(rows, inputs)).risk
    return tuple(
        GoldenRow(features=tuple(None if np.isnan(x) else float(x) for x in row), risk=float(expected))
        for row, expected in zip(rows, risk, strict=True)
    )
