"""Positions compared with speeds: wrong units, frozen speeds and jumps are noticed; right data stays what it is."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from schemas.features import FEATURE_NAMES
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.events.columns import EventColumns
from scoring.features.emission import RowKind
from scoring.features.parameters import kernel_parameters
from scoring.features.state.arrays import MERGED
from scoring.features.state.device_faults import DeviceFault
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update
from tests.reference.positions import DEGREE_M, FROM_SPEED, FROM_SPEED_OR_SENSOR
from tests.reference.random_trips import NOON_MS, Event, disorder, event, frame_of
from tests.reference.streaming import EmittedRow, Partition

HOME = 48.1, 11.6
PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())


def in_town(second: float) -> float:
    """Give the speed of rounds from 0 to 54 km/h and back, with a stop of 10 s."""
    at_s = second % 90
    return 3.6 * max(0.0, min(at_s, 15.0, 80.0 - at_s))


def steady(_: float) -> float:
    return 60.0


def north(_: float) -> float:
    return 0.0


def pass_road(way_m: float) -> float:
    """Give the heading of a road over a mountain: 60 degrees to either side, each 250 m."""
    return 60.0 * math.sin(2 * math.pi * way_m / 250)


def drive(
    true_kmh: Callable[[float], float] = in_town,
    *,
    shown: Callable[[float], float] = lambda true: true,
    count: int = 450,
    period_s: float = 1.0,
    position_every: int = 1,
    heading_deg: Callable[[float], float] = north,
    error_m: float = 3.0,
    start: tuple[float, float] = HOME,
) -> list[Event]:
    """Give the samples of a trip, with the positions of a receiver that errs."""
    draw = random.Random(7)
    latitude, longitude = start
    way_m = 0.0
    events = []
    steps = round(period_s * 10)
    for number in range(count):
        sample = event(
            NOON_MS + round(number * period_s * 1000), speed_kmh=round(shown(true_kmh(number * period_s)), 1)
        )
        if number % position_every == 0:
            sample["latitude"] = latitude + draw.gauss(0, error_m) / DEGREE_M
            sample["longitude"] = (longitude + draw.gauss(0, error_m) / DEGREE_M + 180) % 360 - 180
        events.append(sample)
        for step in range(steps):
            step_m = true_kmh(number * period_s + (step + 0.5) / 10) / 3.6 / 10
            way_m += step_m
            heading = math.radians(heading_deg(way_m))
            latitude += step_m * math.cos(heading) / DEGREE_M
            longitude += step_m * math.sin(heading) / DEGREE_M / math.cos(math.radians(latitude))
    return events


def without_positions(events: Sequence[Event]) -> list[Event]:
    return [one | {"latitude": None, "longitude": None} for one in events]


def scored(events: Sequence[Event]) -> tuple[EmittedRow, dict[DeviceFault, int]]:
    """Give the final row of a trip, and the faults that were counted."""
    partition = Partition()
    partition.send(list(events))
    partition.close()
    return partition.of_trip("trip_1", "trip")[-1], partition.states.fault_counts


def is_contradicted(events: Sequence[Event]) -> bool:
    row, faults = scored(events)
    assert faults["speed_contradicted"] == (row["distance_km"] is None)
    return row["distance_km"] is None


WRONG = {
    "mph taken for km/h": lambda true: true / 1.609344,
    "knots taken for km/h": lambda true: true / 1.852,
    "m/s taken for km/h": lambda true: true / 3.6,
    "km/h taken for mph": lambda true: true * 1.609344,
    "frozen at 0": lambda _: 0.0,
    "frozen at 20": lambda _: 20.0,
}


@pytest.mark.parametrize("shown", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("position_every", [1, 5, 10])
def test_from_a_speed_that_contradicts_the_positions_nothing_is_rated(
    shown: Callable[[float], float], position_every: int
) -> None:
    row, faults = scored(drive(steady, shown=shown, position_every=position_every))
    assert [name for name in (*FROM_SPEED, *FROM_SPEED_OR_SENSOR) if row[name] is not None] == []
    assert row["hard_event_count"] is None
    assert (row["duration_s"], row["night_ratio"]) == (449, 0), "time does not come from the speed"
    assert faults["speed_contradicted"] == 1
    assert faults["position_jump"] == 0


@pytest.mark.parametrize("unit", ["mph taken for km/h", "knots taken for km/h", "m/s taken for km/h", "frozen at 0"])
def test_a_wrong_speed_is_noticed_in_town(unit: str) -> None:
    assert is_contradicted(drive(shown=WRONG[unit]))


def test_a_speed_that_is_frozen_while_the_vehicle_stands_is_noticed() -> None:
    assert is_contradicted(drive(lambda _: 0.0, shown=lambda _: 54.0))


@pytest.mark.parametrize("period_s", [15, 30, 60])
def test_a_sparse_tracker_that_sends_mph_is_noticed(period_s: int) -> None:
    assert is_contradicted(drive(steady, shown=WRONG["mph taken for km/h"], period_s=period_s, count=60))


@pytest.mark.parametrize("unit", WRONG)
def test_a_speed_that_is_wrong_for_the_smaller_part_of_the_trip_counts(unit: str) -> None:
    right, wrong = drive(steady), drive(steady, shown=WRONG[unit])
    assert not is_contradicted([*wrong[:150], *right[150:]])
    assert is_contradicted([*right[:100], *wrong[100:]])


def test_single_positions_that_err_by_less_than_a_jump_contradict_nothing() -> None:
    assert not is_contradicted(moved(drive(in_town, position_every=5), 300, range(0, 450, 50)))


@pytest.mark.parametrize("digits", [4, 3, 2, 1])
def test_rounded_positions_contradict_nothing(digits: int) -> None:
    events = drive(in_town, count=3600, heading_deg=lambda way_m: way_m / 20)
    rounded = [one | {name: round(one[name], digits) for name in ("latitude", "longitude")} for one in events]
    assert not is_contradicted(rounded)


@pytest.mark.parametrize(("ratio", "expected"), [(0.69, True), (0.71, False), (1.34, False), (1.36, True)])
def test_ways_from_seven_tenths_to_a_third_more_of_the_distance_are_no_contradiction(
    ratio: float, expected: bool
) -> None:
    assert is_contradicted(drive(steady, shown=lambda true: true / ratio, error_m=0.0)) == expected


def test_less_than_a_kilometre_is_not_judged() -> None:
    events = drive(steady, shown=WRONG["mph taken for km/h"])
    assert not is_contradicted(events[:60])
    assert is_contradicted(events[:80])


@pytest.mark.parametrize("true_kmh", [steady, in_town])
@pytest.mark.parametrize("error_m", [0.0, 3.0, 15.0])
@pytest.mark.parametrize("position_every", [1, 5, 10, 30])
def test_positions_that_agree_change_no_bit(
    true_kmh: Callable[[float], float], error_m: float, position_every: int
) -> None:
    events = drive(true_kmh, error_m=error_m, position_every=position_every)
    row, faults = scored(events)
    assert row.bits == scored(without_positions(events))[0].bits
    assert set(faults.values()) == {0}


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_a_speed_that_errs_by_a_tenth_counts(scale: float) -> None:
    assert not is_contradicted(drive(shown=lambda true: scale * true))


@pytest.mark.parametrize("period_s", [10, 15, 30, 60, 90])
@pytest.mark.parametrize("position_every", [1, 2])
def test_on_a_winding_road_a_sparse_tracker_does_not_contradict_itself(period_s: int, position_every: int) -> None:
    events = drive(
        steady, period_s=period_s, count=100, heading_deg=pass_road, position_every=position_every, error_m=10.0
    )
    assert not is_contradicted(events)


@pytest.mark.parametrize("period_s", [15, 17, 20, 29, 40, 46, 61, 89])
def test_in_stop_and_go_traffic_a_sparse_tracker_does_not_contradict_itself(period_s: int) -> None:
    assert not is_contradicted(drive(period_s=period_s, count=200))


@pytest.mark.parametrize("error_m", [5.0, 20.0, 40.0])
def test_a_receiver_that_wanders_while_the_vehicle_is_parked_contradicts_nothing(error_m: float) -> None:
    assert not is_contradicted(drive(lambda _: 0.0, count=3600, error_m=error_m))


def test_a_position_that_is_repeated_is_not_compared() -> None:
    events = drive(steady)
    for number, one in enumerate(events):
        one |= {name: events[number - number % 25][name] for name in ("latitude", "longitude")}
    row, faults = scored(events)
    assert row.bits == scored(without_positions(events))[0].bits
    assert faults["position_jump"] == 0
    for one in events[100:]:
        one |= {name: events[100][name] for name in ("latitude", "longitude")}
    assert not is_contradicted(events)


# which spans are compared --------------------------------------------------------------------------------------------


def compared(events: Sequence[Event]) -> tuple[int, int]:
    """Give how many spans of a trip were compared, and how many of them contradict the speed."""
    states = TripStates()
    update(states, EventColumns.of_frame(frame_of(list(events))), PARAMETERS)
    close_trips(states, PARAMETERS)
    sums: Any = states.arrays.trips[MERGED]
    return int(sums["compared_spans"]), int(sums["contradicted_spans"])


@pytest.mark.parametrize(("slower_kmh", "spans"), [(49.0, 38), (47.0, 0)])
def test_a_long_interval_whose_speeds_differ_by_more_than_a_fifth_is_not_compared(
    slower_kmh: float, spans: int
) -> None:
    events = drive(steady, period_s=15, count=40)
    for number, one in enumerate(events):
        one["speed_kmh"] = slower_kmh if number % 2 else 60.0
    assert compared(events)[0] == spans  # the first interval is a gap


@pytest.mark.parametrize(("position_every", "spans"), [(10, 44), (9, 24), (110, 4), (121, 0)])
def test_spans_take_from_10_to_120_seconds(position_every: int, spans: int) -> None:
    assert compared(drive(steady, position_every=position_every, count=450)) == (spans, 0)


@pytest.mark.parametrize(
    ("period_s", "position_every", "share"), [(1, 15, 1), (1, 16, 1), (1, 17, 0), (15, 1, 0), (10, 1, 1)]
)
def test_a_way_that_is_too_short_counts_in_short_spans_with_speeds_in_between(
    period_s: float, position_every: int, share: int
) -> None:
    events = drive(
        steady, shown=WRONG["km/h taken for mph"], period_s=period_s, position_every=position_every, count=200
    )
    spans, contradicted = compared(events)
    assert contradicted == share * spans
    assert spans > 5


def test_positions_that_were_rounded_to_a_hundredth_of_a_degree_are_not_compared() -> None:
    events = drive(steady, count=3600, heading_deg=lambda _: 45.0)
    rounded = [one | {name: round(one[name], 2) for name in ("latitude", "longitude")} for one in events]
    assert compared(rounded)[0] == 0


def test_a_span_with_a_gap_of_the_speed_is_not_compared() -> None:
    events = [one for number, one in enumerate(drive(steady)) if number % 45 >= 12]
    spans, contradicted = compared(events)
    assert contradicted == 0
    assert spans > 15


def test_after_a_position_that_jumped_spans_go_on() -> None:
    assert compared(moved(drive(steady), 5000, [100]))[0] == pytest.approx(compared(drive(steady))[0], abs=2)


# positions that jump --------------------------------------------------------------------------------------------------


def moved(events: Sequence[Event], north_m: float, numbers: Sequence[int]) -> list[Event]:
    return [
        one | {"latitude": one["latitude"] + north_m / DEGREE_M} if number in numbers else one
        for number, one in enumerate(events)
    ]


@pytest.mark.parametrize("jump_m", [400, -5000, 300_000])
@pytest.mark.parametrize("share", [3, 12])
def test_positions_that_jump_are_counted_and_not_compared(jump_m: float, share: int) -> None:
    numbers = range(share, 440, share)
    events = moved(drive(steady), jump_m, numbers)
    row, faults = scored(events)
    assert row.bits == scored(without_positions(events))[0].bits
    assert faults["position_jump"] == len(numbers)


@pytest.mark.parametrize(("beyond_m", "jumps"), [(-3, 0), (3, 1)])
def test_a_position_jumps_beyond_what_70_mps_and_100_m_allow(beyond_m: float, jumps: int) -> None:
    driven_m = 60 / 3.6
    events = moved(drive(steady, error_m=0.0), 70 + 100 - driven_m + beyond_m, [200])
    assert scored(events)[1]["position_jump"] == jumps


def positions_of_rows(events: Sequence[Event]) -> list[tuple[float, float]]:
    states = TripStates()
    columns = EventColumns.of_frame(frame_of(list(events)))
    rows = np.concatenate([update(states, columns, PARAMETERS).rows, close_trips(states, PARAMETERS).rows])
    return [(float(row["latitude"]), float(row["longitude"])) for row in rows if row["kind"] == RowKind.TRIP]


def test_the_position_of_scores_is_the_last_one_that_does_not_jump() -> None:
    events = drive(steady, count=100)
    jumped = moved(events, 40_000, [59, 99])
    before = [one for number, one in enumerate(events) if number in (58, 98)]
    expected = [(one["latitude"], one["longitude"]) for one in before]
    np.testing.assert_allclose(positions_of_rows(jumped), expected, rtol=1e-7)


def test_a_position_that_stays_where_it_jumped_to_is_the_new_one() -> None:
    events = moved(drive(steady), 40_000, range(200, 450))
    _, faults = scored(events)
    assert faults["position_jump"] == 1
    assert positions_of_rows(events)[-1][0] == pytest.approx(events[-1]["latitude"])
    assert not is_contradicted(events)
    wrong = moved(drive(steady, shown=WRONG["m/s taken for km/h"]), 40_000, range(200, 450))
    assert is_contradicted(wrong), "spans before and after are compared"


def test_a_position_that_sticks_where_it_jumped_to_is_not_used() -> None:
    events = drive(steady, count=100)
    for one in events[60:65]:
        one |= {"latitude": 48.5, "longitude": 11.6}
    row, faults = scored(events)
    assert faults["position_jump"] == 5
    assert row.bits == scored(without_positions(events))[0].bits
    assert positions_of_rows(events[:65])[-1][0] == pytest.approx(events[59]["latitude"])


@pytest.mark.parametrize(
    ("start", "heading_deg"),
    [
        ((0.0, 179.99), 90.0),
        ((10.0, -179.99), 270.0),
        ((-0.005, 0.0), 0.0),
        ((70.0, 25.0), 90.0),
        ((-45.0, 170.0), 45.0),
    ],
)
def test_distances_are_right_anywhere_on_the_earth(start: tuple[float, float], heading_deg: float) -> None:
    right = drive(steady, start=start, heading_deg=lambda _: heading_deg)
    assert scored(right)[1]["position_jump"] == 0
    assert not is_contradicted(right)
    assert is_contradicted(
        drive(steady, shown=WRONG["mph taken for km/h"], start=start, heading_deg=lambda _: heading_deg)
    )


def test_hard_events_that_a_sensor_measured_count() -> None:
    events = drive(steady, shown=WRONG["mph taken for km/h"])
    for number, one in enumerate(events):
        one["acceleration_mps2"] = -4.0 if number == 300 else 0.0
    row, faults = scored(events)
    assert faults["speed_contradicted"] == 1
    assert (row["hard_brake_count"], row["hard_event_count"], row["hard_corner_count"]) == (1, 1, None)
    assert row["peak_deceleration_mps2"] == 4
    assert row["hard_events_per_100km"] is None


def test_where_the_speed_is_unknown_there_is_nothing_to_contradict() -> None:
    events = [one | {"acceleration_mps2": 0.0} for one in drive(steady, shown=WRONG["m/s taken for km/h"])]
    for number, one in enumerate(events):
        if number % 9 == 0:
            one["speed_kmh"] = None
    assert is_contradicted(events)
    for number, one in enumerate(events):
        if number % 12 > 1:
            one["speed_kmh"] = None
    assert scored(events)[1]["speed_contradicted"] == 0, "after gaps, ways are not known"


def test_windows_are_unknown_once_the_speed_is_known_to_be_wrong() -> None:
    partition = Partition()
    for one in drive(steady, shown=WRONG["m/s taken for km/h"], count=300):
        partition.send([one])
    partition.close()
    windows = [row["distance_km"] for row in partition.of_trip("trip_1", "window")]
    assert windows[0] is not None
    assert windows[1:] == [None] * (len(windows) - 1)


@pytest.mark.parametrize("unit", [None, "mph taken for km/h"])
def test_the_order_of_arrival_changes_nothing(unit: str | None) -> None:
    events = drive(shown=WRONG[unit] if unit else lambda true: true)
    copies = moved(events, -90_000, range(len(events)))
    in_order = scored(events)
    assert scored(disorder([*copies, *events], 3, grace_ms=9_000))[0]["distance_km"] == in_order[0]["distance_km"]
    assert scored(disorder(events, 3, grace_ms=9_000))[0].features.tobytes() == in_order[0].features.tobytes()


def test_of_two_positions_of_one_event_the_one_further_north_counts() -> None:
    events = drive(steady, count=30)
    south = moved(events, -50_000, range(30))
    unknown = without_positions(events)
    expected = positions_of_rows(events)
    for first, second in ((events, south), (south, events), (unknown, events), (events, unknown)):
        assert positions_of_rows([one for pair in zip(first, second, strict=True) for one in pair]) == expected


def test_every_feature_of_a_contradicted_trip_was_considered() -> None:
    from_time = {"duration_s", "night_ratio", "hard_event_count"}
    assert {*FROM_SPEED, *FROM_SPEED_OR_SENSOR} | from_time == set(FEATURE_NAMES)
