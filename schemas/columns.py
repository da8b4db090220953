"""The one list of output columns that ingestion specs, SQL and dashboards are held to."""

from typing import Final

from schemas.driver_profile import DriverProfile
from schemas.driver_score import DriverScore
from schemas.trip_alert import TripAlert
from schemas.trip_features import TripFeatures

OUTPUT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "driver-scores": tuple(DriverScore.model_fields),
    "driver-profiles": tuple(DriverProfile.model_fields),
    "trip-alerts": tuple(TripAlert.model_fields),
    "trip-features": tuple(TripFeatures.model_fields),
}
"""Columns of each output topic's messages, in order."""
