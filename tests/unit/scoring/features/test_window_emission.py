"""When windows and trips are emitted for a score: timelines of seconds, window 60 s, grace 10 s."""

import pytest

from schemas.thresholds import WindowSettings
from tests.reference.random_trips import NOON_MS, Event, event
from tests.reference.streaming import Partition
from tests.support.examples.timelines import at, end, summaries

# windows and trips in order -----------------------------------------------------------------------------------------


def test_a_window_is_emitted_at_the_first_event_after_its_end() -> None:
    #   0   10  20  30  40  50 |60
    #   x   x   x   x   x   x  |x
    #                           ▲ window 0-60, and the trip so far
    partition = Partition()
    assert partition.send(at(0, 10, 20, 30, 40, 50)) == []
    assert summaries(partition.send(at(60))) == ["window 0-60 r0 n6", "trip 0-50 r0 n6"]


def test_an_event_exactly_at_the_end_belongs_to_the_next_window() -> None:
    partition = Partition()
    partition.send(at(55, 60, 65))
    assert summaries(partition.send(end(70))) == ["window 60-120 r0 n3 final", "trip 55-70 r1 n4 final"]


def test_windows_without_events_are_not_scored() -> None:
    #   x |      |      | x
    #                  ▲ the trip's time only moves with the second event after the gap
    partition = Partition()
    assert partition.send(at(30, 200)) == []
    assert summaries(partition.send(at(202))) == ["window 0-60 r0 n1", "trip 30-30 r0 n1"]
    assert summaries(partition.send(end(205))) == ["window 180-240 r0 n3 final", "trip 30-205 r1 n4 final"]


def test_the_interval_across_the_end_of_a_window_belongs_to_the_later_one() -> None:
    partition = Partition()
    partition.send(at(57, 59, 61, 63))
    partition.send(end(64))
    [first, _, last, trip] = partition.emitted
    assert (first["duration_s"], last["duration_s"], trip["duration_s"]) == (2, 4, 6)


def test_trip_end_makes_window_and_trip_final() -> None:
    partition = Partition()
    assert summaries(partition.send([*at(0, 10), *end(20)])) == ["window 0-60 r0 n3 final", "trip 0-20 r0 n3 final"]


def test_a_repeated_trip_end_does_not_finish_twice() -> None:
    partition = Partition()
    partition.send([*at(0, 10), *end(20)])
    assert partition.send([*end(20), *end(20)]) == []
    assert partition.close() == []


# out of order, within the grace period --------------------------------------------------------------------------------


def test_an_event_out_of_order_revises_the_window_that_it_belongs_to() -> None:
    #   50 52   |  61      70 72
    #        58 ◄─ arrives after 61
    #                         ▲ no more can come before 60: window 0-60 and the trip so far again
    partition = Partition()
    assert summaries(partition.send(at(0, 50, 52, 61))) == ["window 0-60 r0 n3", "trip 0-52 r0 n3"]
    assert partition.send(at(58)) == []
    assert partition.send(at(70)) == []
    assert summaries(partition.send(at(72))) == ["window 0-60 r1 n4", "trip 0-60 r1 n4"]


def test_an_event_out_of_order_in_the_live_window_needs_no_revision() -> None:
    partition = Partition()
    assert summaries(partition.send(at(0, 20, 15, 40, 35, 50, 60))) == ["window 0-60 r0 n6", "trip 0-50 r0 n6"]


def test_a_window_whose_first_event_is_out_of_order_begins_at_revision_0() -> None:
    #        59 ◄─ arrives after 61, which was the first event of the trip
    partition = Partition()
    partition.send(at(61, 59))
    assert summaries(partition.send(end(62))) == [
        "window 0-60 r0 n1",
        "trip 59-60 r0 n1",
        "window 60-120 r0 n2 final",
        "trip 59-62 r1 n3 final",
    ]


def test_events_out_of_order_before_and_after_the_end_of_the_trip_revise_the_window_twice() -> None:
    #   50 |61  ·  63 trip_end  ·
    #           58              57 ◄─ both belong to the first window
    partition = Partition()
    partition.send(at(0, 50, 61, 58))
    assert summaries(partition.send(end(63))) == [
        "window 0-60 r1 n3",
        "trip 0-60 r1 n3",
        "window 60-120 r0 n2 final",
        "trip 0-63 r2 n5 final",
    ]
    partition.send(at(57))
    assert summaries(partition.close()) == [
        "window 0-60 r2 n4",
        "trip 0-60 r3 n4",
        "window 60-120 r1 n2 final",
        "trip 0-63 r4 n6 final",
    ]


def test_an_event_out_of_order_after_the_end_of_the_trip_is_scored_with_a_higher_revision() -> None:
    partition = Partition()
    partition.send([*at(0, 10), *end(20)])
    assert partition.send(at(15)) == []
    assert summaries(partition.close()) == ["window 0-60 r1 n4 final", "trip 0-20 r1 n4 final"]
    assert partition.close() == []


def test_a_trip_that_goes_on_after_its_end_is_open_again() -> None:
    partition = Partition()
    partition.send([*at(0, 10), *end(20)])
    assert partition.send(at(70)) == []
    assert summaries(partition.send(at(71))) == ["window 0-60 r1 n3", "trip 0-20 r1 n3"]
    assert summaries(partition.close()) == ["window 60-120 r0 n2 final", "trip 0-71 r2 n5 final"]


# later than the grace period ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("second", "late"), [(20.001, 0), (20, 1), (5, 1)])
def test_an_event_as_old_as_the_grace_period_is_late(second: float, late: int) -> None:
    partition = Partition()
    partition.send([*at(0, 25, 30), *at(second), *end(40)])
    trip = partition.emitted[-1]
    assert (trip.late_event_count, trip.event_count) == (late, 5 - late)


def test_a_late_event_is_counted_in_the_next_score_only() -> None:
    partition = Partition()
    assert partition.send(at(0, 25, 30, 10, 60)) == []
    [window, trip] = partition.send(at(62))
    assert (window.event_count, window.late_event_count, trip.late_event_count) == (3, 1, 1)
    assert partition.send(at(63)) == []


def test_a_late_event_after_the_end_has_the_trip_scored_again_once_it_is_quiet() -> None:
    #   trip_1   0 … trip_end at 40,  then an event of second 5
    #   trip_2   drives on
    partition = Partition()
    partition.send([*at(0, 20), *end(40)])
    partition.send(at(5))
    partition.send(at(*range(40, 80), trip="trip_2"))
    [window, trip] = partition.of_trip("trip_1")[2:]
    assert summaries([window, trip]) == ["window 0-60 r1 n3 final", "trip 0-40 r1 n3 final"]
    assert trip.late_event_count == 1
    assert trip.features.tobytes() == partition.of_trip("trip_1", "trip")[0].features.tobytes()


def test_no_more_events_wait_than_max_pending() -> None:
    #   10 Hz, grace of 50 s: 500 events would wait
    partition = Partition(grace_s=50, max_pending=16)
    events = at(*(number / 10 for number in range(300)))
    for one in events:
        partition.send([one])
        assert partition.states.arrays.heads["pending_count"].max() <= 16
    partition.close()
    roomy = Partition(grace_s=50)
    roomy.send(events)
    roomy.close()
    assert [row.bits for row in partition.emitted] == [row.bits for row in roomy.emitted]


def test_an_event_older_than_one_that_is_no_longer_pending_is_late() -> None:
    partition = Partition(grace_s=50, max_pending=16)
    partition.send(at(*range(30)))
    partition.send(at(5.5))
    [_, trip] = partition.close()
    assert (trip.event_count, trip.late_event_count, trip["duration_s"]) == (30, 1, 29)


def test_an_event_id_that_comes_again_with_another_time_changes_nothing() -> None:
    first, again = at(50)[0] | {"event_id": "a"}, at(70)[0] | {"event_id": "a"}
    partition = Partition()
    assert partition.send([*at(0), first, again]) == []
    partition.send(at(45))
    assert summaries(partition.close()) == ["window 0-60 r0 n3 final", "trip 0-50 r0 n3 final"]


def test_the_grace_period_must_be_shorter_than_the_window() -> None:
    with pytest.raises(ValueError, match="grace_s"):
        WindowSettings(window_s=60, grace_s=60)


# slots --------------------------------------------------------------------------------------------------------------


def test_a_closed_trip_is_released_after_the_retention_and_its_slot_used_again() -> None:
    partition = Partition(retention_s=60)
    partition.send([*at(0, 10, trip="old"), *end(20, trip="old")])
    slot = partition.slot_of["old"]
    partition.send(at(*range(20, 200), trip="long"))
    partition.send(at(200, trip="long"))
    assert list(partition.slot_of) == ["long"]

    partition.send([*at(200, 210, trip="new"), *end(215, trip="new")])
    assert partition.slot_of["new"] == slot
    fresh = Partition()
    fresh.send([*at(200, 210, trip="new"), *end(215, trip="new")])
    assert [row.bits for row in partition.of_trip("new")] == [row.bits for row in fresh.emitted]


def test_a_trip_evicted_and_back_in_one_frame_keeps_its_ids_and_class() -> None:
    #   a bus brakes at 2.3 m/s², which is hard for a bus only
    def bus(start: int) -> list[Event]:
        driven = [one | {"vehicle_class": "bus"} for one in at(*range(start, start + 5), trip="bus")]
        driven[2]["acceleration_mps2"] = -2.3
        return [*driven, *[one | {"vehicle_class": "bus"} for one in end(start + 5, trip="bus")]]

    partition = Partition(retention_s=60)
    partition.send([*bus(0), *at(*range(200), trip="car"), *bus(300)])
    assert [row["hard_brake_count"] for row in partition.of_trip("bus", "trip")] == [1, 1]
    assert [row.revision for row in partition.of_trip("bus", "trip")] == [0, 0]


def test_a_sweep_that_closes_more_trips_than_fit_goes_on_where_it_stopped() -> None:
    #   3,000 trips become silent at once: 6,000 rows are emitted for a frame of few events
    count = 3000
    partition = Partition(idle_gap_s=15)
    names = [f"trip_{number}" for number in range(count)]
    partition.send([one for name in names for one in at(0, trip=name)])
    partition.states.arrays.partition["clock_ms"] += 100_000
    partition.states.arrays.partition["mover_ms"] = NOON_MS + 100_000
    partition.send(at(100, 101, trip="other"))
    assert {row.trip for row in partition.emitted if row.final} == set(names)
    assert len(partition.emitted) == 2 * count


# severe events ------------------------------------------------------------------------------------------------------


def severe(partition: Partition) -> list[tuple[str, float, str, float]]:
    """Return trip, second, type and peak of each severe event."""
    return [(trip, (at_ms - NOON_MS) / 1000, kind, peak) for trip, at_ms, kind, peak in partition.severe]


def measured(second: float, trip: str = "trip_1", event_type: str = "sample", **values: float) -> list[Event]:
    return [event(NOON_MS + round(second * 1000), trip, event_type, **{"speed_kmh": 50.0, **values})]


@pytest.mark.parametrize(
    ("values", "event_type", "expected"),
    [
        ({"acceleration_mps2": -7.0}, "sample", ("hard_brake", -7.0)),
        ({"acceleration_mps2": 7.5}, "sample", ("hard_acceleration", 7.5)),
        ({"acceleration_mps2": -7.5, "lateral_acceleration_mps2": -8.0}, "sample", ("hard_corner", -8.0)),
        ({"peak_mps2": -9.0}, "hard_brake", ("hard_brake", -9.0)),
        ({"peak_mps2": 40.0}, "hard_brake", ("hard_brake", 40.0)),
        ({"acceleration_mps2": -6.9}, "sample", None),
        ({"acceleration_mps2": -15.0}, "sample", ("hard_brake", -15.0)),
        ({"acceleration_mps2": -15.5}, "sample", None),  # a fault of the sensor
        ({"peak_mps2": -9.0}, "phone_use", None),
        ({}, "hard_brake", None),
    ],
)
def test_a_severe_event_is_reported_at_once(
    values: dict[str, float], event_type: str, expected: tuple[str, float] | None
) -> None:
    partition = Partition()
    assert partition.send(at(0, 1)) == []
    assert partition.send(measured(2, "trip_1", event_type, **values)) == [], "no score is emitted for it"
    assert severe(partition) == ([] if expected is None else [("trip_1", 2, *expected)])


def test_the_same_trip_reports_severe_events_again_only_after_the_pause_and_others_their_own() -> None:
    partition = Partition()
    for second in (0, 5, 59, 60, 61, 200):
        partition.send(measured(second, acceleration_mps2=-8.0))
        partition.send(measured(second + 0.5, acceleration_mps2=0.0) + measured(second + 0.6, acceleration_mps2=0.0))
    partition.send(measured(3, "trip_2", acceleration_mps2=-8.0))
    assert [(trip, second) for trip, second, *_ in severe(partition)] == [
        ("trip_1", 0), ("trip_1", 60), ("trip_1", 200), ("trip_2", 3),
    ]  # fmt: skip


def test_severe_events_change_no_score() -> None:
    events = [*at(*range(20)), *measured(20, acceleration_mps2=-9.0), *at(19.5, *range(21, 70)), *at(58.5), *end(75)]
    calm, alarmed = Partition(severe_mps2=100.0), Partition()
    calm.send(events)
    alarmed.send(events)
    assert [row.bits for row in alarmed.emitted] == [row.bits for row in calm.emitted]
    assert (len(calm.severe), len(alarmed.severe)) == (0, 1)


def test_a_duplicate_of_a_severe_event_is_not_reported_again() -> None:
    partition = Partition(pause_s=0)
    partition.send(measured(5, acceleration_mps2=-9.0) * 3)
    assert len(partition.severe) == 1
