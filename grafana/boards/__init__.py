"""What is shown: one module per dashboard."""

from grafana.boards.drivers import DRIVER_AND_VEHICLE
from grafana.boards.fleet import FLEET_OVERVIEW
from grafana.boards.model import MODEL_AND_DATA
from grafana.boards.pipeline import PIPELINE_OPERATIONS
from grafana.boards.trips import HIGH_RISK_TRIPS

DASHBOARDS = (FLEET_OVERVIEW, HIGH_RISK_TRIPS, DRIVER_AND_VEHICLE, MODEL_AND_DATA, PIPELINE_OPERATIONS)
"""All dashboards, in the order of their links."""

__all__ = ["DASHBOARDS"]
