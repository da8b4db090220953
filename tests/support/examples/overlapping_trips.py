"""Trips that overlap and use every sensor, and the rows that they emit, to the bit."""

from typing import Any

import numpy as np
import polars as pl

from driver_score.replay import append_trip_ends
from scoring.events.columns import EventColumns
from scoring.features.emitted import EmittedFeatures
from tests.support.examples.event_frames import event_frame, trip


def overlapping_trips(trips: int = 12, seconds: int = 200) -> EventColumns:
    """Return overlapping trips with some disorder, every sensor, reports of devices, and ends."""
    random = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    for number in range(trips):
        for row in trip(f"trip_{number}", *range(number * 700, (seconds + number) * 1000, 1000)):
            rows.append(
                {
                    **row,
                    "vehicle_id": f"veh_{number}",
                    "driver_id": f"drv_{number % 3}",
                    "vehicle_class": ("car", "truck")[number % 2],
                    "speed_kmh": float(random.uniform(0, 90)),
                    "acceleration_mps2": float(random.normal(0, 2)) if number % 3 else None,
                    "lateral_acceleration_mps2": float(random.normal(0, 2)) if number % 4 else None,
                    "heading_deg": float(random.uniform(0, 360)),
                    "speed_limit_kmh": 50.0 if number % 2 else None,
                    "event_id": f"event-{number}-{len(rows)}" if number % 2 else None,
                    "event_type": "phone_use" if random.random() < 0.02 else "sample",
                    "duration_s": 3.0,
                    "latitude": 48.1,
                    "longitude": 11.6,
                }
            )
    events = append_trip_ends(event_frame(*rows))
    arrival = events["timestamp_ms"] + pl.Series(random.integers(0, 6000, len(events)))
    arrived = events.with_columns(arrival=arrival).sort("arrival", maintain_order=True).drop("arrival")
    return EventColumns.of_frame(arrived)


def emitted_by_trip(*emitted: EmittedFeatures) -> dict[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the emitted rows by the ids of their trip, comparable to the bit."""
    found: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for each in emitted:
        for trip_ids, row, features in zip(each.ids(), each.rows, each.features, strict=True):
            of_trip = {name: row[name].item() for name in row.dtype.names if name != "slot"}
            found.setdefault(trip_ids, []).append((*of_trip.values(), features.tobytes()))
    return found
