"""The estimator: additive, monotone gradient boosting, and how its complexity is chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold

from scoring.errors import TrainingError
from scoring.model.graph import risk_of

FOLDS: Final = 5
LEARNING_RATE: Final = 0.05
MAX_ROUNDS: Final = 400
ROUND_STEP: Final = 10
LEAF_NODES: Final = (3, 6)
"""Leaves per tree: 3 gives smooth shape functions, 6 follows sharper bends; cross-validation chooses."""

MIN_SAMPLES_LEAF: Final = 30
"""A step of a shape function is learned from at least 30 trips, more than the few of one driver."""


@dataclass(frozen=True)
class Complexity:
    """What cross-validation chose, and the predictions that the choice is based on.

    Attributes
    ----------
    rounds, max_leaf_nodes
        Boosting rounds and leaves a tree.
    out_of_fold_logits
        Shape (n,): raw logit of each row by the model that did not see its group.
    """

    rounds: int
    max_leaf_nodes: int
    out_of_fold_logits: NDArray[np.float64]


@dataclass(frozen=True)
class PlattScaling:
    """Calibrated logit = slope · raw logit + intercept (Platt, 1999)."""

    slope: float
    intercept: float


def make_estimator(
    monotone: NDArray[np.int8], *, rounds: int, max_leaf_nodes: int, seed: int
) -> HistGradientBoostingClassifier:
    """Make the estimator: no interactions, so it is additive; risk rises in every input marked 1 in `monotone`."""
    return HistGradientBoostingClassifier(
        learning_rate=LEARNING_RATE,
        max_iter=rounds,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=MIN_SAMPLES_LEAF,
        l2_regularization=1.0,
        interaction_cst="no_interactions",
        monotonic_cst=monotone,
        early_stopping=False,
        random_state=seed,
    )


def grouped_folds(
    labels: NDArray[np.int8], groups: NDArray[np.str_], *, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split into five folds by group, with about the same share of conflicts in each; train and test positions.

    Raises
    ------
    TrainingError
        When the conflicts belong to so few groups that a fold has only one kind of trip.
    """
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(labels, labels, groups):
        if len(np.unique(labels[train])) == 1 or len(np.unique(labels[test])) == 1:
            raise TrainingError(
                "the conflicts, or the trips without, belong to too few groups to split by group",
                remedy="Collect labelled trips of more drivers",
            )
        yield train, test


def choose_complexity(
    inputs: NDArray[np.float64],
    labels: NDArray[np.int8],
    groups: NDArray[np.str_],
    monotone: NDArray[np.int8],
    *,
    seed: int,
) -> Complexity:
    """Choose rounds and leaves by the log loss of grouped cross-validation: early stopping without leaking drivers."""
    folds = list(grouped_folds(labels, groups, seed=seed))
    candidates = []
    for max_leaf_nodes in LEAF_NODES:
        logits = np.empty((MAX_ROUNDS // ROUND_STEP, len(labels)))
        for train, test in folds:
            estimator = make_estimator(monotone, rounds=MAX_ROUNDS, max_leaf_nodes=max_leaf_nodes, seed=seed)
            estimator.fit(inputs[train], labels[train])
            for index, logit in enumerate(estimator.staged_decision_function(inputs[test])):
                if (index + 1) % ROUND_STEP == 0:
                    logits[index // ROUND_STEP, test] = logit.ravel()
        losses = [log_loss(labels, risk_of(stage)) for stage in logits]
        best = int(np.argmin(losses))
        candidates.append((losses[best], Complexity((best + 1) * ROUND_STEP, max_leaf_nodes, logits[best])))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def fit_platt(logits: NDArray[np.float64], labels: NDArray[np.int8]) -> PlattScaling:
    """Fit Platt's calibration on out-of-fold logits, shape (n,).

    Raises
    ------
    TrainingError
        When the slope is not positive: the model ranks no better than chance.
    """
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky").fit(logits[:, None], labels)
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        raise TrainingError(
            "on drivers it has not seen the model ranks no better than chance",
            remedy="Check that the labels belong to these trips",
        )
    return PlattScaling(slope, float(regression.intercept_[0]))
