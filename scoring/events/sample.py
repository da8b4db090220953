"""One trip event as the kernels see it."""

from typing import Final

import numpy as np

SAMPLE: Final = np.dtype(
    [
        ("timestamp_ms", np.int64),
        ("event_hash", np.uint64),  # of event_id; 0 for none
        ("following", np.int32),
        ("preceding", np.int32),
        ("duration_ms", np.int32),
        ("speed_kmh", np.float32),
        ("acceleration_mps2", np.float32),
        ("lateral_acceleration_mps2", np.float32),
        ("heading_deg", np.float32),
        ("speed_limit_kmh", np.float32),
        ("peak_mps2", np.float32),
        ("latitude", np.float32),  # degrees; float32 is exact to a metre or two
        ("longitude", np.float32),
        ("utc_offset_min", np.int16),
        ("event_type", np.int8),
    ],
    align=True,
)
"""An event; measurements and position are NaN when unknown.

``following`` and ``preceding`` are its neighbours among the pending events of a trip, 0 for none.
"""
