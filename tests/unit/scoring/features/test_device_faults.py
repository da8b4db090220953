"""What devices really send, and the features that it gives: held values, spikes, wrong clocks, sparse trackers."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from scoring.features.batch import trip_features
from tests.reference.random_trips import NOON_MS, Event, event, frame_of
from tests.reference.streaming import EmittedRow, Partition

HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
ROUND_S = 90
SAMPLES = 7 * ROUND_S


def round_kmh(second: float) -> float:
    """Give the speed of a smooth round: from 0 to 54 km/h within 15 s, steady, and back to 0 at 1 m/s²."""
    at_s = second % ROUND_S
    return 3.6 * max(0.0, min(at_s, 15.0, 80.0 - at_s))


def samples(speed_kmh: Callable[[int], float], *, period_s: float = 1.0, count: int = SAMPLES) -> list[Event]:
    return [
        event(NOON_MS + round(number * period_s * 1000), speed_kmh=round(speed_kmh(number), 2))
        for number in range(count)
    ]


def features_of(events: Sequence[Event]) -> dict[str, Any]:
    row = trip_features(frame_of(list(events))).row(0, named=True)
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def streamed(events: Sequence[Event], **settings: Any) -> EmittedRow:
    """Give the last row of a trip whose events arrive one by one."""
    partition = Partition(**settings)
    for one in events:
        partition.send([one])
    partition.close()
    return partition.of_trip("trip_1", "trip")[-1]


SMOOTH = features_of(samples(round_kmh))


def test_the_round_is_smooth() -> None:
    assert (SMOOTH["hard_event_count"], SMOOTH["duration_s"]) == (0, SAMPLES - 1)


@pytest.mark.parametrize("refresh_s", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("late_s", [0, 1])
def test_a_speed_that_is_refreshed_more_slowly_than_it_is_logged_makes_no_hard_events(
    refresh_s: int, late_s: int
) -> None:
    held = features_of(samples(lambda number: round_kmh((number + late_s) // refresh_s * refresh_s)))
    assert held["hard_brake_count"] in (0, None)
    assert held["hard_acceleration_count"] in (0, None)
    assert held["distance_km"] == pytest.approx(SMOOTH["distance_km"], rel=0.05)
    if refresh_s > 3:  # longer than a difference may be
        assert held["hard_event_count"] is None
        assert held["acceleration_rms_mps2"] is None
        assert held["jerk_rms_mps3"] is None
    else:
        assert held["peak_deceleration_mps2"] < 1.5


def test_a_speed_refreshed_each_second_and_logged_ten_times_makes_no_hard_events() -> None:
    held = features_of(samples(lambda number: round_kmh(number // 10), period_s=0.1, count=10 * SAMPLES))
    assert held["hard_event_count"] == 0
    assert held["peak_deceleration_mps2"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("frozen_kmh", "later_kmh"), [(0.0, 54.0), (20.0, 54.0), (54.0, 20.0), (54.0, 0.0)])
def test_a_speed_that_was_frozen_and_then_steps_makes_no_hard_event(frozen_kmh: float, later_kmh: float) -> None:
    jump = features_of(samples(lambda number: frozen_kmh if number < 340 else later_kmh + 0.1 * (number % 7)))
    assert jump["hard_event_count"] == 0


def test_a_hard_brake_after_a_steady_speed_counts() -> None:
    brake = features_of(samples(lambda number: float(max(0, 54 - max(0, number - 60) * 14)), count=90))
    assert brake["hard_brake_count"] == 1
    assert brake["peak_deceleration_mps2"] == pytest.approx(14 / 3.6, abs=0.01)


def test_a_speed_that_came_twice_is_no_held_one_where_most_come_once() -> None:
    speeds = [0.0, 8.0, 16.0, 24.0, 32.0, 40.0, 50.0, 50.0, 36.0, 36.0]
    assert features_of(samples(lambda number: speeds[number], count=len(speeds)))["hard_brake_count"] == 1


def test_a_vehicle_that_pulls_away_after_standing_is_rated_from_its_first_second() -> None:
    launch = features_of(samples(lambda number: 7.2 * max(0, number - 59), count=61))
    assert launch["peak_acceleration_mps2"] == pytest.approx(2.0)


@pytest.mark.parametrize("spike_kmh", [45.0, 20.0, -40.0, 190.0])
def test_the_speed_of_one_sample_that_no_vehicle_can_have_had_is_left_out(spike_kmh: float) -> None:
    spiked = samples(lambda number: round_kmh(number) + (spike_kmh if number % ROUND_S == 40 else 0))
    found = features_of(spiked)
    assert found["hard_event_count"] == 0
    assert found["max_speed_kmh"] == SMOOTH["max_speed_kmh"]
    assert found["distance_km"] == pytest.approx(SMOOTH["distance_km"])


def test_an_emergency_stop_is_no_spike() -> None:
    stop = features_of(samples(lambda number: max(0.0, 54.0 + number % 3 - 32.0 * max(0, number - 60)), count=90))
    assert stop["hard_brake_count"] == 1
    assert stop["peak_deceleration_mps2"] > 8


@pytest.mark.parametrize("period_s", [15, 30, 60])
def test_a_tracker_that_sends_seldom_gives_distance_and_speeding_but_no_hard_events(period_s: int) -> None:
    sparse = [one | {"speed_limit_kmh": 50.0} for one in samples(lambda _: 60.0, period_s=period_s, count=100)]
    found = features_of(sparse)
    assert found["distance_km"] == pytest.approx(98 * period_s / 60)  # the first interval is like no other
    assert found["speeding_ratio_moderate"] == 1
    assert found["hard_event_count"] is None


def test_intervals_that_vary_about_ten_seconds_all_count() -> None:
    events = [event(NOON_MS + 10_000 * number + 900 * (number % 3), speed_kmh=60.0) for number in range(100)]
    assert features_of(events)["duration_s"] == pytest.approx(990, abs=15)


def test_a_gap_of_a_dense_logger_is_no_driving() -> None:
    events = [one for one in samples(round_kmh) if not 200_000 <= one["timestamp_ms"] - NOON_MS < 240_000]
    assert features_of(events)["duration_s"] == SAMPLES - 1 - 41


def test_a_heading_of_exactly_0_is_unknown() -> None:
    steady = samples(lambda _: 54.0, count=60)
    turned = [one | {"heading_deg": 0.0 if number % 10 == 5 else 120.0} for number, one in enumerate(steady)]
    assert features_of(turned)["hard_corner_count"] == 0


@pytest.mark.parametrize("first", [-4.0, 2.5])
def test_of_two_samples_of_one_time_the_stronger_acceleration_counts(first: float) -> None:
    second = {-4.0: 2.5, 2.5: -4.0}[first]
    pairs = [
        event(NOON_MS + 1000 * number, acceleration_mps2=value) for number in range(9) for value in (first, second)
    ]
    assert features_of(pairs)["peak_deceleration_mps2"] == 4


# sensors that contradict the speed ----------------------------------------------------------------------------------


def with_sensor(
    along: Callable[[float], float] = lambda true: true, across: Callable[[float], float] = lambda true: true
) -> list[Event]:
    """Give the smooth round with sensors that show what they make of the true accelerations, with some noise."""
    draw = random.Random(5)
    events = samples(round_kmh)
    for number, one in enumerate(events):
        true = (round_kmh(number) - round_kmh(number - 1)) / 3.6 if number > 0 else 0.0
        one["acceleration_mps2"] = round(along(true) + draw.gauss(0, 0.2), 2)
        one["lateral_acceleration_mps2"] = round(across(0.0) + draw.gauss(0, 0.2), 2)
    return events


GRAVITY = 9.81
CONTRADICTING: dict[str, Callable[[float], float]] = {
    "gravity on the axis": lambda true: true - GRAVITY,
    "gravity, and the other way": lambda true: GRAVITY - true,
    "a mount that is tilted by 20 degrees": lambda true: true + 3.4,
    "in g, taken for m/s²": lambda true: true / GRAVITY,
    "mounted backwards": lambda true: -true,
}


@pytest.mark.parametrize("along", CONTRADICTING.values(), ids=CONTRADICTING.keys())
def test_a_sensor_that_contradicts_the_speed_is_not_believed(along: Callable[[float], float]) -> None:
    partition = Partition()
    for one in with_sensor(along):
        partition.send([one])
    partition.close()
    row = partition.of_trip("trip_1", "trip")[-1]
    assert (row["hard_brake_count"], row["hard_acceleration_count"]) == (0, 0)
    assert row["acceleration_rms_mps2"] == pytest.approx(SMOOTH["acceleration_rms_mps2"], rel=0.1)
    assert partition.severe == []
    assert partition.states.fault_counts["sensor_contradicted"] == 1


def test_a_sensor_that_shows_ten_times_too_much_makes_no_hard_events() -> None:
    row = features_of(with_sensor(lambda true: 10 * true))
    assert (row["hard_brake_count"], row["hard_acceleration_count"]) == (0, 0)


def test_gravity_on_the_axis_across_makes_no_corners_and_no_alerts() -> None:
    partition = Partition()
    for one in with_sensor(across=lambda _: GRAVITY):
        partition.send([one])
    partition.close()
    row = partition.of_trip("trip_1", "trip")[-1]
    assert row["hard_corner_count"] == 0
    assert partition.severe == []
    assert partition.states.fault_counts["sensor_contradicted"] == 1


@pytest.mark.parametrize("tilt_mps2", [0.8, -1.6])
def test_the_offset_of_a_tilted_sensor_is_subtracted(tilt_mps2: float) -> None:
    row = features_of(with_sensor(lambda true: true + tilt_mps2, lambda true: true + tilt_mps2))
    assert (row["hard_event_count"], row["hard_corner_count"]) == (0, 0)
    uncorrected = math.hypot(SMOOTH["acceleration_rms_mps2"], tilt_mps2)
    assert SMOOTH["acceleration_rms_mps2"] < row["acceleration_rms_mps2"] < 0.75 * uncorrected, (
        "but for the first minute"
    )
    partition = Partition()
    partition.send(with_sensor(lambda true: true + tilt_mps2))
    partition.close()
    assert partition.states.fault_counts["sensor_offset"] == 1
    assert partition.states.fault_counts["sensor_contradicted"] == 0


def test_a_brake_that_a_tilted_sensor_measures_counts_as_if_it_were_level() -> None:
    events = with_sensor(lambda true: true + 1.5)
    for number in (300, 301):  # 4.5 m/s², of which the sensor shows 3.0
        events[number]["acceleration_mps2"] = -3.0
    row = features_of(events)
    assert row["hard_brake_count"] == 1
    assert row["peak_deceleration_mps2"] == pytest.approx(4.5, abs=0.1)


def test_a_calibrated_sensor_is_believed_where_the_speed_lags() -> None:
    def late_kmh(number: int) -> float:
        return round_kmh(max(0, number - 2))

    events = with_sensor()
    for number, one in enumerate(events):
        one["speed_kmh"] = round(late_kmh(number), 2)
    for number in (300, 301):
        events[number]["acceleration_mps2"] = -6.0
    row = features_of(events)
    assert row["hard_brake_count"] == 1
    assert row["peak_deceleration_mps2"] == 6


def test_without_a_speed_a_sensor_is_believed() -> None:
    events = [one | {"speed_kmh": None} for one in with_sensor(lambda true: true - 4)]
    assert features_of(events)["hard_brake_count"] == 1


# wrong clocks -------------------------------------------------------------------------------------------------------

AHEAD_MS = (30_000, 600_000, 2 * HOUR_MS, 24 * HOUR_MS, 520 * WEEK_MS)


@pytest.mark.parametrize("ahead_ms", AHEAD_MS)
@pytest.mark.parametrize("place", [0, 1, 200, SAMPLES - 2, SAMPLES - 1])
@pytest.mark.parametrize("times", [1, 3])
def test_one_event_with_a_clock_that_is_ahead_makes_no_other_late(ahead_ms: int, place: int, times: int) -> None:
    events = samples(round_kmh)
    wrong = events[place] | {"timestamp_ms": events[place]["timestamp_ms"] + ahead_ms}
    row = streamed([*events[:place], *[wrong] * times, *events[place + 1 :]])
    assert row["distance_km"] == pytest.approx(SMOOTH["distance_km"], rel=0.005)
    assert row["hard_event_count"] == 0
    if ahead_ms > SAMPLES * 1000 + 300_000:
        assert row.window_end_ms <= events[-1]["timestamp_ms"]
        assert row.late_event_count == 1


def test_a_gap_that_a_second_event_confirms_is_no_wrong_clock() -> None:
    events = samples(round_kmh)
    moved = [
        one | {"timestamp_ms": one["timestamp_ms"] + (HOUR_MS if number >= 300 else 0)}
        for number, one in enumerate(events)
    ]
    row = streamed(moved, idle_gap_s=100_000)
    assert (row.event_count, row.late_event_count) == (SAMPLES, 0)
    assert row.window_end_ms == moved[-1]["timestamp_ms"]


@pytest.mark.parametrize("behind_ms", [2 * HOUR_MS, 520 * WEEK_MS])
def test_a_first_event_with_a_clock_that_is_behind_is_left_out(behind_ms: int) -> None:
    events = samples(round_kmh)
    events[0] |= {"timestamp_ms": events[0]["timestamp_ms"] - behind_ms}
    row = streamed(events)
    assert row.window_start_ms == events[2]["timestamp_ms"] or row.window_start_ms == events[1]["timestamp_ms"]
    assert row["distance_km"] == pytest.approx(SMOOTH["distance_km"], rel=0.005)
    assert row.late_event_count == 1


def test_times_that_are_1024_weeks_behind_those_of_other_trips_are_put_right() -> None:
    others = [one | {"trip_id": "trip_2", "vehicle_id": "veh_2"} for one in samples(round_kmh)]
    rolled = [one | {"timestamp_ms": one["timestamp_ms"] - 1024 * WEEK_MS} for one in samples(round_kmh)]
    partition = Partition()
    for pair in zip(others, rolled, strict=True):
        partition.send(list(pair))
    partition.close()
    row = partition.of_trip("trip_1", "trip")[-1]
    assert (row.window_start_ms, row.event_count) == (NOON_MS, SAMPLES)
    assert partition.states.fault_counts["rollover"] == SAMPLES
