"""Validation: the performance of a model on held-out drivers.

The whole training, choice of complexity and calibration included, is repeated within the training part of every
fold, and the part that was held out is scored by the exported ONNX graph. Nothing is tuned on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from scoring.model.inputs import TRIP_INPUTS, InputSpec, derive_inputs, fit_inputs
from scoring.training.boosting import LEARNING_RATE, MIN_SAMPLES_LEAF, grouped_folds
from scoring.training.table import TrainingTable
from scoring.training.train import fit_graph

BOOTSTRAP_SAMPLES: Final = 1000
RELIABILITY_BINS: Final = 10


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show as ``0.912 (0.897 to 0.926)``."""
        return f"{self.estimate:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Discrimination:
    """How well predictions separate conflicts from the rest, and how well they are calibrated."""

    model: str
    auc: Interval
    brier: float
    expected_calibration_error: float


@dataclass(frozen=True)
class ReliabilityBin:
    """One tenth of the trips, by predicted risk."""

    trips: int
    mean_predicted: float
    observed: float


@dataclass(frozen=True)
class Validation:
    """Grouped cross-validation of a model and of its baselines, on the same folds."""

    trips: int
    groups: int
    positives: int
    inputs: tuple[str, ...]
    model: Discrimination
    baselines: tuple[Discrimination, ...]
    reliability: tuple[ReliabilityBin, ...]


def cross_validate(table: TrainingTable, *, seed: int, specs: Sequence[InputSpec] = TRIP_INPUTS) -> Validation:
    """Validate on five folds by group, and compute the metrics of the pooled out-of-fold predictions.

    Raises
    ------
    TrainingError
        As :func:`scoring.training.train.train_model`.
    """
    table.check_sufficient()
    folds = list(grouped_folds(table.labels, table.groups, seed=seed))

    def pooled(name: str, fit_and_predict: _FitAndPredict) -> tuple[Discrimination, NDArray[np.float64]]:
        risk = np.empty(len(table.labels))
        with threadpool_limits(limits=1):
            for train, test in folds:
                risk[test] = fit_and_predict(table.rows(train), table.features[test], specs, seed)
        return discrimination(name, risk, table.labels, table.groups, seed=seed), risk

    model, risk = pooled("additive monotone", _additive_monotone)
    baselines = tuple(
        pooled(name, fit_and_predict)[0]
        for name, fit_and_predict in (
            ("logistic regression", _logistic_regression),
            ("boosting, unconstrained", _unconstrained_boosting),
        )
    )
    return Validation(
        trips=len(table.labels),
        groups=len(np.unique(table.groups)),
        positives=int(table.labels.sum()),
        inputs=tuple(fitted.name for fitted in fit_inputs(table.features, specs)),
        model=model,
        baselines=baselines,
        reliability=reliability(risk, table.labels),
    )


def discrimination(
    name: str, risk: NDArray[np.float64], labels: NDArray[np.int8], groups: NDArray[np.str_], *, seed: int
) -> Discrimination:
    """Compute the metrics of predicted risks; the interval of the AUC is a bootstrap over whole groups."""
    bins = reliability(risk, labels)
    error = sum(part.trips * abs(part.observed - part.mean_predicted) for part in bins) / len(labels)
    return Discrimination(
        model=name,
        auc=_bootstrap_auc(risk, labels, groups, seed=seed),
        brier=float(np.mean((risk - labels) ** 2)),
        expected_calibration_error=error,
    )


def reliability(risk: NDArray[np.float64], labels: NDArray[np.int8]) -> tuple[ReliabilityBin, ...]:
    """Cut the trips into tenths by predicted risk, and compare the mean prediction with what happened."""
    return tuple(
        ReliabilityBin(len(part), float(risk[part].mean()), float(labels[part].mean()))
        for part in np.array_split(np.argsort(risk, kind="stable"), RELIABILITY_BINS)
    )


def _bootstrap_auc(
    risk: NDArray[np.float64], labels: NDArray[np.int8], groups: NDArray[np.str_], *, seed: int
) -> Interval:
    _, rank = np.unique(risk, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(seed)
    drawn = (
        np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        for _ in range(BOOTSTRAP_SAMPLES)
    )
    aucs = [weighted_auc(rank, labels, times[group].astype(np.float64)) for times in drawn]
    low, high = np.nanquantile(aucs, [0.025, 0.975])
    return Interval(weighted_auc(rank, labels, np.ones(len(labels))), float(low), float(high))


def weighted_auc(rank: NDArray[np.int64], labels: NDArray[np.int8], weights: NDArray[np.float64]) -> float:
    """Compute the area under the ROC curve: the chance that a conflict ranks above the rest, ties counting half.

    Parameters
    ----------
    rank, labels, weights
        Shape (n,): dense rank of the prediction from 0, label 0 or 1, and how often the row counts.

    Returns
    -------
    float
        NaN when all weight lies on one label.

    Examples
    --------
    >>> weighted_auc(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1], dtype=np.int8), np.ones(4))
    0.875
    """
    of_conflicts = np.bincount(rank, weights * labels)
    of_others = np.bincount(rank, weights * (1 - labels))
    pairs = of_conflicts.sum() * of_others.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(of_others) - of_others
    return float((of_conflicts * (below + of_others / 2)).sum() / pairs)


_FitAndPredict = Callable[[TrainingTable, NDArray[np.float64], Sequence[InputSpec], int], NDArray[np.float64]]


def _additive_monotone(
    train: TrainingTable, test: NDArray[np.float64], specs: Sequence[InputSpec], seed: int
) -> NDArray[np.float64]:
    fit = fit_graph(train, specs, seed=seed)
    return fit.graph.run(derive_inputs(test, fit.inputs)).risk


def _logistic_regression(
    train: TrainingTable, test: NDArray[np.float64], specs: Sequence[InputSpec], seed: int
) -> NDArray[np.float64]:
    inputs = fit_inputs(train.features, specs)
    estimator = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        LogisticRegression(max_iter=1000, random_state=seed),
    )
    estimator.fit(derive_inputs(train.features, inputs), train.labels)
    return estimator.predict_proba(derive_inputs(test, inputs))[:, 1].astype(np.float64)


def _unconstrained_boosting(
    train: TrainingTable, test: NDArray[np.float64], specs: Sequence[InputSpec], seed: int
) -> NDArray[np.float64]:
    """Show what additivity and monotonicity cost: the same boosting, free to use interactions."""
    inputs = fit_inputs(train.features, specs)
    estimator = HistGradientBoostingClassifier(
        learning_rate=LEARNING_RATE, min_samples_leaf=MIN_SAMPLES_LEAF, max_leaf_nodes=8, random_state=seed
    )
    estimator.fit(derive_inputs(train.features, inputs).astype(np.float64), train.labels)
    return estimator.predict_proba(derive_inputs(test, inputs).astype(np.float64))[:, 1]
