"""Units that files may have, and their factors to the units of the event frame."""

import math
from typing import Final

STANDARD_GRAVITY_MPS2: Final = 9.80665
"""Standard acceleration of gravity, exact by definition (CGPM 1901)."""

KMH_PER_MPH: Final = 1.609344
"""International mile, exact by definition (1959)."""

_SPEED: Final = {"km/h": 1.0, "mph": KMH_PER_MPH, "m/s": 3.6, "kn": 1.852}
_ACCELERATION: Final = {"m/s2": 1.0, "g": STANDARD_GRAVITY_MPS2, "mg": STANDARD_GRAVITY_MPS2 / 1000}
_ANGLE: Final = {"deg": 1.0, "rad": 180 / math.pi}
_DURATION: Final = {"s": 1.0, "ms": 0.001}

UNIT_FACTORS: Final[dict[str, dict[str, float]]] = {
    "speed_kmh": _SPEED,
    "speed_limit_kmh": _SPEED,
    "acceleration_mps2": _ACCELERATION,
    "lateral_acceleration_mps2": _ACCELERATION,
    "peak_mps2": _ACCELERATION,
    "heading_deg": _ANGLE,
    "latitude": _ANGLE,
    "longitude": _ANGLE,
    "duration_s": _DURATION,
}
"""Units of each measurement with the factor that turns them into the event frame's, which comes first."""

EPOCH_UNITS_PER_MS: Final[dict[str, float]] = {"s": 0.001, "ms": 1.0, "us": 1e3, "ns": 1e6}
"""Units of a timestamp that is a number, as many as a millisecond has."""

UTC_WITHOUT_OFFSET: Final = "utc"
"""Unit of a timestamp that is ISO 8601 in UTC, though it has no offset."""
