"""Every error that this project raises on purpose.

::

    DriverScoreError
    ├── InputFileError          a file of trips can't be read as what it was said to be
    ├── SettingsError           a setting has a value that can't work
    ├── BrokerUnavailableError  no Kafka broker answers at the address
    ├── TopicError              a topic is missing, or not as it must be
    ├── ModelError              a model can't be loaded, or is not what its card says
    │   ├── ModelNotFoundError
    │   └── ModelCorruptError
    ├── TrainingError           no model can be made of this data
    ├── StateError              stored trip states can't be read
    ├── MissingExtraError       an optional part of the package is not installed
    ├── DruidUnavailableError   no Druid answers at the address          (druid_specs.errors)
    ├── DruidRefusedError       Druid does not do what it was asked
    ├── SpecMismatchError       an ingestion spec does not match the messages
    └── SpecFileError           a file of specs can't be read

The command line prints the message as one line and exits with status 2; ``--debug`` adds the traceback.
Each message says what is wrong and what to do about it.
"""

from pathlib import Path

from schemas.errors import DriverScoreError

__all__ = [
    "BrokerUnavailableError",
    "DriverScoreError",
    "InputFileError",
    "MissingExtraError",
    "ModelCorruptError",
    "ModelError",
    "ModelNotFoundError",
    "SettingsError",
    "StateError",
    "TopicError",
    "TrainingError",
]


class InputFileError(DriverScoreError):
    """A file of trips can't be read as the format it was said to be."""

    def __init__(self, path: Path | str, problem: str, *, remedy: str) -> None:
        super().__init__(f"{path}: {problem}. {remedy}")


class SettingsError(DriverScoreError):
    """A setting has a value that can't work."""

    def __init__(self, setting: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"setting {setting}: {problem}. {remedy}")


class BrokerUnavailableError(DriverScoreError):
    """No Kafka broker answers at the address."""

    def __init__(self, bootstrap: str, *, cause: str = "no answer") -> None:
        super().__init__(
            f"no Kafka broker answers at {bootstrap} ({cause}). Check that it runs and that "
            "DRIVER_SCORE_KAFKA__BOOTSTRAP names it; `driver-score demo` needs none."
        )


class TopicError(DriverScoreError):
    """A topic is missing, or is not as it must be."""

    def __init__(self, topic: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"topic {topic}: {problem}. {remedy}")


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


class TrainingError(DriverScoreError):
    """No model can be made of this data."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"training stopped: {problem}. {remedy}")


class StateError(DriverScoreError):
    """Stored trip states can't be read."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"stored trip states: {problem}. {remedy}")


class MissingExtraError(DriverScoreError):
    """An optional part of the package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs packages that are not installed: pip install 'driver-score[{extra}]'")
