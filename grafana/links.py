"""Where a click leads: from a trip to its driver, from a driver to the client."""

from typing import Final

FLEET_UID: Final = "driver-score-fleet"
TRIPS_UID: Final = "driver-score-trips"
DRIVERS_UID: Final = "driver-score-drivers"
MODEL_UID: Final = "driver-score-model"
PIPELINE_UID: Final = "driver-score-pipeline"

BOARD_LINKS: Final = (
    ("Fleet overview", f"/d/{FLEET_UID}"),
    ("High-risk trips", f"/d/{TRIPS_UID}"),
    ("Driver and vehicle", f"/d/{DRIVERS_UID}"),
    ("Model and data", f"/d/{MODEL_UID}"),
    ("Pipeline operations", f"/d/{PIPELINE_UID}"),
)
"""Shown at the top of every dashboard."""

TO_TRIP: Final = (
    "This trip",
    f"/d/{TRIPS_UID}?var-trip=${{__value.raw}}&var-trip_vehicle=${{__data.fields.vehicle_id}}&${{__url_time_range}}",
)
TO_DRIVER: Final = ("This driver", f"/d/{DRIVERS_UID}?var-driver=${{__value.raw}}&${{__url_time_range}}")
TO_VEHICLE: Final = (
    "This vehicle",
    f"/d/{DRIVERS_UID}?var-vehicle=${{__value.raw}}&var-driver=${{__data.fields.driver_id}}&${{__url_time_range}}",
)
TO_CLIENT: Final = ("This client", f"/d/{FLEET_UID}?var-client=${{__value.raw}}&${{__url_time_range}}")
