"""The one list of output columns that ingestion specs, SQL and dashboards are held to."""

from typing import Final

from pydantic import BaseModel

from schemas.messages.driver_profile import DriverProfile
from schemas.messages.driver_score import DriverScore
from schemas.messages.trip_alert import TripAlert
from schemas.messages.trip_features import TripFeatures

OUTPUT_MESSAGES: Final[dict[str, type[BaseModel]]] = {
    "driver-scores": DriverScore,
    "driver-profiles": DriverProfile,
    "trip-alerts": TripAlert,
    "trip-features": TripFeatures,
}
"""The message of each output topic."""

OUTPUT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    topic: tuple(message.model_fields) for topic, message in OUTPUT_MESSAGES.items()
}
"""Columns of each output topic's messages, in order."""
