"""Which events are hard, on timelines short enough to calculate by hand."""

import pytest

from schemas.thresholds import HardEventThresholds, ThresholdProfile
from tests.reference.random_trips import NOON_MS, event
from tests.support.examples.drives import drive, features_of, report


@pytest.mark.parametrize(
    ("accelerations", "brakes"),
    [
        # each value stands for the second that ends with it
        ([0, 0, 0], 0),
        ([-3.0], 1),  # at the threshold
        ([-2.99], 0),
        ([-3.5, -3.5, -3.5], 1),  # one long event
        ([-3.5, -2.5, -3.5], 1),  # 2.5 is above 80 % of 3.0: it goes on
        ([-3.5, -2.0, -3.5], 1),  # it ended, but the next comes within 2 s
        ([-3.5, -2.0, -2.0, -3.5], 2),  # 2 s later
        ([-3.5, None, -3.5, -3.5], 2),  # nothing is known for a second: it ended, the next begins 2 s later
        ([-2.5, -2.5], 0),  # 2.5 would keep one going, but begins none
        ([-16.0], 0),  # a fault of the sensor
        ([3.5], 0),  # that is an acceleration
    ],
)
def test_hard_brakes_by_sensor(accelerations: list[float | None], brakes: int) -> None:
    columns = [0.0, *accelerations, 0.0]
    events = drive([None] * len(columns), acceleration_mps2=columns, lateral_acceleration_mps2=0.0)
    assert features_of(events)["hard_brake_count"] == brakes


@pytest.mark.parametrize(
    ("speeds", "brakes", "accelerations"),
    [
        ([51, 50, 39, 39], 1, 0),  # 11 km/h in a second are 3.06 m/s²
        ([51, 50, 40, 40], 0, 0),  # 10 km/h are 2.78
        ([50, 50, 39, 39], 0, 0),  # as far as is known, they are lost in two seconds
        ([0, 11, 22, 33, 33], 0, 1),
        ([0, 11, 22, 22, 22, 22, 33, 44, 44], 0, 2),
        ([100, 40, 40], 0, 0),  # 16.7 m/s² is a fault
    ],
)
def test_without_sensor_speeds_a_second_apart_are_compared(
    speeds: list[float | None], brakes: int, accelerations: int
) -> None:
    features = features_of(drive(speeds))
    assert features["hard_brake_count"] == brakes
    assert features["hard_acceleration_count"] == accelerations
    assert features["hard_corner_count"] is None
    assert features["hard_event_count"] == brakes + accelerations


@pytest.mark.parametrize(("period_ms", "rated"), [(1000, True), (3000, True), (3001, False), (5000, False)])
def test_speeds_more_than_three_seconds_apart_are_not_compared(period_ms: int, rated: bool) -> None:
    features = features_of(drive([50, 40, 30], period_ms=period_ms))
    assert (features["acceleration_rms_mps2"] is not None) is rated
    assert (features["hard_brake_count"] is not None) is rated


@pytest.mark.parametrize(
    ("lasting", "brakes"),
    [(1, 0), (2, 1)],  # seconds, where 1.5 are needed
)
def test_an_event_counts_once_it_has_lasted_the_minimum(lasting: int, brakes: int) -> None:
    columns = [0.0, *[-3.5] * lasting, 0.0, 0.0]
    events = drive([None] * len(columns), acceleration_mps2=columns)
    assert features_of(events, ThresholdProfile(min_event_s=1.5))["hard_brake_count"] == brakes


def test_accelerations_are_averaged_over_half_a_second() -> None:
    #   10 Hz, one spike of -12 m/s² in five values: -2.4 on average
    spike = [0.0] * 11 + [-12.0] + [0.0] * 10
    shorter = [0.0] * 11 + [-4.0] * 5 + [0.0] * 10
    assert features_of(drive([None] * len(spike), period_ms=100, acceleration_mps2=spike))["hard_brake_count"] == 0
    assert features_of(drive([None] * len(shorter), period_ms=100, acceleration_mps2=shorter))["hard_brake_count"] == 1


@pytest.mark.parametrize(
    ("vehicle_class", "brakes"), [("car", 0), ("van", 0), ("truck", 1), ("bus", 1), ("motorcycle", 0)]
)
def test_thresholds_depend_on_the_vehicle_class(vehicle_class: str, brakes: int) -> None:
    events = drive([None] * 4, acceleration_mps2=[0.0, -2.6, 0.0, 0.0], vehicle_class=vehicle_class)
    assert features_of(events)["hard_brake_count"] == brakes


def test_a_class_that_the_profile_leaves_out_has_the_car_thresholds() -> None:
    profile = ThresholdProfile(hard_events={"car": HardEventThresholds(brake_mps2=1.0)})
    events = drive([None] * 3, acceleration_mps2=[0.0, -2.9, 0.0], vehicle_class="bus")
    assert features_of(events, profile)["hard_brake_count"] == 0


@pytest.mark.parametrize(
    ("speed_kmh", "headings", "corners"),
    [
        (36, [90, 90, 111, 111], 1),  # 10 m/s · 21°/s = 3.67 m/s²
        (36, [90, 90, 109, 109], 0),  # 3.32
        (36, [90, 0, 90, 90], 0),  # exactly 0 is unknown
        (36, [350, 350, 11, 11], 1),  # across north
        (36, [11, 11, 350, 350], 1),  # to the left
        (14, [0, 0, 90, 90], None),  # too slow for headings to mean anything
        (36, [None, None, None, None], None),
    ],
)
def test_corners_come_from_headings_where_there_is_no_lateral_sensor(
    speed_kmh: float, headings: list[float | None], corners: int | None
) -> None:
    assert features_of(drive([speed_kmh] * 4, heading_deg=headings))["hard_corner_count"] == corners


def test_a_lateral_sensor_is_believed_rather_than_headings() -> None:
    events = drive([36] * 4, heading_deg=[0, 90, 180, 270], lateral_acceleration_mps2=[0.0, 0.0, -3.6, 0.0])
    features = features_of(events)
    assert features["hard_corner_count"] == 1
    assert features["peak_lateral_mps2"] == pytest.approx(3.6)


def test_a_gap_ends_an_event() -> None:
    #   brake ── 20 s of nothing ── brake: two, though the sensor never showed an end
    events = drive([None] * 3, acceleration_mps2=-4.0)
    events += drive([None] * 3, acceleration_mps2=-4.0, start_ms=NOON_MS + 22_000)
    assert features_of(events)["hard_brake_count"] == 2


# events that a device detected ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_s", "duration_s", "brakes"),
    [
        # ours is from 4 to 6
        (5, 1, 1),  # within ours
        (6.5, 0, 1),  # less than 2 s after ours
        (3.5, 1, 1),  # begins before ours, and overlaps
        (2.5, 1, 1),  # ended half a second before ours began
        (9, 1, 2),  # 3 s after ours
        (1, 0.5, 2),  # long before
    ],
)
def test_a_detected_event_is_merged_with_ours_where_they_meet(at_s: float, duration_s: float, brakes: int) -> None:
    columns = [0.0] * 5 + [-4.0] * 2 + [0.0] * 5
    events = drive([None] * 12, acceleration_mps2=columns)
    features = features_of([*events, report(at_s, "hard_brake", duration_s=duration_s, peak_mps2=-5.0)])
    assert features["hard_brake_count"] == brakes
    assert features["peak_deceleration_mps2"] == 5


def test_a_detected_event_is_not_merged_with_one_before_a_gap() -> None:
    #   braking when the signal is lost, a detected brake ten minutes later, and a sample that confirms its time
    events = [*drive([None] * 3, acceleration_mps2=-4.0), report(600, "hard_brake")]
    assert features_of([*events, event(NOON_MS + 601_000, speed_kmh=20.0)])["hard_brake_count"] == 2


def test_detected_events_of_other_kinds_are_not_merged() -> None:
    events = drive([None] * 3, acceleration_mps2=[0.0, -4.0, 0.0])
    features = features_of([*events, report(1, "hard_corner")])
    assert (features["hard_brake_count"], features["hard_corner_count"], features["hard_event_count"]) == (1, 1, 2)
