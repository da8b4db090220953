"""Shape functions: an additive boosted model as one step function per input.

Without interactions each tree splits on one input only, so the sum of all trees of an input is a step function of
that input alone, and the model's logit is the sum of these functions. This file is the only one that reads
scikit-learn's trees.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from scoring.errors import TrainingError


@dataclass(frozen=True)
class StepFunction:
    """A function of one float32 input that is constant between thresholds.

    Attributes
    ----------
    thresholds
        Shape (k,), float32, ascending.
    steps
        Shape (k + 1,), float32: ``steps[i]`` holds for inputs above ``thresholds[i - 1]``, up to and including
        ``thresholds[i]``.
    missing
        The value for NaN.
    """

    thresholds: NDArray[np.float32]
    steps: NDArray[np.float32]
    missing: np.float32

    def evaluate(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the function's values, shape kept: ``x <= thresholds[i]`` goes left, as in scikit-learn."""
        stepped = self.steps[np.searchsorted(self.thresholds, inputs, side="left")]
        return np.where(np.isnan(inputs), self.missing, stepped)


@dataclass(frozen=True)
class AdditiveModel:
    """Logit = intercept + the sum of one step function per input."""

    intercept: float
    shapes: tuple[StepFunction, ...]

    def with_missing_at(self, contributions: Sequence[float], where: NDArray[np.bool_]) -> Self:
        """Give the model in which NaN contributes these values for the inputs marked in `where`, shape (m,)."""
        return replace(
            self,
            shapes=tuple(
                replace(shape, missing=np.float32(contribution)) if marked else shape
                for shape, contribution, marked in zip(self.shapes, contributions, where, strict=True)
            ),
        )


@dataclass(frozen=True)
class _Tree:
    thresholds: NDArray[np.float64]
    leaves: NDArray[np.float64]
    missing: float


def additive_model(
    estimator: HistGradientBoostingClassifier, *, input_count: int, slope: float, intercept: float
) -> AdditiveModel:
    """Read the trees of a fitted estimator, with a linear calibration of its logit folded in.

    The calibrated logit is ``slope · raw logit + intercept``. Sums are made in float64 in the order of the trees
    and rounded to float32 once, so a function that is monotone tree by tree stays monotone.

    A float64 threshold t is rounded **down** to float32: for every float32 x, x <= t exactly when x <= down(t).

    Raises
    ------
    TrainingError
        When a tree splits on two inputs, so that the model is not additive.
    """
    trees: list[list[_Tree]] = [[] for _ in range(input_count)]
    constant = float(estimator._baseline_prediction.item())  # noqa: SLF001 - scikit-learn has no public way
    for (predictor,) in estimator._predictors:  # noqa: SLF001 - likewise
        nodes = predictor.nodes
        split_on = np.unique(nodes["feature_idx"][nodes["is_leaf"] == 0])
        if split_on.size == 0:
            constant += float(nodes["value"][0])
        elif split_on.size == 1:
            trees[int(split_on[0])].append(_read_tree(nodes))
        else:
            raise TrainingError(
                f"a tree splits on {split_on.size} inputs", remedy="Fit with interaction_cst='no_interactions'"
            )
    return AdditiveModel(
        intercept=slope * constant + intercept, shapes=tuple(_sum_trees(group, slope) for group in trees)
    )


def _read_tree(nodes: NDArray[np.void]) -> _Tree:
    """Read a tree on one input from left to right: its thresholds and leaves are then in ascending order."""
    thresholds: list[float] = []
    leaves: list[float] = []
    for node in _in_order(nodes, 0):
        (leaves if nodes["is_leaf"][node] else thresholds).append(
            float(nodes["value" if nodes["is_leaf"][node] else "num_threshold"][node])
        )
    node = 0
    while not nodes["is_leaf"][node]:
        node = int(nodes["left" if nodes["missing_go_to_left"][node] else "right"][node])
    return _Tree(np.array(thresholds), np.array(leaves), float(nodes["value"][node]))


def _in_order(nodes: NDArray[np.void], node: int) -> Iterator[int]:
    if nodes["is_leaf"][node]:
        yield node
    else:
        yield from _in_order(nodes, int(nodes["left"][node]))
        yield node
        yield from _in_order(nodes, int(nodes["right"][node]))


def _sum_trees(trees: list[_Tree], slope: float) -> StepFunction:
    if not trees:
        return StepFunction(np.empty(0, np.float32), np.zeros(1, np.float32), np.float32(0.0))
    exact = np.concatenate([tree.thresholds for tree in trees])
    thresholds = np.unique(round_down(exact[np.isfinite(exact)]))
    # One point of each step: its upper end, and for the last any point above all thresholds.
    points = np.append(thresholds.astype(np.float64), np.inf)
    total = np.zeros(len(points))
    for tree in trees:
        total += tree.leaves[np.searchsorted(tree.thresholds, points, side="left")]
    missing = slope * sum(tree.missing for tree in trees)
    return StepFunction(thresholds, (slope * total).astype(np.float32), np.float32(missing))


def round_down(exact: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to the largest float32 that is not above, shape kept."""
    nearest = exact.astype(np.float32)
    above = nearest.astype(np.float64) > exact
    return np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)
