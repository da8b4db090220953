"""The sums of a window or a trip: what is kept, how two of them merge, and the features they give.

Times are whole milliseconds, so their sums are exact. Mean and variance of speed follow West (1979),
"Updating mean and variance estimates: an improved method", with time as the weight, and Chan, Golub and
LeVeque (1983) where two parts merge.
"""

import math
from typing import Any, Final

import numpy as np

from schemas.features import FEATURE_NAMES
from scoring.events.compilation import kernel
from scoring.features.aggregation.positions import FARTHER, NEARER
from scoring.features.parameters import KernelParameters


def _aggregates(milliseconds: type[np.signedinteger[Any]]) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("distance_kmh_ms", np.float64),
            ("speed_mean_kmh", np.float64),
            ("speed_m2", np.float64),
            ("acceleration_square_ms", np.float64),
            ("lateral_square_ms", np.float64),
            ("jerk_square_ms", np.float64),
            ("peak_deceleration_mps2", np.float64),
            ("peak_acceleration_mps2", np.float64),
            ("peak_lateral_mps2", np.float64),
            ("duration_ms", milliseconds),
            ("speed_ms", milliseconds),
            ("rated_ms", milliseconds),
            ("measured_ms", milliseconds),
            ("lateral_ms", milliseconds),
            ("jerk_ms", milliseconds),
            ("limit_ms", milliseconds),
            ("unlimited_ms", milliseconds),
            ("reported_speeding_ms", milliseconds),
            ("over_moderate_ms", milliseconds),
            ("over_serious_ms", milliseconds),
            ("over_severe_ms", milliseconds),
            ("night_ms", milliseconds),
            ("idle_ms", milliseconds),
            ("moving_ms", milliseconds),
            ("phone_ms", milliseconds),
            ("event_count", np.int32),
            ("brake_count", np.int32),
            ("acceleration_count", np.int32),
            ("corner_count", np.int32),
            ("stop_count", np.int32),
            ("step_count", np.int32),
            ("held_step_count", np.int32),
            ("compared_way_m", np.int32),  # of the spans that ``positions`` compares, by their ends
            ("compared_driven_m", np.int32),  # and by the speeds
            ("max_speed_kmh", np.float32),
            ("phone_reported", np.int32),
            ("compared_spans", np.uint16),
            ("contradicted_spans", np.uint16),
        ],
        align=True,
    )


AGGREGATES: Final = _aggregates(np.int64)
"""The sums of a trip; zeros are the sums of nothing. ``*_square_ms`` are squares times milliseconds."""

WINDOW_AGGREGATES: Final = _aggregates(np.int32)
"""The sums of a window: its times, an hour and a gap at most, fit half the bytes."""

FEATURE_ROW: Final = np.dtype([(name, np.float64) for name in FEATURE_NAMES], align=True)
"""One row of features; an array of it is a feature matrix with names."""

_KMH_MS_PER_KM: Final = 3_600_000.0

_MIN_HELD_STEPS: Final = 3
"""Fewer may be a driver who braked after a steady speed."""

_LEAST_COMPARED_SPANS: Final = 5
_LEAST_COMPARED_M: Final = 1000
"""Of less, a few positions that err by 100 m would be most. Judgement."""


@kernel
def add_speeds(sums: Any, first_kmh: float, second_kmh: float, interval_ms: int) -> None:
    """Add both ends of an interval to the time-weighted mean and variance of speed, half of the time each.

    Parameters
    ----------
    sums
        A row of `WINDOW_AGGREGATES`.
    first_kmh, second_kmh
        Speeds at the ends.
    interval_ms
        Time between them, above 0.
    """
    half_ms = interval_ms / 2.0
    before_ms = float(sums.speed_ms)
    for speed_kmh in (first_kmh, second_kmh):
        delta = speed_kmh - sums.speed_mean_kmh
        step = delta * half_ms / (before_ms + half_ms)
        sums.speed_mean_kmh += step
        sums.speed_m2 += before_ms * delta * step
        before_ms += half_ms
    sums.speed_ms += interval_ms


@kernel
def merge(into: Any, later: Any) -> None:
    """Add the sums of a later part to those of an earlier one; rows of `AGGREGATES` and `WINDOW_AGGREGATES`."""
    if later.speed_ms > 0:
        total = into.speed_ms + later.speed_ms
        delta = later.speed_mean_kmh - into.speed_mean_kmh
        share = later.speed_ms / total
        into.speed_mean_kmh += delta * share
        into.speed_m2 += later.speed_m2 + delta * delta * into.speed_ms * share
    into.duration_ms += later.duration_ms
    into.speed_ms += later.speed_ms
    into.distance_kmh_ms += later.distance_kmh_ms
    into.rated_ms += later.rated_ms
    into.measured_ms += later.measured_ms
    into.lateral_ms += later.lateral_ms
    into.jerk_ms += later.jerk_ms
    into.acceleration_square_ms += later.acceleration_square_ms
    into.lateral_square_ms += later.lateral_square_ms
    into.jerk_square_ms += later.jerk_square_ms
    into.limit_ms += later.limit_ms
    into.unlimited_ms += later.unlimited_ms
    into.reported_speeding_ms += later.reported_speeding_ms
    into.over_moderate_ms += later.over_moderate_ms
    into.over_serious_ms += later.over_serious_ms
    into.over_severe_ms += later.over_severe_ms
    into.night_ms += later.night_ms
    into.idle_ms += later.idle_ms
    into.moving_ms += later.moving_ms
    into.phone_ms += later.phone_ms
    into.event_count += later.event_count
    into.brake_count += later.brake_count
    into.acceleration_count += later.acceleration_count
    into.corner_count += later.corner_count
    into.stop_count += later.stop_count
    into.step_count += later.step_count
    into.held_step_count += later.held_step_count
    into.compared_way_m += later.compared_way_m
    into.compared_driven_m += later.compared_driven_m
    into.compared_spans += later.compared_spans
    into.contradicted_spans += later.contradicted_spans
    into.max_speed_kmh = max(into.max_speed_kmh, later.max_speed_kmh)
    into.peak_deceleration_mps2 = max(into.peak_deceleration_mps2, later.peak_deceleration_mps2)
    into.peak_acceleration_mps2 = max(into.peak_acceleration_mps2, later.peak_acceleration_mps2)
    into.peak_lateral_mps2 = max(into.peak_lateral_mps2, later.peak_lateral_mps2)
    into.phone_reported += later.phone_reported


@kernel
def _ratio(part_ms: float, whole_ms: float) -> float:
    return part_ms / whole_ms if whole_ms > 0 else math.nan


@kernel
def _root_mean_square(square_ms: float, whole_ms: float) -> float:
    return math.sqrt(square_ms / whole_ms) if whole_ms > 0 else math.nan


@kernel
def _peak(peak_mps2: float, rated_ms: int) -> float:
    return peak_mps2 if rated_ms > 0 or peak_mps2 > 0 else math.nan


@kernel
def holds_speed(sums: Any) -> bool:
    """Tell whether the speed is refreshed so seldom that accelerations can't be rated from it, nor from a sensor."""
    return (
        sums.held_step_count >= _MIN_HELD_STEPS
        and 2 * sums.held_step_count >= sums.step_count
        and not _is_measured(sums)
    )


@kernel
def _is_measured(sums: Any) -> bool:
    """Tell whether a sensor measured most of the accelerations that were rated."""
    return 2 * sums.measured_ms >= sums.rated_ms


@kernel
def contradicts_positions(sums: Any) -> bool:
    """Tell whether the speed is not that of the positions: they contradict each other in most spans, and in sum."""
    return (
        sums.compared_spans >= _LEAST_COMPARED_SPANS
        and max(sums.compared_way_m, sums.compared_driven_m) >= _LEAST_COMPARED_M
        and 2 * sums.contradicted_spans > sums.compared_spans
        and not NEARER * sums.compared_driven_m <= sums.compared_way_m <= FARTHER * sums.compared_driven_m
    )


@kernel
def features_of(sums: Any, speed_contradicted: bool, parameters: KernelParameters, row: Any) -> None:
    """Write the features that the sums give into one row of features.

    Parameters
    ----------
    sums
        A row of either.
    speed_contradicted
        Whether the speed of the trip contradicts its positions: what comes from it is then unknown.
    parameters
        Thresholds.
    row
        A row of `FEATURE_ROW`; NaN where a sensor is missing.
    """
    has_speed = sums.speed_ms > 0 and not speed_contradicted
    distance_km = sums.distance_kmh_ms / _KMH_MS_PER_KM if has_speed else math.nan
    is_unknown = speed_contradicted and not _is_measured(sums)
    rated_ms = 0 if is_unknown or holds_speed(sums) else sums.rated_ms
    lateral_ms = 0 if speed_contradicted else sums.lateral_ms
    brakes_rated = not is_unknown and (rated_ms > 0 or sums.brake_count > 0)
    accelerations_rated = not is_unknown and (rated_ms > 0 or sums.acceleration_count > 0)
    corners_rated = not speed_contradicted and (lateral_ms > 0 or sums.corner_count > 0)
    hard_events = (
        (sums.brake_count if brakes_rated else 0)
        + (sums.acceleration_count if accelerations_rated else 0)
        + (sums.corner_count if corners_rated else 0)
    )
    any_rated = brakes_rated or accelerations_rated or corners_rated

    row.duration_s = sums.duration_ms / 1000.0
    row.distance_km = distance_km
    row.avg_speed = sums.distance_kmh_ms / sums.speed_ms if has_speed else math.nan
    row.speed_volatility = math.sqrt(sums.speed_m2 / sums.speed_ms) if has_speed else math.nan
    row.max_speed_kmh = sums.max_speed_kmh if has_speed else math.nan
    row.hard_event_count = hard_events if any_rated else math.nan
    row.hard_brake_count = sums.brake_count if brakes_rated else math.nan
    row.hard_acceleration_count = sums.acceleration_count if accelerations_rated else math.nan
    row.hard_corner_count = sums.corner_count if corners_rated else math.nan
    row.hard_events_per_100km = (
        hard_events * 100.0 / distance_km
        if any_rated and has_speed and distance_km >= parameters.min_rate_distance_km
        else math.nan
    )
    over_ms = sums.over_moderate_ms + sums.over_serious_ms + sums.over_severe_ms
    limit_ms = sums.limit_ms + (sums.unlimited_ms if sums.reported_speeding_ms > 0 else 0)
    limit_ms = 0 if speed_contradicted else limit_ms
    row.speeding_ratio = _ratio(over_ms, limit_ms)
    row.speeding_ratio_moderate = _ratio(sums.over_moderate_ms, limit_ms)
    row.speeding_ratio_serious = _ratio(sums.over_serious_ms, limit_ms)
    row.speeding_ratio_severe = _ratio(sums.over_severe_ms, limit_ms)
    row.night_ratio = _ratio(sums.night_ms, sums.duration_ms)
    row.idle_ratio = _ratio(sums.idle_ms, sums.speed_ms) if has_speed else math.nan
    row.stop_count = sums.stop_count if has_speed else math.nan
    phone_rated = (sums.phone_reported > 0 or sums.phone_ms > 0) and not speed_contradicted
    row.phone_use_ratio = _ratio(sums.phone_ms, sums.moving_ms) if phone_rated else math.nan
    row.jerk_rms_mps3 = _root_mean_square(sums.jerk_square_ms, sums.jerk_ms if rated_ms > 0 else 0)
    row.peak_deceleration_mps2 = _peak(sums.peak_deceleration_mps2, rated_ms) if not is_unknown else math.nan
    row.peak_acceleration_mps2 = _peak(sums.peak_acceleration_mps2, rated_ms) if not is_unknown else math.nan
    row.peak_lateral_mps2 = _peak(sums.peak_lateral_mps2, lateral_ms) if not speed_contradicted else math.nan
    row.acceleration_rms_mps2 = _root_mean_square(sums.acceleration_square_ms, rated_ms)
    row.lateral_rms_mps2 = _root_mean_square(sums.lateral_square_ms, lateral_ms)
