"""Whether a sensor of acceleration is to be believed: what it measures is held against speed and heading.

The mean of a true acceleration over a while is that of the speed's changes. A sensor that is tilted or not calibrated
differs by an offset, which is subtracted; one that has gravity on the axis, or another unit, or is mounted in another
direction, is not believed, and the speed is rated instead.
"""

import math
from enum import IntEnum
from typing import Any, Final

import numpy as np

from scoring.events.compilation import kernel


class Sensor(IntEnum):
    """Which acceleration a sensor measures."""

    ALONG = 0
    ACROSS = 1


SENSOR_CHECK: Final = np.dtype(
    [
        ("known_ms", np.int64),  # of ticks with both; the sums are of these, times milliseconds
        ("offset_sum", np.float64),
        ("reference_sum", np.float64),
        ("square_sum", np.float64),  # of the reference
        ("product_sum", np.float64),  # of both
    ],
    align=True,
)
"""What is known of a sensor."""

_PROVISIONAL_MS: Final = 3_000
_KNOWN_MS: Final = 60_000
"""Of ticks with both: a hard brake in which the speed lags by a second or two is then less than `_OFFSET_MPS2`."""

_OFFSET_MPS2: Final = 0.5
"""Less is what calibrated sensors have: 3 degrees of tilt. Judgement."""

MOST_OFFSET_MPS2: Final = 2.0
"""More is no tilt of a mount (12 degrees) but gravity on another axis. Judgement."""

CONTRADICTION_MPS2: Final = 3.0
"""While less is known: more than a speed that lags or is rounded explains."""

_LEAST_SCALE: Final = 0.2
"""Share of the speed's changes that the sensor must show: 0.1 is g taken for m/s². A speed that lags lowers it, too."""

_MOST_SCALE: Final = 5.0
"""And may show at most. Noise of the speed makes the scale smaller, never larger."""

_SCALE_SQUARE: Final = 0.25
"""Mean square of the speed's changes, (m/s²)²: with less, as on a motorway, they are mostly noise of the speed."""


@kernel
def believed_acceleration(check: Any, measured: float, reference: float, span_ms: int, sensor: int) -> float:
    """Give the acceleration of a tick: what the sensor measured, less its offset, or the reference.

    Parameters
    ----------
    check
        A row of `SENSOR_CHECK`: what is known of the sensor from the ticks before; this one is added.
    measured
        By the sensor, m/s².
    reference
        What it should be by speed and heading, m/s²; NaN where that is unknown.
    span_ms
        Duration of the tick.
    sensor
        A `Sensor`. The scale of one across is not checked: a heading is too coarse for that.
    """
    believed = _believed(check, measured, reference)
    if not math.isnan(reference):
        check.known_ms += span_ms
        check.offset_sum += (measured - reference) * span_ms
        if sensor == Sensor.ALONG:
            check.reference_sum += reference * span_ms
            check.square_sum += reference * reference * span_ms
            check.product_sum += measured * reference * span_ms
    return believed


@kernel
def _believed(check: Any, measured: float, reference: float) -> float:
    if contradicts(check):
        return reference
    if is_unknown(check):
        offset = check.offset_sum / check.known_ms if check.known_ms > 0 else measured - reference
        return reference if abs(offset) >= CONTRADICTION_MPS2 else measured
    return measured - offset_mps2(check)


@kernel
def contradicts(check: Any) -> bool:
    """Tell whether the sensor is not believed, by the ticks so far."""
    if check.known_ms < _PROVISIONAL_MS:
        return False
    offset = check.offset_sum / check.known_ms
    if check.known_ms < _KNOWN_MS:
        return abs(offset) > CONTRADICTION_MPS2
    if abs(offset) > MOST_OFFSET_MPS2:
        return True
    product_sum = check.product_sum - offset * check.reference_sum
    if check.square_sum >= _SCALE_SQUARE * _KNOWN_MS and product_sum > _MOST_SCALE * check.square_sum:
        return True
    return check.square_sum >= _SCALE_SQUARE * check.known_ms and product_sum < _LEAST_SCALE * check.square_sum


@kernel
def offset_mps2(check: Any) -> float:
    """Give the offset that is subtracted of what the sensor measures; 0 for none."""
    if check.known_ms < _KNOWN_MS or contradicts(check):
        return 0.0
    offset = check.offset_sum / check.known_ms
    return offset if abs(offset) > _OFFSET_MPS2 else 0.0


@kernel
def is_unknown(check: Any) -> bool:
    """Tell whether nothing is known of the sensor yet."""
    return check.known_ms < _PROVISIONAL_MS
