"""Positions: which of them jump, and whether the speeds agree with the way between them.

A speed in another unit, or one that is frozen, looks like a speed; a way that is longer or shorter than the speeds
allow shows it. Compared are **spans** between two positions, with speeds known throughout. Their distances are those of
the equirectangular approximation on a sphere with the Earth's mean radius (IUGG), whose error over a span is below half
a percent. A position that a receiver repeats, as it has no newer one, is not compared, nor is one that was rounded to a
hundredth of a degree.
"""

import math
from typing import Any, Final

import numpy as np

from scoring.events.compilation import kernel

_METRES_PER_DEGREE: Final = math.radians(6_371_008.8)
"""Of latitude; the Earth's mean radius is 6,371,008.8 m."""

_FASTEST_MPS: Final = 70.0
"""252 km/h: no vehicle of a fleet is faster. Judgement."""

_JUMP_M: Final = 100.0
"""Added to it: receivers err by some 10 m, between high buildings by some 50 m, and a position may be a second old."""

_LEAST_SPAN_MS: Final = 10_000
"""Over less, errors of position and clock are a large part."""

_LONGEST_SPAN_MS: Final = 120_000
"""Longer than any interval that counts by default: over more, the way says little of the road."""

_SHORT_SPAN_MS: Final = 16_000
"""15 s and some jitter: over more, a winding road may be twice as long as the way between its ends."""

_STEADY: Final = 0.2
"""Share by which the two speeds of an interval longer than `_LEAST_SPAN_MS` may differ: where they differ more, as in
stop-and-go traffic, their mean says little of the speed in between. Of the simulated fleet's trips, sampled each 30 or
60 s, 1 to 2 % would contradict themselves without this, and none does with it."""

_LEAST_DRIVEN_M: Final = 150.0
"""By speeds; errors of both positions are then less than a fifth."""

_LEAST_WAY_M: Final = 300.0
"""By positions, where speeds say less: receivers at a standstill wander, but not so far within a span."""

FARTHER: Final = 1.35
"""Times the distance by speeds: tyres explain a tenth; mph taken for km/h gives 1.61, knots 1.85, m/s 3.6."""

NEARER: Final = 0.7
"""Of it, in a short span with speeds in between: km/h taken for mph gives 0.62, a frozen speed at a standstill 0."""

_HUNDREDTHS: Final = 100.0
_ROUNDING: Final = 1e-3
"""Of float32 degrees in hundredths: at most 0.8e-3."""

_HALF_ROUND_DEG: Final = 180.0
_ROUND_DEG: Final = 360.0

_JUMPED: Final = np.int32(-1)
"""In place of a span's duration: the position where it would begin is one that jumped."""


@kernel
def follow_position(cursor: Any, sums: Any, sample: Any) -> bool:
    """Take a sample's position as the trip's, and compare it with the speeds before; tell whether it jumps.

    One that jumps is used for nothing, unless the next one is near it.

    Parameters
    ----------
    cursor
        A row of ``CURSOR``, with the sample's speed, if it has one, folded already.
    sums
        The window's row of ``WINDOW_AGGREGATES``.
    sample
        A row of ``SAMPLE``.
    """
    latitude, longitude = sample.latitude, sample.longitude
    if math.isnan(latitude) or math.isnan(longitude) or (latitude == 0 and longitude == 0):
        return False
    if latitude == cursor.latitude and longitude == cursor.longitude:
        return False
    if _jumps(cursor, sample):
        _begin_span(cursor, sample)
        cursor.span_ms = _JUMPED
        return True
    if cursor.span_ms == _JUMPED:
        _clear_span(cursor)
    cursor.latitude = latitude
    cursor.longitude = longitude
    cursor.position_ms = sample.timestamp_ms
    if cursor.speed_ms == sample.timestamp_ms and not _is_coarse(sample):
        _compare(cursor, sums, sample)
    return False


@kernel
def _jumps(cursor: Any, sample: Any) -> bool:
    if cursor.latitude == 0 and cursor.longitude == 0:
        return False
    farthest_m = _FASTEST_MPS * (sample.timestamp_ms - cursor.position_ms) / 1000.0 + _JUMP_M
    if _is_within(cursor.latitude, cursor.longitude, sample, farthest_m):
        return False
    is_repeated = sample.latitude == cursor.span_latitude and sample.longitude == cursor.span_longitude
    is_confirmed = (
        cursor.span_ms == _JUMPED
        and not is_repeated
        and _is_within(cursor.span_latitude, cursor.span_longitude, sample, farthest_m)
    )
    return not is_confirmed


@kernel
def _is_coarse(sample: Any) -> bool:
    """Tell whether a position was rounded to a hundredth of a degree, some kilometre, as for privacy."""
    north = np.float64(sample.latitude) * _HUNDREDTHS
    east = np.float64(sample.longitude) * _HUNDREDTHS
    return abs(north - np.rint(north)) < _ROUNDING and abs(east - np.rint(east)) < _ROUNDING


@kernel
def _compare(cursor: Any, sums: Any, sample: Any) -> None:
    """Add the span that ends here to the sums, if it is one; the next one begins."""
    is_begun = cursor.span_latitude != 0 or cursor.span_longitude != 0
    if not is_begun or cursor.span_ms > _LONGEST_SPAN_MS:
        _begin_span(cursor, sample)
        return
    if cursor.span_ms < _LEAST_SPAN_MS:
        return
    driven_m = cursor.span_kmh_ms / 3600.0
    if driven_m < _LEAST_DRIVEN_M and _is_within(cursor.span_latitude, cursor.span_longitude, sample, _LEAST_WAY_M):
        return
    way_m = _distance_m(cursor.span_latitude, cursor.span_longitude, sample)
    is_short = cursor.span_ms <= _SHORT_SPAN_MS and cursor.speed_interval_ms <= _LEAST_SPAN_MS
    is_nearer = is_short and way_m < NEARER * driven_m
    sums.compared_way_m += np.int32(np.rint(way_m))
    sums.compared_driven_m += np.int32(np.rint(driven_m))
    sums.compared_spans += 1
    if is_nearer or way_m > FARTHER * driven_m:
        sums.contradicted_spans += 1
    _begin_span(cursor, sample)


@kernel
def _begin_span(cursor: Any, sample: Any) -> None:
    cursor.span_latitude = sample.latitude
    cursor.span_longitude = sample.longitude
    cursor.span_ms = 0
    cursor.span_kmh_ms = 0.0


@kernel
def end_span(cursor: Any) -> None:
    """Compare nothing before the next position, as the speed was not known throughout."""
    if cursor.span_ms != _JUMPED:
        _clear_span(cursor)


@kernel
def _clear_span(cursor: Any) -> None:
    cursor.span_latitude = 0.0
    cursor.span_longitude = 0.0
    cursor.span_ms = 0
    cursor.span_kmh_ms = 0.0


@kernel
def extend_span(cursor: Any, first_kmh: float, second_kmh: float, interval_ms: int) -> None:
    """Add an interval with a speed at both ends to the span, if there is one."""
    if cursor.span_ms == _JUMPED:
        return
    if interval_ms > _LEAST_SPAN_MS and abs(second_kmh - first_kmh) > _STEADY * max(first_kmh, second_kmh):
        _clear_span(cursor)
        return
    cursor.span_ms = min(cursor.span_ms + interval_ms, _LONGEST_SPAN_MS + 1)
    cursor.span_kmh_ms += (first_kmh + second_kmh) / 2.0 * interval_ms


@kernel
def _is_within(latitude: float, longitude: float, sample: Any, limit_m: float) -> bool:
    """Tell whether a position is at most so far from the sample's; most are, by the sum of both differences alone."""
    north_deg, east_deg = _difference_deg(latitude, longitude, sample)
    if (abs(north_deg) + abs(east_deg)) * _METRES_PER_DEGREE <= limit_m:
        return True
    return _distance_m(latitude, longitude, sample) <= limit_m


@kernel
def _distance_m(latitude: float, longitude: float, sample: Any) -> float:
    north_deg, east_deg = _difference_deg(latitude, longitude, sample)
    middle_deg = (np.float64(latitude) + np.float64(sample.latitude)) / 2.0
    east_deg *= math.cos(math.radians(middle_deg))
    return _METRES_PER_DEGREE * math.sqrt(north_deg * north_deg + east_deg * east_deg)


@kernel
def _difference_deg(latitude: float, longitude: float, sample: Any) -> tuple[float, float]:
    """Give the differences to north and east; the shorter way round."""
    east_deg = np.float64(sample.longitude) - np.float64(longitude)
    if east_deg > _HALF_ROUND_DEG:
        east_deg -= _ROUND_DEG
    elif east_deg < -_HALF_ROUND_DEG:
        east_deg += _ROUND_DEG
    return np.float64(sample.latitude) - np.float64(latitude), east_deg
