"""Parity: proof that the ONNX graph gives the risks of the scikit-learn model."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from scoring.errors import TrainingError
from scoring.model.graph import ModelGraph, risk_of
from scoring.training.boosting import PlattScaling
from scoring.training.shapes import AdditiveModel

TOLERANCE: Final = 1e-5
"""Largest allowed difference of a risk: contributions are rounded to float32 (1e-7), and a wrong leaf shows."""


@dataclass(frozen=True)
class Parity:
    """How many rows were compared, and the largest difference of their risks."""

    rows: int
    max_difference: float


def prove_parity(
    graph: ModelGraph, estimator: HistGradientBoostingClassifier, platt: PlattScaling, rows: NDArray[np.float32]
) -> Parity:
    """Compare the risks of rows of inputs, shape (n, m).

    Raises
    ------
    TrainingError
        When a risk differs by more than ``TOLERANCE``.
    """
    logit = platt.slope * estimator.decision_function(rows.astype(np.float64)) + platt.intercept
    risk = graph.run(rows).risk
    difference = float(np.abs(risk - risk_of(logit)).max())
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"the ONNX graph and scikit-learn differ by {difference:.3g} in a risk",
            remedy="Report this with the versions of scikit-learn and onnxruntime",
        )
    return Parity(len(rows), difference)


def threshold_rows(
    model: AdditiveModel, inputs: NDArray[np.float32], learned_missing: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Choose the rows to compare: all of training, and those where two implementations differ when they do.

    These are rows at every threshold of every input, one float32 step below and above it, and with the input
    missing where training could learn that (`learned_missing`, shape (m,)). Their other inputs are those of a
    training row, another one for each.
    """
    chosen = [inputs]
    for column, shape in enumerate(model.shapes):
        at = shape.thresholds
        special = [np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf))]
        if learned_missing[column]:
            special.append(np.array([np.nan], dtype=np.float32))
        values = np.concatenate(special)
        rows = inputs[np.arange(len(values)) % len(inputs)].copy()
        rows[:, column] = values
        chosen.append(rows)
    nothing_known = inputs[:1].copy()
    nothing_known[:, learned_missing] = np.nan
    return np.concatenate([*chosen, nothing_known])
