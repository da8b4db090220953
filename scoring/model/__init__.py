"""Models: from features to risk, score, band and reasons, by one ONNX Runtime call a batch.

A model is a folder (``metadata``, ``graph``) that `Scorer.load` proves to be whole; ``inputs`` derives what it is fed,
``reasons`` explains a score, ``exposure`` says when there is none, ``compatibility`` whether it fits the features here.
A registry needs no more than to give a folder for a name. Nothing here imports scikit-learn.
"""

from pathlib import Path
from typing import Final

DEFAULT_MODEL: Final = Path(__file__).resolve().parents[1] / "default_model"
"""Folder of the model that is shipped."""

__all__ = ["DEFAULT_MODEL"]
