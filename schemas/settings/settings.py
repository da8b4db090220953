"""All settings together, read from environment variables: ``DRIVER_SCORE_<COMPONENT>__<NAME>``.

For example ``DRIVER_SCORE_KAFKA__BOOTSTRAP=kafka:9092``. ``docs/settings.md`` lists them all.
"""

import os
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnparsableError

from schemas.errors import SettingsError
from schemas.settings.alerts import AlertSettings
from schemas.settings.decoding import DecodingSettings
from schemas.settings.druid import DruidSettings, ExporterSettings
from schemas.settings.kafka import KafkaSettings
from schemas.settings.model import ExposureSettings, ModelSettings
from schemas.settings.profiles import ProfileSettings
from schemas.settings.stack import StackSettings
from schemas.settings.worker import WorkerSettings
from schemas.thresholds import SevereEventSettings, ThresholdProfile, WindowSettings

_PREFIX: Final = "DRIVER_SCORE_"
_REMEDY: Final = "docs/settings.md lists the settings and their limits"


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    model: ModelSettings = ModelSettings()
    exposure: ExposureSettings = ExposureSettings()
    decoding: DecodingSettings = DecodingSettings()
    thresholds: ThresholdProfile = ThresholdProfile()
    windows: WindowSettings = WindowSettings()
    severe_events: SevereEventSettings = SevereEventSettings()
    worker: WorkerSettings = WorkerSettings()
    profiles: ProfileSettings = ProfileSettings()
    druid: DruidSettings = DruidSettings()
    exporter: ExporterSettings = ExporterSettings()
    alerts: AlertSettings = AlertSettings()
    stack: StackSettings = StackSettings()

    def loggable(self) -> dict[str, Any]:
        """Return the effective settings, secrets masked."""
        return self.model_dump(mode="json")


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises
    ------
    SettingsError
        If one is unknown or invalid; the message names its environment variable.
    """
    _refuse_unknown()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = _PREFIX + "__".join(str(part).upper() for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            problem = "unknown setting"
        raise SettingsError(name, problem, remedy=_REMEDY) from error
    except UnparsableError as error:
        raise SettingsError(f"{_PREFIX}…", f"{error}: not JSON", remedy=_REMEDY) from error


def _refuse_unknown() -> None:
    """Reject a variable of an unknown component, or with one underscore instead of two: it would have no effect."""
    for variable in os.environ:
        part, delimiter, _ = variable.removeprefix(_PREFIX).lower().partition("__")
        is_meant = variable.startswith(_PREFIX) and (delimiter or part.partition("_")[0] in Settings.model_fields)
        if is_meant and part not in Settings.model_fields:
            raise SettingsError(variable, "unknown setting", remedy=_REMEDY)
