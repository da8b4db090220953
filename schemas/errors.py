"""The root of every error that this project raises on purpose, and what any component may raise.

::

    DriverScoreError
    ├── SettingsError             a setting is unknown or invalid
    ├── MissingExtraError         an optional part of the package is not installed
    ├── InputFileError            a file of trips can't be read as what it was said to be   (scoring.errors)
    ├── ModelError                a model can't be used
    │   ├── ModelNotFoundError
    │   ├── ModelCorruptError
    │   ├── ModelFeaturesError
    │   └── ModelThresholdsError
    ├── TrainingError             no model can be made of this data
    ├── StateError                stored trip states can't be read
    ├── KafkaAccessError          Kafka can't be used; a class for each cause               (stream_app.kafka.errors)
    │   └── BrokerUnavailableError, TlsError, SecurityProtocolError, AuthenticationError, TokenError,
    │       AuthorizationError, GroupJoinError
    ├── TopicError                a topic is missing, or is not configured as it must be
    ├── DruidUnavailableError     no Druid answers at the address                           (druid_specs)
    ├── DruidRefusedError         Druid does not do what it was asked
    ├── SpecMismatchError         an ingestion spec does not match the messages
    └── SpecFileError             a file of specs can't be read

The command line prints the message as one line and exits with `ExitStatus.FAILED`; ``--debug`` adds the traceback.
Each message says what is wrong and what to do about it.
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What commands and the worker exit with, beside 0; ``docs/health.md`` has the table for operators."""

    NEEDS_ATTENTION = 1
    """The command did its work, and not all that it looked at is well: something for a script to act on."""

    FAILED = 2
    """It could not do its work. The command line's parser uses the same number for wrong options."""


class DriverScoreError(Exception):
    """Root of all errors that are raised on purpose; the command line prints its message as one line."""


class SettingsError(DriverScoreError):
    """A setting is unknown, or has an invalid value."""

    def __init__(self, setting: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"setting {setting}: {problem}. {remedy}")


class MissingExtraError(DriverScoreError):
    """An optional part of the package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs packages that are not installed: pip install 'driver-score[{extra}]'")
