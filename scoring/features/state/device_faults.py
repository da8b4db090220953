"""The faults of devices that the features show, and that a partition counts."""

from typing import Literal

DeviceFault = Literal[
    "clock_jump",
    "rollover",
    "spike",
    "position_jump",
    "held_speed",
    "speed_contradicted",
    "sensor_offset",
    "sensor_contradicted",
]
"""What features show of devices: an event left out as its time is alone; a time put right that was 1,024 weeks behind;
a speed left out that no vehicle can have had; a position left out that none can have reached; a speed refreshed too
seldom to rate accelerations from it; a speed that contradicts the positions; and a sensor of acceleration with an
offset, or one that contradicts speed or heading."""
