"""The same job in Faust as its documentation shows it: an agent, one event at a time, a table row a trip.

It takes fewer features than our worker (sums it can keep in a dictionary); everything else is done: JSON and
validation with the model of the contract, state in a table with its changelog, a Driver Score of the window and of
the trip at each window's end by the same ONNX model, published to ``driver-scores``. ``python -m bench.stock_faust``
reads the settings of ``driver-score worker``; with ``--no-table`` the states are in a plain dictionary, and lost with
the process.
"""

import math
import sys
from typing import Any, Final

import faust
import numpy as np
from pydantic import ValidationError

from schemas.features import FEATURE_NAMES
from schemas.trip_event import TripEvent
from scoring.model.exposure import ExposureLimits
from scoring.model.scorer import BANDS
from stream_app.app import load_scorer
from stream_app.settings import load_settings

_WINDOW_MS: Final = 60_000
_MAX_GAP_MS: Final = 10_000
_HARD_MPS2: Final = 3.0
_LINGER_S: Final = 0.005
"""As our publisher waits; Faust's own default, none, sends every change of the table in a request of its own."""
_NO_TABLE: Final = "--no-table"
_MS_PER_HOUR: Final = 3_600_000
_MS_PER_S: Final = 1000

_settings = load_settings()
_scorer = load_scorer(_settings)
_kafka = _settings.kafka

app = faust.App(
    _kafka.topic_prefix + _kafka.group,
    broker=f"kafka://{_kafka.bootstrap}",
    store="memory://",
    producer_linger=_LINGER_S,
    consumer_auto_offset_reset="earliest",
    topic_partitions=_kafka.partitions,
    web_enabled=False,
)
events = app.topic(_kafka.topic_prefix + "trip-events", value_type=bytes, value_serializer="raw", key_serializer="raw")
scores = app.topic(_kafka.topic_prefix + "driver-scores", value_serializer="json", key_type=str)
trips: Any = {} if _NO_TABLE in sys.argv else app.Table("trips", key_type=str)


@app.agent(events)  # type: ignore[untyped-decorator]
async def score_trips(stream: Any) -> None:
    """Take in one event after another."""
    async for message in stream:
        try:
            event = TripEvent.model_validate_json(message)
        except ValidationError:
            continue
        key = f"{event.vehicle_id}|{event.trip_id}"
        timestamp_ms = int(event.timestamp.timestamp() * _MS_PER_S)
        trip = trips.get(key) or {"window": _no_sums(), "trip": _no_sums(), "last_ms": 0, "window_end_ms": 0}
        if timestamp_ms <= trip["last_ms"]:
            continue
        if trip["window_end_ms"] and timestamp_ms >= trip["window_end_ms"]:
            for kind in ("window", "trip"):
                await scores.send(key=event.trip_id, value=_score(event, kind, trip[kind]))
            trip["window"] = _no_sums()
        for sums in (trip["window"], trip["trip"]):
            _add(sums, event, timestamp_ms - trip["last_ms"])
        trip["last_ms"] = timestamp_ms
        trip["window_end_ms"] = (timestamp_ms // _WINDOW_MS + 1) * _WINDOW_MS
        trips[key] = trip


def _no_sums() -> dict[str, float]:
    return dict.fromkeys(("ms", "km", "speed_ms", "square_ms", "idle_ms", "brakes", "accelerations", "max_kmh"), 0.0)


def _add(sums: dict[str, float], event: TripEvent, elapsed_ms: int) -> None:
    if event.speed_kmh is None:
        return
    sums["max_kmh"] = max(sums["max_kmh"], event.speed_kmh)
    if event.acceleration_mps2 is not None:
        sums["brakes"] += event.acceleration_mps2 <= -_HARD_MPS2
        sums["accelerations"] += event.acceleration_mps2 >= _HARD_MPS2
    if elapsed_ms > _MAX_GAP_MS:
        return
    sums["ms"] += elapsed_ms
    sums["km"] += event.speed_kmh * elapsed_ms / _MS_PER_HOUR
    sums["speed_ms"] += event.speed_kmh * elapsed_ms
    sums["square_ms"] += event.speed_kmh**2 * elapsed_ms
    sums["idle_ms"] += elapsed_ms * (event.speed_kmh < 3)


def _score(event: TripEvent, kind: str, sums: dict[str, float]) -> dict[str, Any]:
    elapsed_ms = sums["ms"] or math.nan
    mean_kmh = sums["speed_ms"] / elapsed_ms
    hard = sums["brakes"] + sums["accelerations"]
    features = {
        "duration_s": sums["ms"] / _MS_PER_S,
        "distance_km": sums["km"],
        "avg_speed": mean_kmh,
        "speed_volatility": math.sqrt(max(0.0, sums["square_ms"] / elapsed_ms - mean_kmh**2)),
        "max_speed_kmh": sums["max_kmh"],
        "hard_event_count": hard,
        "hard_brake_count": sums["brakes"],
        "hard_acceleration_count": sums["accelerations"],
        "hard_events_per_100km": hard / sums["km"] * 100 if sums["km"] >= 1 else math.nan,
        "idle_ratio": sums["idle_ms"] / elapsed_ms,
    }
    row = np.array([[features.get(name, math.nan) for name in FEATURE_NAMES]])
    scored = _scorer.score(row, ExposureLimits() if kind == "trip" else ExposureLimits.for_windows())
    return {
        **event.model_dump(mode="json", include={"trip_id", "vehicle_id", "driver_id", "client_id", "timestamp"}),
        **{name: _nullable(feature) for name, feature in features.items()},
        "kind": kind,
        "risk": _nullable(scored.risk[0]),
        "score": _nullable(scored.score[0]),
        "band": BANDS[scored.band[0]] if scored.band[0] >= 0 else None,
    }


def _nullable(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument != _NO_TABLE]
    faust.Worker(app, loglevel="WARNING").execute_from_commandline()
