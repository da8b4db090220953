"""What goes wrong in the core: files, models, training and stored states. ``schemas.errors`` has the whole tree."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from schemas.errors import DriverScoreError

_DIFFERENCES_NAMED: Final = 3
"""More would not fit into a line that is read."""


class InputFileError(DriverScoreError):
    """A file of trips can't be read in its format."""

    def __init__(self, path: Path | str, problem: str, *, remedy: str) -> None:
        super().__init__(f"{path}: {problem}. {remedy}")


class ModelError(DriverScoreError):
    """A model can't be used."""


class ModelNotFoundError(ModelError):
    """There is no model at the path."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"no model at {path}. Train one with `driver-score train --output {path}`, or leave "
            "DRIVER_SCORE_MODEL__PATH unset to use the default model."
        )


class ModelCorruptError(ModelError):
    """The model's files are damaged, or do not belong together."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(
            f"the model at {path} can't be used: {problem}. Restore it from its source, or train it again "
            f"with `driver-score train --output {path}`."
        )


class ModelFeaturesError(ModelError):
    """The model needs features that are not computed, or that had another meaning when it was trained."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(
            f"the model at {path} can't score the features of this version of driver-score: {problem}. Use the version "
            "that it was trained with, or train a model with this one: `driver-score train --output FOLDER`, then set "
            "DRIVER_SCORE_MODEL__PATH=FOLDER."
        )


class ModelThresholdsError(ModelError):
    """The model was trained on features of other thresholds than those of the settings."""

    def __init__(self, path: Path | str, differences: Sequence[str]) -> None:
        more = len(differences) - _DIFFERENCES_NAMED
        named = "; ".join(differences[:_DIFFERENCES_NAMED]) + (f"; and {more} more" if more > 0 else "")
        super().__init__(
            f"the model at {path} was trained with other thresholds: {named}. Set them as in training, or train "
            "a model with these settings: `driver-score train --output FOLDER`, then set "
            "DRIVER_SCORE_MODEL__PATH=FOLDER."
        )


class TrainingError(DriverScoreError):
    """No model can be trained on this data."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"training stopped: {problem}. {remedy}")


class StateError(DriverScoreError):
    """Stored trip states can't be read."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"stored trip states: {problem}. {remedy}")
