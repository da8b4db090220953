"""Messages, batches and a decoder with a clock that stands still, for tests of decoding."""

import json
from typing import Any

import polars as pl
import polars.selectors as cs

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, VEHICLE_CLASSES
from scoring.events.columns import MOTION_FIELDS, POSITION_FIELDS, EventColumns
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.ingest.decoding import Decoder
from stream_app.ingest.placement import Placement

NOW_MS = 1_790_000_000_000
"""Some day in September 2026: later than every right timestamp of these tests."""

MAX_AHEAD_S = 86_400
LATEST_MS = NOW_MS + MAX_AHEAD_S * 1000
MAX_VALUE_BYTES = 100_000

RIGHT: dict[str, Any] = {
    "trip_id": "trip_1",
    "vehicle_id": "veh_1",
    "driver_id": "drv_1",
    "client_id": "client_1",
    "timestamp": 1_772_435_700_000,
    "speed_kmh": 50.0,
}


def a_decoder(**settings: Any) -> Decoder:
    given: dict[str, Any] = {
        "max_value_bytes": MAX_VALUE_BYTES,
        "max_ahead_s": MAX_AHEAD_S,
        "time_zones": {},
        "placement": Placement(1, "known"),
        "now_ms": lambda: NOW_MS,
    }
    return Decoder(**{**given, **settings})


def message(**changed: Any) -> bytes:
    """Return a right message, but for what is changed."""
    return json.dumps({**RIGHT, **changed}).encode()


def without(*names: str, **changed: Any) -> bytes:
    """Return a right message without some fields."""
    return json.dumps({name: given for name, given in {**RIGHT, **changed}.items() if name not in names}).encode()


def raw(**tokens: str) -> bytes:
    """Return a right message, but for fields whose JSON text is given: for what Python can't write."""
    texts = {**{name: json.dumps(given) for name, given in RIGHT.items()}, **tokens}
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}").encode()


def envelope(*samples: Any, **changed: Any) -> bytes:
    """Return an envelope with these samples, else right."""
    return without("timestamp", "speed_kmh", samples=list(samples), **changed)


def batch_of(*values: bytes | None) -> RecordBatch:
    return RecordBatch("trip-events", 0, [EncodedBatch.of_records([(b"key", value) for value in values])])


def frame_of(events: EventColumns) -> pl.DataFrame:
    """Return events as rows that can be read and compared; of an event id there is the hash."""
    samples = events.samples
    numbers = {
        name: samples[name]
        for name in ("timestamp_ms", "utc_offset_min", *MOTION_FIELDS, *POSITION_FIELDS, "duration_ms")
    }
    return pl.DataFrame(
        {
            **{name: pl.Series(events.ids(name), dtype=pl.String) for name in ID_COLUMNS},
            "vehicle_class": pl.Series([VEHICLE_CLASSES[code] for code in events.vehicle_classes], dtype=pl.String),
            "event_type": pl.Series([EVENT_TYPES[code] for code in samples["event_type"]], dtype=pl.String),
            "event_hash": samples["event_hash"],
            **numbers,
        }
    ).with_columns(cs.float().fill_nan(None))
