"""What counts at a limit, and just beyond it: a value that equals a threshold is on the side that is documented."""

from typing import Any

import numpy as np
import pytest

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.events import SAMPLE
from scoring.features.aggregation.aggregates import WINDOW_AGGREGATES
from scoring.features.aggregation.exposure import add_driven_interval
from scoring.features.aggregation.kinematics import add_accelerations, collect, rate_tick
from scoring.features.aggregation.sensor_check import SENSOR_CHECK, Sensor
from scoring.features.parameters import kernel_parameters
from scoring.features.state.arrays import CURSOR

PROFILE = ThresholdProfile()
PARAMETERS = kernel_parameters(PROFILE, WindowSettings())
CHECKS = np.zeros(len(Sensor), SENSOR_CHECK)
FAULT_MPS2 = PROFILE.fault_mps2
TICK_MS = 1_000_000


def row_of(dtype: np.dtype[np.void], **values: float) -> Any:
    rows = np.zeros(1, dtype)
    for name, value in values.items():
        rows[name] = value
    return rows[0]


def sample_of(**values: float) -> Any:
    unknown = dict.fromkeys(name for name in SAMPLE.names or () if SAMPLE[name] == np.float32)
    return row_of(SAMPLE, **{**dict.fromkeys(unknown, np.nan), "timestamp_ms": TICK_MS, **values})


def cursor_of(**values: float) -> Any:
    """Return where a trip has got to whose last tick was a second before the sample."""
    tick = {"tick_0_ms": TICK_MS - 1000, "tick_0_kmh": 36.0, "tick_0_deg": 90.0}
    return row_of(CURSOR, **{**tick, **values})


@pytest.mark.parametrize("name", ["acceleration", "lateral"])
@pytest.mark.parametrize(("beyond_mps2", "values"), [(0.0, 1), (0.01, 0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_acceleration_beyond_the_fault_limit_counts_as_missing(
    name: str, beyond_mps2: float, values: int, sign: int
) -> None:
    cursor = cursor_of()
    field = "acceleration_mps2" if name == "acceleration" else "lateral_acceleration_mps2"
    collect(cursor, sample_of(**{field: sign * (FAULT_MPS2 + beyond_mps2)}), PARAMETERS)
    assert cursor[f"{name}_values"] == values


@pytest.mark.parametrize(("early_ms", "ends"), [(0, True), (1, False)])
def test_a_tick_ends_after_exactly_the_averaging_time(early_ms: int, ends: bool) -> None:
    cursor = cursor_of(tick_0_ms=TICK_MS - PARAMETERS.averaging_ms + early_ms)
    assert collect(cursor, sample_of(), PARAMETERS) == ends


@pytest.mark.parametrize(("below_kmh", "rated"), [(0.0, True), (0.5, False)])
def test_corners_are_rated_at_exactly_the_minimum_speed(below_kmh: float, rated: bool) -> None:
    speed_kmh = PROFILE.corner_min_speed_kmh - below_kmh
    _, lateral = rate_tick(
        cursor_of(tick_0_kmh=speed_kmh), CHECKS, sample_of(heading_deg=100.0), speed_kmh, 0, 3.0, PARAMETERS
    )
    assert np.isnan(lateral) != rated


@pytest.mark.parametrize(
    ("elapsed_ms", "rated"),
    [
        pytest.param(PARAMETERS.min_difference_ms, True, id="the minimum"),
        pytest.param(PARAMETERS.min_difference_ms - 1, False, id="less"),
        pytest.param(PARAMETERS.max_difference_ms, True, id="the maximum"),
        pytest.param(PARAMETERS.max_difference_ms + 1, False, id="more"),
    ],
)
def test_speeds_are_differenced_between_ticks_of_a_minimum_and_maximum_distance(elapsed_ms: int, rated: bool) -> None:
    cursor = cursor_of(tick_0_ms=TICK_MS - elapsed_ms, tick_1_ms=-TICK_MS, tick_2_ms=-TICK_MS)
    acceleration, _ = rate_tick(cursor, CHECKS, sample_of(), 50.0, 0, 3.0, PARAMETERS)
    assert np.isnan(acceleration) != rated


@pytest.mark.parametrize(("later_ms", "counts"), [(0, True), (1, False)])
def test_jerk_is_rated_against_a_tick_that_is_exactly_the_maximum_distance_away(later_ms: int, counts: bool) -> None:
    elapsed_ms = PARAMETERS.max_difference_ms + later_ms
    cursor = cursor_of(acceleration_rated=1, acceleration_ms=TICK_MS - elapsed_ms, acceleration_mps2=1.0)
    sums = row_of(WINDOW_AGGREGATES)
    add_accelerations(cursor, sums, 2.0, np.nan, TICK_MS, 1000, PARAMETERS)
    assert sums["jerk_ms"] == (elapsed_ms if counts else 0)


@pytest.mark.parametrize(("above_kmh", "moves"), [(0.0, False), (0.5, True)])
def test_a_vehicle_at_exactly_the_moving_limit_does_not_move(above_kmh: float, moves: bool) -> None:
    speed_kmh = PROFILE.moving_kmh + above_kmh
    sums = row_of(WINDOW_AGGREGATES)
    add_driven_interval(cursor_of(speed_kmh=speed_kmh), sums, sample_of(), speed_kmh, 1000, PARAMETERS)
    assert sums["moving_ms"] == (1000 if moves else 0)
