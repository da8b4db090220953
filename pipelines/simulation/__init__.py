"""A simulated fleet: Eclipse SUMO drives a population of drivers, devices record it, safety measures label it."""

from pipelines.simulation.errors import FleetSizeError, SumoFailedError, SumoMissingError
from pipelines.simulation.fleet import LABEL_SCHEMA, FleetSummary, labels_path, simulate_fleet

__all__ = [
    "LABEL_SCHEMA",
    "FleetSizeError",
    "FleetSummary",
    "SumoFailedError",
    "SumoMissingError",
    "labels_path",
    "simulate_fleet",
]
