import polars as pl
import pytest

from driver_score.replay import append_trip_ends, plan_sending, shift_to_now
from driver_score.replay.send_plan import PLAN_SCHEMA
from schemas.event_frame import EVENT_SCHEMA
from tests.support.examples.event_frames import DEFAULTS, event_frame, trip

START_MS = DEFAULTS["timestamp_ms"]
NOW_MS = 1_900_000_000_000


def after_start(series: pl.Series) -> list[int]:
    times_ms: list[int] = (series - START_MS).to_list()
    return times_ms


def test_trips_are_sent_side_by_side_in_the_order_of_event_time() -> None:
    plan = plan_sending(event_frame(*trip("a", 0, 1000, 2000), *trip("b", 500, 1500)))
    assert plan.schema == PLAN_SCHEMA
    assert plan["trip_id"].to_list() == ["a", "b", "a", "b", "a"]


def test_what_the_file_has_out_of_order_is_sent_out_of_order() -> None:
    """In file:  0  2000  1000  3000, and the row of 1000 is sent with the one before it."""
    plan = plan_sending(event_frame(*trip("a", 0, 2000, 1000, 3000)))
    assert after_start(plan["timestamp_ms"]) == [0, 2000, 1000, 3000]
    assert after_start(plan["send_ms"]) == [0, 2000, 2000, 3000]


def test_trips_of_one_name_in_two_vehicles_do_not_hold_each_other_back() -> None:
    plan = plan_sending(event_frame(*trip("a", 9000), *trip("a", 0, vehicle_id="veh_2")))
    assert after_start(plan["send_ms"]) == [0, 9000]


def test_a_trip_without_an_end_gets_one_just_after_its_newest_event() -> None:
    rows = [*trip("a", 0, 3000, 2000, driver_id="drv_9", utc_offset_min=60, vehicle_class="van")]
    events = append_trip_ends(event_frame(*rows))
    assert events.schema == EVENT_SCHEMA
    assert events.row(3, named=True) == {
        **DEFAULTS,
        **rows[0],
        "timestamp_ms": START_MS + 3001,
        "event_type": "trip_end",
        "speed_kmh": None,
    }


def test_a_trip_with_an_end_keeps_its_own() -> None:
    events = event_frame(*trip("a", 0), *trip("a", 1000, event_type="trip_end"))
    assert append_trip_ends(events).equals(events)


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        # Between the trips 100 s without events become 5 s, so that they last 10 + 5 + 10 s.
        (1.0, [0, 10_000, 15_000, 25_000]),
        (5.0, [-20_000, -10_000, -5_000, 5_000]),
        (None, [-25_000, -15_000, -10_000, 0]),
    ],
)
def test_shifted_trips_are_never_sent_before_their_own_time(speed: float | None, expected: list[int]) -> None:
    events = event_frame(*trip("a", 0, 10_000), *trip("b", 110_000, 120_000))
    shifted = shift_to_now(events, now_ms=NOW_MS, speed=speed)
    assert (shifted["timestamp_ms"] - NOW_MS).to_list() == expected


def test_shifting_keeps_gaps_within_a_trip_and_trips_that_overlap() -> None:
    events = event_frame(*trip("a", 0, 600_000), *trip("b", 300_000, 900_000, vehicle_id="veh_2"))
    shifted = shift_to_now(events, now_ms=NOW_MS, speed=1.0)
    assert (shifted["timestamp_ms"] - NOW_MS).to_list() == [0, 600_000, 300_000, 900_000]


def test_no_events_make_an_empty_plan() -> None:
    assert plan_sending(shift_to_now(append_trip_ends(event_frame()), now_ms=NOW_MS, speed=1.0)).is_empty()
