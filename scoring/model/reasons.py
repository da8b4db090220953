"""Reasons: how many points each factor added to a score, or took away, compared with the reference driver.

The reference driver has, in every input, the median contribution over all training trips. The impact of a factor is

    impact = -points_per_logit * Σ (contribution - reference contribution)     over the factor's inputs

so that the score of the reference driver plus all impacts is the score before clipping, exactly.

An input that is unknown (its sensor is missing) is no reason: its impact is 0. Its contribution is part of the
reference, which is then the reference driver **with the same sensors**.
"""

from collections.abc import Sequence
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from schemas.messages.driver_score import ReasonCode
from scoring.model.inputs import FittedInput

REASON_CODES: Final[tuple[ReasonCode, ...]] = get_args(ReasonCode)
"""Codes of the factors; a code's position is its number in a scored batch."""

REASONS_GIVEN: Final = 3

MIN_IMPACT_POINTS: Final = 0.05
"""Smaller impacts are no reason: they would be shown as 0.0 points."""


class FactorImpacts:
    """Turns contributions of inputs into impacts of factors.

    Parameters
    ----------
    inputs
        The m inputs of the model.
    reference_contributions
        Of the reference driver, in logit, shape (m,).
    points_per_logit
        Points of score that one logit costs.
    """

    def __init__(
        self, inputs: Sequence[FittedInput], reference_contributions: Sequence[float], points_per_logit: float
    ) -> None:
        self._reference = np.array(reference_contributions, dtype=np.float64)
        self._points_per_logit = points_per_logit
        self._membership = np.array(
            [[float(code == fitted.reason) for code in REASON_CODES] for fitted in inputs], dtype=np.float64
        )

    def impacts(self, inputs: NDArray[np.float32], contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the signed points of every factor.

        Parameters
        ----------
        inputs, contributions
            Shape (n, m); contributions in logit.

        Returns
        -------
        ndarray of float64
            Shape (n, ``len(REASON_CODES)``); 0 for a factor that is unknown or as the reference driver's.
        """
        excess = np.where(np.isnan(inputs), 0.0, contributions - self._reference)
        return (excess @ self._membership) * -self._points_per_logit


def largest_impacts(impacts: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Pick the three factors with the largest impacts, whatever their sign; of equal ones the first code.

    Parameters
    ----------
    impacts
        Shape (n, ``len(REASON_CODES)``), points.

    Returns
    -------
    codes : ndarray of int8
        Shape (n, 3), positions in ``REASON_CODES``, largest first, -1 where no factor is left that counts.
    points : ndarray of float64
        Shape (n, 3), their impacts, NaN where there is none.
    """
    rows = np.arange(len(impacts))
    left = np.abs(impacts)
    codes = np.empty((len(impacts), REASONS_GIVEN), dtype=np.int8)
    points = np.empty((len(impacts), REASONS_GIVEN), dtype=np.float64)
    for rank in range(REASONS_GIVEN):
        largest = left.argmax(axis=1)
        counts = left[rows, largest] >= MIN_IMPACT_POINTS
        codes[:, rank] = np.where(counts, largest, -1)
        points[:, rank] = np.where(counts, impacts[rows, largest], np.nan)
        left[rows, largest] = -1.0
    return codes, points
