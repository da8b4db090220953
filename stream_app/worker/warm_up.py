"""Compile the kernels before the first event, so that no batch waits for it."""

import time
from typing import Final

import structlog

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.features import TripStates, close_trips, kernel_parameters, update
from scoring.features.state import pack_chunk, unpack_chunk
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.ingest.decoding import Decoder
from stream_app.ingest.placement import Placement, partition_of
from stream_app.telemetry.data_metrics import sensor_counts
from stream_app.wall_clock import now_ms

_EVENTS: Final = [
    b'{"trip_id":"%b","vehicle_id":"v","driver_id":"d","client_id":"c","timestamp":1000000000000,"speed_kmh":1}'
    % trip_id
    for trip_id in (b"t", b"u")
]

log = structlog.get_logger(__name__)


def warm_up() -> None:
    """Run events of two trips through every kernel; the first time on a machine this compiles them."""
    started = time.perf_counter()
    parameters = kernel_parameters(ThresholdProfile(), WindowSettings())
    partition = partition_of(b"v", 2, "crc32")
    batch = RecordBatch("", partition, [EncodedBatch.of_records([(b"v", event) for event in _EVENTS])])
    decoder = Decoder(
        max_value_bytes=len(_EVENTS[0]), max_ahead_s=0, time_zones={}, placement=Placement(2, "known"), now_ms=now_ms
    )
    states = TripStates()
    events = decoder.decode(batch).events
    update(states, events, parameters)
    sensor_counts(events)
    unpack_chunk(TripStates(), pack_chunk(states, states.slots(), fingerprint=""))
    close_trips(states, parameters)
    update(TripStates(), events, parameters._replace(max_vehicle_trips=1))  # evicts the first one
    log.info("kernels ready", seconds=round(time.perf_counter() - started, 1))
