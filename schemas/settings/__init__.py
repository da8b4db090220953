"""Settings for operators: one model per component, read from ``DRIVER_SCORE_…`` environment variables.

A component takes its own model, not all settings; ``load_settings`` reads them all.
"""

from schemas.settings.alerts import SEVERITIES, AlertSettings, Severity
from schemas.settings.decoding import DecodingSettings, Partitioner
from schemas.settings.druid import DruidSettings, ExporterSettings
from schemas.settings.kafka import KafkaSettings
from schemas.settings.model import ExposureSettings, ModelSettings
from schemas.settings.profiles import ProfileSettings
from schemas.settings.settings import Settings, load_settings
from schemas.settings.stack import StackSettings
from schemas.settings.worker import ChangedLogPolicy, WorkerSettings

__all__ = [
    "SEVERITIES",
    "AlertSettings",
    "ChangedLogPolicy",
    "DecodingSettings",
    "DruidSettings",
    "ExporterSettings",
    "ExposureSettings",
    "KafkaSettings",
    "ModelSettings",
    "Partitioner",
    "ProfileSettings",
    "Settings",
    "Severity",
    "StackSettings",
    "WorkerSettings",
    "load_settings",
]
