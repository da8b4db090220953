"""What goes wrong in the core: files, models, training and stored states. ``schemas.errors`` has the whole tree."""

from pathlib import Path

from schemas.errors import DriverScoreError


class InputFileError(DriverScoreError):
    """A file of trips can't be read as the format it was said to be."""

    def __init__(self, path: Path | str, problem: str, *, remedy: str) -> None:
        super().__init__(f"{path}: {problem}. {remedy}")


class ModelError(DriverScoreError):
    """A model can't be used."""


class ModelNotFoundError(ModelError):
    """There is no model at the path."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"no model at {path}. Train one with `driver-score train --output {path}`, or leave "
            "DRIVER_SCORE_MODEL__PATH unset to use the one that is shipped."
        )


class ModelCorruptError(ModelError):
    """The model's files are damaged, or do not belong together."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(
            f"the model at {path} can't be used: {problem}. Restore it from its source, or train it again "
            f"with `driver-score train --output {path}`."
        )


class ModelMismatchError(ModelError):
    """The model was trained on other features than those that are computed here."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(
            f"the model at {path} does not fit: {problem}. Set DRIVER_SCORE_THRESHOLDS__… as they were in training, or "
            f"train a model with these settings: `driver-score train --output {path}`."
        )


class TrainingError(DriverScoreError):
    """No model can be made of this data."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"training stopped: {problem}. {remedy}")


class StateError(DriverScoreError):
    """Stored trip states can't be read."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"stored trip states: {problem}. {remedy}")
