"""The columns that trip events become, whatever they came from: Kafka, a CSV file, a simulator.

Readers of files, the stream's decoder, training and file scoring all hand this frame to the core, so that
there is one meaning of an event.
"""

from typing import Final, get_args

import polars as pl

from schemas.messages.trip_event import REQUIRED_MOTION, EventType, VehicleClass

VEHICLE_CLASSES: Final[tuple[VehicleClass, ...]] = get_args(VehicleClass)
"""Vehicle classes; a class's position is its code inside the core."""

EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
"""Event types; a type's position is its code inside the core."""

ID_COLUMNS: Final[tuple[str, ...]] = ("trip_id", "vehicle_id", "driver_id", "client_id")
"""The ids that every event carries."""

MEASUREMENT_COLUMNS: Final[tuple[str, ...]] = (
    "speed_kmh",
    "acceleration_mps2",
    "lateral_acceleration_mps2",
    "heading_deg",
    "speed_limit_kmh",
    "peak_mps2",
    "duration_s",
)
"""What sensors measure: Float32, null when unknown."""

MOTION_COLUMNS: Final[tuple[str, ...]] = REQUIRED_MOTION
"""Of these a sample must carry one."""

EVENT_SCHEMA: Final[pl.Schema] = pl.Schema(
    {
        **dict.fromkeys(ID_COLUMNS, pl.String()),
        "vehicle_class": pl.String(),
        "timestamp_ms": pl.Int64(),
        "utc_offset_min": pl.Int16(),
        "event_type": pl.String(),
        "event_id": pl.String(),
        **dict.fromkeys(MEASUREMENT_COLUMNS, pl.Float32()),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
    }
)
"""Schema of an event frame.

``timestamp_ms`` is UTC epoch milliseconds; ``utc_offset_min`` the minutes east of UTC of local time, null when
unknown. Ids, ``vehicle_class``, ``timestamp_ms`` and ``event_type`` are never null. Measurements are Float32:
no sensor resolves more than seven digits, and every path rounds at the same border.
"""
