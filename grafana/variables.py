"""The choices at the top of the dashboards."""

from typing import Final

from grafana.datasources import ChoiceVariable, DruidVariable, TextVariable
from grafana.sql import TIME, chosen
from schemas.event_frame import VEHICLE_CLASSES

_OPTIONS: Final = 1000
"""Choices that a list holds; beyond them a reader types."""


def _values(column: str, *where: str) -> str:
    conditions = " AND ".join([TIME, f"{column} IS NOT NULL", *where])
    return f'SELECT {column} FROM "driver-scores" WHERE {conditions} GROUP BY 1 ORDER BY 1 LIMIT {_OPTIONS}'


CLIENT: Final = DruidVariable("client", "Client", _values("client_id"))
VEHICLE: Final = DruidVariable("vehicle", "Vehicle", _values("vehicle_id", chosen("client_id")))
DRIVER: Final = DruidVariable("driver", "Driver", _values("driver_id", chosen("client_id")), is_single=True)
VEHICLE_CLASS: Final = ChoiceVariable(
    "vehicle_class", "Class", tuple((name, name) for name in VEHICLE_CLASSES), has_all=True
)
MODEL_VERSION: Final = DruidVariable("model_version", "Model version", _values("model_version"))
TRIP: Final = TextVariable("trip", "Trip")
TRIP_VEHICLE: Final = TextVariable("trip_vehicle", "Trip's vehicle")
"""Trip ids are the vehicle's own, so two vehicles may use the same; not `VEHICLE`, which would narrow the list, too."""
RESOLUTION: Final = ChoiceVariable(
    "resolution", "Resolution", (("1 hour", "PT1H"), ("5 minutes", "PT5M"), ("1 day", "P1D"), ("1 week", "P1W"))
)
