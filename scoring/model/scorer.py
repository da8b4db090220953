"""Scoring: features in; risk, score, band and reasons out. One ONNX Runtime call a batch, no loop over rows.

Stream, REST API, file scoring and validation all score here.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, get_args

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors
from pydantic import ValidationError

from schemas.features import FEATURE_NAMES
from schemas.messages.driver_score import RiskBand
from schemas.thresholds import ThresholdProfile
from scoring.errors import ModelCorruptError, ModelNotFoundError
from scoring.model.compatibility import require_known_features, require_same_thresholds
from scoring.model.exposure import ExposureLimits
from scoring.model.graph import ModelGraph
from scoring.model.inputs import derive_inputs
from scoring.model.metadata import GRAPH_FILE, METADATA_FILE, ModelMetadata
from scoring.model.reasons import FactorImpacts, largest_impacts

BANDS: Final[tuple[RiskBand, ...]] = get_args(RiskBand)
"""Risk bands; a band's position is its number in a scored batch."""

GOLDEN_TOLERANCE: Final = 1e-6
"""Largest difference of a golden row's risk: what float32 trees leave on another processor, and no more."""


_REFUSALS: Final = (
    onnx_errors.Fail,
    onnx_errors.InvalidArgument,
    onnx_errors.InvalidGraph,
    onnx_errors.InvalidProtobuf,
    onnx_errors.NotImplemented,
)
"""What ONNX Runtime raises for a graph that can't be used; they have no common base."""


@dataclass(frozen=True)
class ScoredBatch:
    """Scores of n rows, as columns; everything but `scored` is "none" where a row is not scored.

    Attributes
    ----------
    scored
        Shape (n,): whether the row has enough exposure.
    risk
        Shape (n,): calibrated probability of a conflict, else NaN.
    score
        Shape (n,): 0 (worst) to 100 (best), else NaN.
    band
        Shape (n,), int8: position in ``BANDS``, else -1.
    reason_codes
        Shape (n, 3), int8: positions in ``reasons.REASON_CODES``, largest impact first, else -1.
    reason_impacts
        Shape (n, 3): signed points of score, else NaN.
    """

    scored: NDArray[np.bool_]
    risk: NDArray[np.float64]
    score: NDArray[np.float64]
    band: NDArray[np.int8]
    reason_codes: NDArray[np.int8]
    reason_impacts: NDArray[np.float64]


class Scorer:
    """A model that scores.

    Parameters
    ----------
    metadata, graph
        What ``model.json`` and ``model.onnx`` hold.
    """

    def __init__(self, metadata: ModelMetadata, graph: ModelGraph) -> None:
        self.metadata = metadata
        self._graph = graph
        self._factors = FactorImpacts(
            metadata.inputs, metadata.reference_contributions, metadata.scaling.points_per_logit
        )

    @classmethod
    def load(cls, path: Path, *, thresholds: ThresholdProfile | None = None) -> Self:
        """Load a model's folder, and prove that it is complete and gives the risks that it gave in training.

        Parameters
        ----------
        path
            The folder.
        thresholds
            Of the features that are to be scored. Without them the model is not checked against any: for features
            that are known to be of the same thresholds, such as those of its training.

        Raises
        ------
        ModelNotFoundError
            When `path` has no model.
        ModelCorruptError
            When files are damaged, do not belong together, or do not reproduce the golden rows.
        ModelFeaturesError
            When it needs features that do not exist, or that had another meaning in training.
        ModelThresholdsError
            When it was trained with other thresholds.
        """
        if not (path / METADATA_FILE).is_file() or not (path / GRAPH_FILE).is_file():
            raise ModelNotFoundError(path)
        try:
            metadata = ModelMetadata.model_validate_json((path / METADATA_FILE).read_bytes())
        except ValidationError as error:
            raise ModelCorruptError(path, f"{METADATA_FILE} is not a model's metadata ({_first(error)})") from error
        require_known_features(metadata, path)
        if thresholds is not None:
            require_same_thresholds(metadata, thresholds, path)
        serialized = (path / GRAPH_FILE).read_bytes()
        if hashlib.sha256(serialized).hexdigest() != metadata.graph_sha256:
            raise ModelCorruptError(path, f"{GRAPH_FILE} is not the file that {METADATA_FILE} describes")
        try:
            scorer = cls(metadata, ModelGraph(serialized))
            worst = scorer.golden_difference()
        except _REFUSALS as error:
            raise ModelCorruptError(path, f"ONNX Runtime refuses {GRAPH_FILE}: {error}") from error
        if not worst <= GOLDEN_TOLERANCE:
            raise ModelCorruptError(path, f"its golden rows differ by {worst:.3g} from the risks they must have")
        return scorer

    @property
    def name(self) -> str:
        """Give the model's name."""
        return self.metadata.name

    @property
    def version(self) -> str:
        """Give the model's version, like ``v1``."""
        return self.metadata.version

    def score(self, features: NDArray[np.float64], exposure: ExposureLimits) -> ScoredBatch:
        """Score a batch.

        Parameters
        ----------
        features
            Shape (n, ``len(FEATURE_NAMES)``), NaN where a sensor is missing.
        exposure
            Rows below these limits are not scored.

        Returns
        -------
        ScoredBatch
            Of n rows, in the same order.
        """
        scored = exposure.reached(features)
        inputs = derive_inputs(features, self.metadata.inputs)
        risk, logit, contributions = self._graph.run(inputs)
        score = np.clip(self.unclipped_score(logit), 0.0, 100.0)
        codes, impacts = largest_impacts(self._factors.impacts(inputs, contributions))
        bands = self.metadata.bands
        band = (score < bands.low_from).astype(np.int8) + (score < bands.moderate_from)
        return ScoredBatch(
            scored=scored,
            risk=np.where(scored, risk, np.nan),
            score=np.where(scored, score, np.nan),
            band=np.where(scored, band, np.int8(-1)).astype(np.int8),
            reason_codes=np.where(scored[:, None], codes, np.int8(-1)),
            reason_impacts=np.where(scored[:, None], impacts, np.nan),
        )

    def unclipped_score(self, logit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale logits of risk to points of score, shape kept, not yet clipped to 0 to 100."""
        scaling = self.metadata.scaling
        return scaling.offset - scaling.points_per_logit * logit

    def impacts(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the points of every factor, shape (n, ``len(REASON_CODES)``), not only the three largest."""
        inputs = derive_inputs(features, self.metadata.inputs)
        return self._factors.impacts(inputs, self._graph.run(inputs).contributions)

    def golden_difference(self) -> float:
        """Score the golden rows and give the largest difference from the risks they must have."""
        rows = self.metadata.golden_rows
        given = np.array([row.features for row in rows], dtype=np.float64)
        columns = {name: given[:, column] for column, name in enumerate(self.metadata.feature_names)}
        unknown = np.full(len(rows), np.nan)
        features = np.column_stack([columns.get(name, unknown) for name in FEATURE_NAMES])
        risk = self._graph.run(derive_inputs(features, self.metadata.inputs)).risk
        return float(np.abs(risk - [row.risk for row in rows]).max())


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    return ": ".join(filter(None, (".".join(str(part) for part in problem["loc"]), problem["msg"])))
