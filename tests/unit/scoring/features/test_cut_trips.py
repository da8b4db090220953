"""States that begin in the middle of a log: trips that were under way say that events are missing."""

import pytest

from tests.reference.random_trips import Event
from tests.reference.streaming import Partition
from tests.support.examples.timelines import at, end


def late_events(*events: list[Event], cut_for_s: float) -> list[int]:
    """Return the late events of each final trip, in the order of their ends."""
    partition = Partition(idle_gap_s=300)
    partition.states.expect_cut_trips(cut_for_s * 1000)
    for part in events:
        partition.send(part)
    return [row.late_event_count for row in partition.emitted if row.kind == "trip" and row.final]


@pytest.mark.parametrize(("begins_with", "expected"), [("sample", 1), ("hard_brake", 1), ("trip_start", 0)])
def test_a_trip_may_be_the_rest_of_one_unless_it_begins_with_its_start(begins_with: str, expected: int) -> None:
    trip = [*at(0, event_type=begins_with), *at(*range(1, 60)), *end(60)]
    assert late_events(trip, cut_for_s=300) == [expected]
    assert late_events(trip, cut_for_s=0) == [0]


def test_a_trip_that_begins_after_all_silent_ones_have_ended_is_whole() -> None:
    first = [*at(*range(400)), *end(400)]
    second = [*at(*range(410, 500), trip="trip_2"), *end(500, trip="trip_2")]
    assert late_events(first, second, cut_for_s=300) == [1, 0]
