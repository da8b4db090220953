"""Compile the kernels before the first event, so that no batch waits for it."""

import time

import polars as pl
import structlog

from schemas.event_frame import EVENT_SCHEMA
from scoring.features.state_chunks import pack_chunk, unpack_chunk
from scoring.features.thresholds import ThresholdProfile, WindowSettings, kernel_parameters
from scoring.features.trip_state import TripStates
from scoring.features.update import close_trips, update

log = structlog.get_logger(__name__)


def warm_up() -> None:
    """Run one event through every kernel; the first time on a machine this compiles them."""
    started = time.perf_counter()
    parameters = kernel_parameters(ThresholdProfile(), WindowSettings())
    ids = {"trip_id": "t", "vehicle_id": "v", "driver_id": "d", "client_id": "c"}
    sample = {
        **ids,
        "vehicle_class": "car",
        "event_type": "sample",
        "timestamp_ms": 1_000_000_000_000,
        "speed_kmh": 1.0,
    }
    states = TripStates()
    update(states, pl.DataFrame([sample], schema=EVENT_SCHEMA), parameters)
    unpack_chunk(TripStates(), pack_chunk(states, 0, included_offset=0, fingerprint=""))
    close_trips(states, parameters)
    log.info("kernels ready", seconds=round(time.perf_counter() - started, 1))
