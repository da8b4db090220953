"""Probe trips among those of a fleet, whose latency is measured."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Final

from confluent_kafka import Producer

from bench.fleet import START_MS
from bench.measuring import BenchmarkError
from bench.workers import Place

CLIENT: Final = "client-probe"

_SAMPLES: Final = 31
_INTERVAL_MS: Final = 5000
"""Two and a half minutes at 50 km/h: above the minimum exposure."""

_VEHICLES: Final = 50
_BRAKES: Final = range(2, 28, 3)
_HARD_MPS2: Final = 5.5
_SEVERE_STEP: Final = 29
_SEVERE_MPS2: Final = 9.0
_TIMEOUT_S: Final = 60.0


def calm_trip(number: int) -> Iterator[bytes]:
    """Return the messages of a trip without an event, its end the last."""
    return (_message(number, step, _last(step)) for step in range(_SAMPLES))


def braking_trip(number: int) -> Iterator[bytes]:
    """Return the messages of a trip that alerts for high risk, and for one severe event shortly before its end."""
    for step in range(_SAMPLES):
        event = _last(step)
        if step in _BRAKES:
            event = {"event_type": "hard_brake", "peak_mps2": -_HARD_MPS2, "duration_s": 1.5}
        if step == _SEVERE_STEP:
            event = {"event_type": "hard_brake", "peak_mps2": -_SEVERE_MPS2, "duration_s": 1.5}
        yield _message(number, step, event)


def send_probes(
    place: Place, trip: Callable[[int], Iterator[bytes]], *, count: int, trips_per_s: float
) -> dict[str, float]:
    """Send probe trips at a rate, the messages of each at once; return the time of each trip.

    It is taken just before the first message is enqueued in the producer; the last one follows within a millisecond.
    """
    producer = Producer({"bootstrap.servers": place.bootstrap, "linger.ms": 0, "acks": "all", "log_level": 0})
    produced = {}
    started = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, started + number / trips_per_s - time.perf_counter()))
        vehicle = f"veh-probe-{number % _VEHICLES}".encode()
        messages = list(trip(number))
        produced[f"trip-probe-{number}"] = time.perf_counter()
        for message in messages:
            producer.produce(place.topic, message, vehicle)
        producer.poll(0)
    if producer.flush(_TIMEOUT_S):
        raise BenchmarkError("probes were not delivered")
    return produced


def _last(step: int) -> dict[str, object]:
    return {"event_type": "trip_end" if step == _SAMPLES - 1 else "sample"}


def _message(number: int, step: int, event: dict[str, object]) -> bytes:
    message = {
        "trip_id": f"trip-probe-{number}",
        "vehicle_id": f"veh-probe-{number % _VEHICLES}",
        "driver_id": "drv-probe",
        "client_id": CLIENT,
        "timestamp": START_MS + number * 1000 + step * _INTERVAL_MS,
        "speed_kmh": 50 + step % 7,
        "acceleration_mps2": 0.2,
        **event,
    }
    return json.dumps(message).encode()
