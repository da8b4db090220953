"""What each feature is, on timelines short enough to calculate by hand."""

import math

import pytest

from tests.reference.random_trips import HOUR_MS, NOON_MS, event
from tests.support.examples.drives import drive, features_of, report

# time, distance and speed -------------------------------------------------------------------------------------------


def test_distance_is_the_mean_speed_of_each_interval_times_its_time() -> None:
    #   km/h   0 ──── 36 ──── 72
    #   s      0      1       2        (18 + 54) km/h · 1 s = 20 m
    features = features_of(drive([0, 36, 72]))
    assert features["duration_s"] == 2
    assert features["distance_km"] == pytest.approx(0.02)
    assert features["avg_speed"] == pytest.approx(36)
    assert features["max_speed_kmh"] == 72
    assert features["speed_volatility"] == pytest.approx(math.sqrt((36**2 * 0.5 + 0 * 1 + 36**2 * 0.5) / 2))


@pytest.mark.parametrize(
    ("times_s", "duration_s"),
    [
        ((0, 1, 2), 2),
        ((0, 1, 11), 11),  # exactly max_gap_s counts
        ((0, 1, 11.001), 1),  # longer counts neither time nor distance
        ((0, 20, 100), 0),
        ((0, 20, 40, 60), 40),  # as long as the one before: a tracker that sends seldom
        ((5,), 0),
        ((5, 5, 6), 1),  # one event twice
    ],
)
def test_a_longer_interval_than_max_gap_counts_neither_time_nor_distance_unless_all_are_long(
    times_s: tuple[float, ...], duration_s: float
) -> None:
    events = [event(NOON_MS + round(time * 1000), speed_kmh=36.0) for time in times_s]
    features = features_of(events)
    assert features["duration_s"] == duration_s
    assert features["distance_km"] == (pytest.approx(duration_s * 0.01) if duration_s else None)


def test_intervals_need_a_speed_at_both_ends_to_count_as_distance() -> None:
    #   km/h   36    ?    36        the interval between the two speeds is 2 s
    features = features_of(drive([36, None, 36], acceleration_mps2=0.0))
    assert features["duration_s"] == 2
    assert features["distance_km"] == pytest.approx(0.02)


def test_without_speed_everything_that_needs_it_is_null() -> None:
    features = features_of(drive([None] * 20, acceleration_mps2=-1.0))
    known = {name for name, found in features.items() if found is not None}
    assert known == {
        "duration_s",
        "night_ratio",
        "hard_event_count",
        "hard_brake_count",
        "hard_acceleration_count",
        "jerk_rms_mps3",
        "peak_deceleration_mps2",
        "peak_acceleration_mps2",
        "acceleration_rms_mps2",
    }


def test_a_trip_of_device_events_only_has_their_counts_and_nothing_else() -> None:
    features = features_of([report(0, "trip_start"), report(5, "hard_brake", peak_mps2=-4.0), report(9, "trip_end")])
    known = {name: found for name, found in features.items() if found is not None}
    assert known == {"duration_s": 0, "hard_event_count": 1, "hard_brake_count": 1, "peak_deceleration_mps2": 4}


def test_a_device_event_without_a_peak_leaves_the_peak_null() -> None:
    assert features_of([report(5, "hard_brake")])["peak_deceleration_mps2"] is None


# idling and stops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speeds", "stops", "idle_s"),
    [
        ([36] * 5 + [0] * 11 + [36] * 5, 1, 10),  # 11 zeros are 10 intervals of standstill
        ([36] * 5 + [0] * 10 + [36] * 5, 0, 9),
        ([36] * 5 + [2.9] * 11 + [36] * 5, 1, 10),  # creeping
        ([36] * 5 + [3] * 11 + [36] * 5, 0, 0),
        ([0] * 11 + [36] * 3 + [0] * 11, 2, 20),
        ([0] * 31, 1, 30),  # one long standstill is one stop
    ],
)
def test_a_standstill_of_ten_seconds_is_one_stop(speeds: list[float | None], stops: int, idle_s: int) -> None:
    features = features_of(drive(speeds))
    assert features["stop_count"] == stops
    assert features["idle_ratio"] == pytest.approx(idle_s / (len(speeds) - 1))


def test_a_gap_ends_a_standstill() -> None:
    #   s   0 … 6      20 … 26      two standstills of 6 s
    events = drive([0] * 7) + drive([0] * 7, start_ms=NOON_MS + 20_000)
    assert features_of(events)["stop_count"] == 0


# rates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("samples", "per_100km"), [(100, None), (101, 100.0)])
def test_there_is_no_rate_below_one_kilometre(samples: int, per_100km: float | None) -> None:
    #   36 km/h: 10 m a second, so that 101 samples are exactly 1 km
    events = drive([36] * samples)
    assert features_of([*events, report(10, "hard_brake")])["hard_events_per_100km"] == (
        per_100km if per_100km is None else pytest.approx(per_100km)
    )


# speeding ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed_kmh", "tiers"),
    [
        (50, (0, 0, 0)),
        (55, (0, 0, 0)),  # 5 km/h above is not yet speeding
        (56, (1, 0, 0)),
        (65, (1, 0, 0)),
        (66, (0, 1, 0)),
        (80, (0, 1, 0)),
        (81, (0, 0, 1)),
    ],
)
def test_speeding_has_three_tiers(speed_kmh: float, tiers: tuple[int, int, int]) -> None:
    features = features_of(drive([speed_kmh] * 5, speed_limit_kmh=50.0))
    assert features["speeding_ratio"] == sum(tiers)
    assert tuple(features[f"speeding_ratio_{tier}"] for tier in ("moderate", "serious", "severe")) == tiers


def test_speeding_is_a_share_of_the_time_with_a_known_limit() -> None:
    #   limit    ?   ?   ?   50   50        the later end's limit counts: 2 s are known, 1 s of them too fast
    events = drive([60, 60, 60, 60, 40], speed_limit_kmh=[None, None, None, 50, 50])
    assert features_of(events)["speeding_ratio"] == pytest.approx(0.5)


def test_without_any_limit_speeding_is_null() -> None:
    assert features_of(drive([150] * 5))["speeding_ratio"] is None


def test_speeding_that_the_device_reports_counts_as_moderate_where_no_limit_is_known() -> None:
    features = features_of([*drive([90] * 11), report(2, "speeding", duration_s=3)])
    assert (features["speeding_ratio"], features["speeding_ratio_moderate"]) == (0.3, 0.3)


# night ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("utc_hour", "offset_min", "night"),
    [
        (22, 0, 0),
        (23, 0, 1),
        (4, 0, 1),
        (5, 0, 0),
        (22, 60, 1),  # 23:00 in Berlin
        (23, -300, 0),  # 18:00 in New York
        (3, 330, 0),  # 8:30 in Delhi
        (23, None, 1),  # unknown: UTC
    ],
)
def test_night_is_23_to_5_local_time(utc_hour: int, offset_min: int | None, night: int) -> None:
    start_ms = NOON_MS + (utc_hour - 12) * HOUR_MS
    assert features_of(drive([50] * 5, start_ms=start_ms, utc_offset_min=offset_min))["night_ratio"] == night


def test_night_begins_on_the_minute() -> None:
    #   22:59:58 … 23:00:02: the intervals that end at 23:00:00, 01 and 02 are night
    features = features_of(drive([50] * 5, start_ms=NOON_MS + 11 * HOUR_MS - 2000))
    assert features["night_ratio"] == pytest.approx(3 / 4)


# phone use ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans_s", "share"),
    [
        ([(2, 3)], 0.3),
        ([(2, 3), (3, 3)], 0.4),  # overlapping reports are one: 2 to 6
        ([(2, 3), (5, 1)], 0.4),  # touching
        ([(2.1, 0.2), (2.5, 0.2)], 0.04),  # two between two samples
        ([(8, 60)], 0.2),  # longer than the trip
        ([(0, 0)], 0.0),
        ([], None),
    ],
)
def test_phone_use_is_the_share_of_moving_time_covered_by_reports(
    spans_s: list[tuple[float, float]], share: float | None
) -> None:
    reports = [report(at_s, "phone_use", duration_s=duration_s) for at_s, duration_s in spans_s]
    found = features_of([*drive([50] * 11), *reports])["phone_use_ratio"]
    assert found == (share if share is None else pytest.approx(share))


def test_phone_use_at_a_standstill_does_not_count() -> None:
    events = [*drive([50] * 6 + [0] * 5), report(6, "phone_use", duration_s=4)]
    assert features_of(events)["phone_use_ratio"] == 0


# jerk and root mean squares -----------------------------------------------------------------------------------------


def test_jerk_is_the_change_of_acceleration_per_second() -> None:
    #   m/s²   ?  1  3  3        changes of 2 and 0 over a second each
    features = features_of(drive([None] * 4, acceleration_mps2=[0.0, 1.0, 3.0, 3.0]))
    assert features["jerk_rms_mps3"] == pytest.approx(math.sqrt((4 + 0) / 2))
    assert features["acceleration_rms_mps2"] == pytest.approx(math.sqrt((1 + 9 + 9) / 3))


def test_peaks_are_of_averages_not_of_single_values() -> None:
    features = features_of(drive([None] * 11, period_ms=100, acceleration_mps2=[0.0] * 6 + [-5.0] + [0.0] * 4))
    assert features["peak_deceleration_mps2"] == pytest.approx(1.0)
    assert features["peak_acceleration_mps2"] == 0


# duplicates ---------------------------------------------------------------------------------------------------------


def test_of_two_reports_of_one_moment_the_larger_measurements_are_kept() -> None:
    events = drive([50, 50, 50])
    again = event(NOON_MS + 1000, speed_kmh=56.0, acceleration_mps2=1.0)
    expected = features_of([events[0], again, events[2]])
    assert features_of([*events, again]) == expected
    assert features_of([again, *events]) == expected


def test_an_event_id_counts_once() -> None:
    events = drive([50] * 11)
    twice = [report(at_s, "hard_brake", event_id="brake-1") for at_s in (2, 7)]
    assert features_of([*events, *twice])["hard_brake_count"] == 1
