"""The open trips of a partition, as arrays with a row for each trip.

`TripStates` owns the arrays (``arrays``), finds trips by their ids (``lookup``), lists those of each vehicle
(``vehicles``) and keeps events within the grace period sorted (``pending``). ``chunks`` packs the states for storage,
and restores them.
"""

from scoring.features.state.arrays import TripStatus
from scoring.features.state.chunks import fingerprint_of, pack_chunk, read_header, unpack_chunk, unpacked_size
from scoring.features.state.device_faults import DeviceFault
from scoring.features.state.trip_states import EvictionCause, LateTrip, TripStates

__all__ = [
    "DeviceFault",
    "EvictionCause",
    "LateTrip",
    "TripStates",
    "TripStatus",
    "fingerprint_of",
    "pack_chunk",
    "read_header",
    "unpack_chunk",
    "unpacked_size",
]
