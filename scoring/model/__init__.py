"""Models: from features to risk, score, band and reasons, by one ONNX Runtime call a batch.

A model is a folder. ``metadata`` and ``graph`` read its files; ``scorer`` has `Scorer.load`, the only way to load one:
a registry needs no more than to give a folder for a name. ``inputs`` derives what the graph is given, ``reasons``
explains a score, ``exposure`` says which rows get one, ``compatibility`` whether a model fits the features and
thresholds here. Nothing imports scikit-learn: training is in ``scoring.training``.
"""

from scoring.model.compatibility import scores_below_training
from scoring.model.exposure import ExposureLimits
from scoring.model.metadata import DEFAULT_MODEL, BandLimits, FeatureConditions, ModelMetadata
from scoring.model.reasons import MIN_IMPACT_POINTS, REASON_CODES
from scoring.model.scorer import BANDS, ScoredBatch, Scorer

__all__ = [
    "BANDS",
    "DEFAULT_MODEL",
    "MIN_IMPACT_POINTS",
    "REASON_CODES",
    "BandLimits",
    "ExposureLimits",
    "FeatureConditions",
    "ModelMetadata",
    "ScoredBatch",
    "Scorer",
    "scores_below_training",
]
