"""Trips that never end are closed by the clock of their partition, and no device's clock moves or holds it.

Timelines of seconds; a trip closes after 300 s of silence, looked for every 10 s.
"""

from collections.abc import Callable

import pytest

from tests.reference.random_trips import Event
from tests.reference.streaming import Partition
from tests.support.examples.timelines import YEAR_S, at, end, summaries

HOUR_S = 3600


def test_a_silent_trip_is_closed_by_the_progress_of_others() -> None:
    #   trip_1   0 … 30
    #   trip_2   0 … … … … … … … … … 500
    partition = Partition(idle_gap_s=300)
    partition.send([one for second in range(31) for trip in ("trip_1", "trip_2") for one in at(second, trip=trip)])
    partition.send(at(*range(31, 330), trip="trip_2"))
    assert partition.of_trip("trip_1") == []
    partition.send(at(*range(330, 400), trip="trip_2"))
    assert summaries(partition.of_trip("trip_1")) == ["window 0-60 r0 n31 final", "trip 0-30 r0 n31 final"]
    assert not any(row.final for row in partition.of_trip("trip_2"))


def interleaved(trip_count: int, seconds: range) -> list[Event]:
    return [one for second in seconds for number in range(trip_count) for one in at(second, trip=f"trip_{number}")]


def test_nine_of_ten_falling_silent_at_once_are_closed_by_the_tenth() -> None:
    partition = Partition(idle_gap_s=300)
    partition.send(interleaved(10, range(60)))
    partition.send(at(*range(60, 1000), trip="trip_0"))
    closed = {row.trip for row in partition.emitted if row.final}
    assert closed == {f"trip_{number}" for number in range(1, 10)}


def test_one_vehicle_with_a_date_a_year_ahead_closes_no_other_trip() -> None:
    partition = Partition(idle_gap_s=300)
    partition.send(interleaved(5, range(100)))
    partition.send(at(99, *(YEAR_S + second for second in range(30)), trip="wrong_date"))
    partition.send(interleaved(5, range(100, 130)))
    assert not any(row.final for row in partition.emitted)
    assert partition.of_trip("trip_3", "trip")[-1]["duration_s"] == 119


@pytest.mark.parametrize("trip_count", [1, 2, 5, 10, 15, 100])
@pytest.mark.parametrize("trips", [1, 3])
def test_one_vehicle_that_uploads_two_hours_of_backlog_closes_no_other_trip(trip_count: int, trips: int) -> None:
    #   trip_0 …   0 … 99                                          100 … 129
    #   backlog              -7200 … (in one trip or several) … -1
    partition = Partition(idle_gap_s=300)
    partition.send(interleaved(trip_count, range(100)))
    for number in range(trips):
        begin = -7200 + number * 7200 // trips
        partition.send(at(*range(begin, begin + 7200 // trips - 60), trip=f"backlog_{number}"))
    partition.send(interleaved(trip_count, range(100, 130)))
    assert not any(row.final for row in partition.emitted if not row.trip.startswith("backlog"))


def test_trips_that_one_backlog_has_not_closed_are_kept_after_their_end_too() -> None:
    #   trip_0, ended, is revised by an event of its own that was late; it must not begin again at revision 0
    partition = Partition(retention_s=600)
    partition.send([*interleaved(2, range(100)), *end(100, trip="trip_0")])
    partition.send(at(*range(-7200, 0), trip="backlog"))
    assert set(partition.slot_of) == {"trip_0", "trip_1", "backlog"}


def closed_at(partition: Partition, honest_trips: int, odd: Callable[[int], float] | None = None) -> int | None:
    """Let trips send each second, trip_0 until 100 only, and an odd device beside them; say when trip_0 was closed.

    No other honest trip may be closed. Frames are of five seconds.
    """
    arrived: list[Event] = []
    for second in range(900):
        arrived += [
            one
            for number in range(honest_trips)
            if number > 0 or second < 100
            for one in at(second, trip=f"trip_{number}")
        ]
        arrived += at(odd(second), trip="odd") if odd else []
        if second % 5 == 4:
            closed = {row.trip for row in partition.send(arrived) if row.final}
            arrived = []
            assert closed <= {"trip_0", "odd"}
            if "trip_0" in closed:
                return second
    return None


@pytest.mark.parametrize("honest_trips", [2, 3, 12])
@pytest.mark.parametrize(
    "odd",
    [
        lambda second: second + 20 * HOUR_S,
        lambda second: second if second < 50 else second + 20 * HOUR_S,
        lambda second: second - 10 * YEAR_S,
        lambda second: second if second < 50 else second - 10 * YEAR_S,
        lambda second: second + (20 * HOUR_S if second == 50 else 0),
        lambda second: second + (20 * HOUR_S if second % 2 else 0),
        lambda second: 60 * second,
        lambda second: HOUR_S * second,
        lambda second: min(second, 50),
    ],
    ids=[
        "20 h ahead",
        "jumps 20 h ahead",
        "in 2016",
        "jumps to 2016",
        "20 h ahead once",
        "20 h ahead and back each second",
        "60 times as fast",
        "an hour a second",
        "stops",
    ],
)
def test_a_device_with_a_wrong_clock_neither_closes_others_early_nor_holds_them_back(
    honest_trips: int, odd: Callable[[int], float]
) -> None:
    found = closed_at(Partition(idle_gap_s=300), honest_trips, odd)
    assert found is not None
    assert 350 <= found <= 460


@pytest.mark.parametrize("honest_trips", [2, 3, 12])
def test_a_silent_trip_is_closed_when_the_idle_gap_is_over(honest_trips: int) -> None:
    found = closed_at(Partition(idle_gap_s=300), honest_trips)
    assert found is not None
    assert 395 <= found <= 460


def test_a_trip_without_an_end_is_closed_while_its_vehicle_drives_on_in_the_next_trip() -> None:
    partition = Partition(idle_gap_s=300)
    partition.send(at(*range(100), trip="first"))
    partition.send(at(*range(100, 500), trip="second"))
    assert [row.trip for row in partition.emitted if row.final] == ["first", "first"]


def test_trips_that_were_open_when_the_night_began_are_closed_by_those_of_the_morning() -> None:
    partition = Partition(idle_gap_s=300)
    partition.send(interleaved(3, range(100)))
    morning = 8 * HOUR_S
    partition.send([one for second in range(500) for one in at(morning + second, trip="early")])
    assert {row.trip for row in partition.emitted if row.final} == {"trip_0", "trip_1", "trip_2"}


def test_a_trip_whose_clock_is_ahead_of_the_only_other_one_is_closed_after_a_shift() -> None:
    partition = Partition(idle_gap_s=300)
    partition.send([*at(0, trip="honest"), *at(*range(20 * HOUR_S, 20 * HOUR_S + 60), trip="ahead")])
    partition.send(at(*range(5, 7 * HOUR_S, 5), trip="honest"))
    assert not any(row.final for row in partition.emitted)
    partition.send(at(*range(7 * HOUR_S, 9 * HOUR_S, 5), trip="honest"))
    assert {row.trip for row in partition.emitted if row.final} == {"ahead"}


def test_a_partition_without_traffic_closes_nothing_by_what_others_do() -> None:
    silent, busy = Partition(idle_gap_s=300), Partition(idle_gap_s=300)
    silent.send(at(0, 10))
    busy.send(interleaved(3, range(2000)))
    assert silent.emitted == []
    assert summaries(silent.close()) == ["window 0-60 r0 n2 final", "trip 0-10 r0 n2 final"]
