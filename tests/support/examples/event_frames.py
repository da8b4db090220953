"""Event frames for tests: made by hand, or drawn by hypothesis."""

import string
from typing import Any, Literal

import polars as pl
from hypothesis import strategies as st

from schemas.event_frame import EVENT_SCHEMA, EVENT_TYPES, VEHICLE_CLASSES
from schemas.messages.optional_fields import NUMBER_RULES, as_float32
from schemas.messages.trip_event import MAX_ID_BYTES
from scoring.trip_files.rows.row_rules import MEASUREMENT_RANGES

DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(EVENT_SCHEMA),
    "trip_id": "trip_1",
    "vehicle_id": "veh_1",
    "driver_id": "drv_1",
    "client_id": "client_1",
    "vehicle_class": "car",
    "timestamp_ms": 1_772_435_700_000,
    "event_type": "sample",
    "speed_kmh": 50.0,
}


def event_frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return an event frame; a row says only what is not `DEFAULTS`."""
    return pl.DataFrame([{**DEFAULTS, **row} for row in rows], schema=EVENT_SCHEMA)


def trip(trip_id: str, *times_ms: int, **same: Any) -> list[dict[str, Any]]:
    """Return the rows of a trip with samples at these times after the default one."""
    return [{"trip_id": trip_id, "timestamp_ms": DEFAULTS["timestamp_ms"] + time, **same} for time in times_ms]


_ids = st.text(string.ascii_letters + string.digits + "_.:-", min_size=1, max_size=64)


def _measurement(name: str) -> st.SearchStrategy[float | None]:
    width: Literal[32, 64] = 32 if EVENT_SCHEMA[name] == pl.Float32 else 64
    lowest, highest = MEASUREMENT_RANGES[name]
    means_unknown = (*NUMBER_RULES[name].placeholders, *((0.0,) if name == "latitude" else ()))
    drawn = st.floats(lowest, highest, width=width, allow_subnormal=False)
    return st.none() | drawn.filter(lambda number: as_float32(number) not in means_unknown)


def events(trips: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Draw rows of event frames, all that the message's model accepts; each vehicle has a driver."""
    return st.fixed_dictionaries(
        {
            "trip_id": st.sampled_from([f"trip_{number}" for number in range(trips)]) | _ids,
            "vehicle_id": st.sampled_from(["veh_1", "veh_2"]) | _ids,
            "client_id": _ids,
            "vehicle_class": st.sampled_from(VEHICLE_CLASSES),
            "timestamp_ms": st.integers(946_684_800_000, 4_102_444_800_000),
            "utc_offset_min": st.none() | st.integers(-18 * 60, 18 * 60),
            "event_type": st.sampled_from(EVENT_TYPES),
            "event_id": st.none() | _ids,
            **{name: _measurement(name) for name in MEASUREMENT_RANGES},
        }
    ).map(lambda row: _measures_something({**row, "driver_id": f"d{row['vehicle_id']}"[:MAX_ID_BYTES]}))


def _measures_something(row: dict[str, Any]) -> dict[str, Any]:
    measured = (row["speed_kmh"], row["acceleration_mps2"], row["lateral_acceleration_mps2"])
    return {**row, "speed_kmh": 1.0} if measured == (None, None, None) else row
