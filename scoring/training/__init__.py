"""Training: from labelled trips to a model's folder with its card.

Read in this order: ``table`` (trips, labels and groups), ``boosting`` (the estimator and its complexity), ``shapes``
(its trees as step functions), ``export`` (these as an ONNX graph), ``parity`` (proof that both agree), ``train`` (all
steps), ``validation`` (metrics on held-out groups) and ``card``. Needs the ``train`` extra: scikit-learn and onnx.
"""

from scoring.training.card import Provenance, metrics_table, reliability_table, wrap, write_card
from scoring.training.table import TrainingTable
from scoring.training.train import TrainedModel, save, train_model
from scoring.training.validation import Validation, cross_validate

__all__ = [
    "Provenance",
    "TrainedModel",
    "TrainingTable",
    "Validation",
    "cross_validate",
    "metrics_table",
    "reliability_table",
    "save",
    "train_model",
    "wrap",
    "write_card",
]
