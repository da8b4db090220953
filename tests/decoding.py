"""Messages, batches and a decoder with a clock that stands still, for tests of decoding."""

import json
from dataclasses import dataclass, field
from typing import Any

from stream_app.decoding import Decoder
from stream_app.record_batch import RecordBatch

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


@dataclass
class FetchedRecord:
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 0
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def a_decoder(**settings: Any) -> Decoder:
    given: dict[str, Any] = {
        "max_value_bytes": MAX_VALUE_BYTES,
        "max_ahead_s": MAX_AHEAD_S,
        "time_zones": {},
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
    return RecordBatch("trip-events", 0, [FetchedRecord(offset, value) for offset, value in enumerate(values)])
