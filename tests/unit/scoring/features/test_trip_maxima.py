"""How many trips are kept of a vehicle and of a partition, which are evicted, and what is emitted of them."""

import pytest

from scoring.events.columns import EventColumns
from scoring.features.state.arrays import TripStatus
from scoring.features.state.chunks import pack_chunk, unpack_chunk
from scoring.features.state.trip_states import TripStates
from scoring.features.update import update
from tests.reference.streaming import EmittedRow, Partition
from tests.support.examples.faulty_devices import Sent, frame_of_sent

MIB = 1024 * 1024


def partition_of(*, vehicle: int = 64, total: int = 1000) -> Partition:
    partition = Partition(idle_gap_s=300)
    partition.parameters = partition.parameters._replace(max_vehicle_trips=vehicle, max_partition_trips=total)
    return partition


def send(partition: Partition, *trips: str, vehicle: str = "veh", event_type: str = "sample", at: float = 0) -> None:
    """Send one event of each trip, in this order, a second apart."""
    sent = [Sent(0, vehicle, trip, at + number, event_type) for number, trip in enumerate(trips)]
    partition.send(frame_of_sent(sent))


def final_trips(rows: list[EmittedRow]) -> list[str]:
    return [row.trip for row in rows if row.final and row.kind == "trip"]


@pytest.mark.parametrize(
    ("order", "evicted", "kept"),
    [
        pytest.param("abc", "", "abc", id="as many as the maximum"),
        pytest.param("abcd", "a", "bcd", id="one more"),
        pytest.param("abcdefg", "abcd", "efg", id="several more"),
        pytest.param("abcad", "b", "acd", id="the trip that has had an event since is kept"),
        pytest.param("abacaeafa", "bc", "aef", id="a trip that goes on is never evicted"),
        pytest.param("abcdabc", "abcd", "abc", id="an evicted trip that goes on begins again"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["one frame", "a frame an event"])
def test_a_vehicle_has_at_most_so_many_trips_and_those_silent_for_longest_are_closed(
    order: str, evicted: str, kept: str, *, at_once: bool
) -> None:
    partition = partition_of(vehicle=3)
    if at_once:
        send(partition, *order)
    else:
        for number, trip in enumerate(order):
            send(partition, trip, at=number)
    assert final_trips(partition.emitted) == list(evicted)
    assert sorted(partition.slot_of) == list(kept)
    assert partition.states.eviction_counts == {"vehicle": len(evicted), "partition": 0}


def test_other_vehicles_keep_their_trips() -> None:
    partition = partition_of(vehicle=2)
    send(partition, "a", vehicle="other")
    send(partition, "b", "c", "d", "e")
    send(partition, "f", vehicle="other")
    assert final_trips(partition.emitted) == ["b", "c"]
    assert sorted(partition.slot_of) == ["a", "d", "e", "f"]


def test_closed_trips_count_and_are_evicted_without_another_score() -> None:
    partition = partition_of(vehicle=2)
    send(partition, "a", "b", "c", "d", event_type="trip_end")
    assert final_trips(partition.emitted) == ["a", "b", "c", "d"]
    assert sorted(partition.slot_of) == ["c", "d"]
    assert partition.states.eviction_counts == {"vehicle": 2, "partition": 0}


def test_a_closed_trip_that_has_changed_is_scored_again_before_it_is_evicted() -> None:
    partition = partition_of(vehicle=2)
    send(partition, "a", event_type="trip_end")
    send(partition, "a", at=1)
    send(partition, "b", "c", at=2)
    assert [(row.trip, row.revision, row.event_count) for row in partition.of_trip("a", "trip")] == [
        ("a", 0, 1),
        ("a", 1, 2),
    ]


def test_with_a_smaller_maximum_after_a_restart_trips_are_evicted_two_at_a_time() -> None:
    partition = partition_of(vehicle=10)
    send(partition, *"abcdefgh")
    partition.parameters = partition.parameters._replace(max_vehicle_trips=3)
    send(partition, "i", at=8)
    assert final_trips(partition.emitted) == ["a", "b"]
    send(partition, *"jklmnop", at=9)
    assert len(partition.slot_of) == 3


def test_a_full_partition_evicts_the_trips_that_are_silent_for_longest() -> None:
    partition = partition_of(total=64)
    for number in range(64):
        send(partition, f"trip_{number}", vehicle=f"veh_{number}", at=number)
    for number in range(10):
        send(partition, f"trip_{number}", vehicle=f"veh_{number}", at=64 + number)
    assert final_trips(partition.emitted) == []
    send(partition, "one_more", vehicle="one_more", at=80)
    send(partition, "one_more", vehicle="one_more", at=81)
    assert final_trips(partition.emitted) == ["trip_10", "trip_11"], "one, and a 64th of 64"
    assert partition.states.eviction_counts == {"vehicle": 0, "partition": 2}
    assert len(partition.states) == 63


@pytest.mark.parametrize("frame_size", [1, 7, 1000])
def test_a_partition_never_keeps_more_than_the_maximum_of_a_frame_later(frame_size: int) -> None:
    partition = partition_of(total=100)
    sent = [Sent(0, f"veh_{number}", f"trip_{number}", number) for number in range(1000)]
    for begin in range(0, 1000, frame_size):
        partition.send(frame_of_sent(sent[begin : begin + frame_size]))
        assert len(partition.states) <= 101
    evicted = final_trips(partition.emitted)
    assert sorted(evicted) == sorted(f"trip_{number}" for number in range(1000 - len(partition.states)))


def test_restored_trips_are_evicted_in_the_same_order() -> None:
    partition = partition_of(vehicle=4)
    send(partition, *"abcdba")
    restored = partition_of(vehicle=4)
    restored.states = TripStates(chunk_count=3)
    slots = partition.states.slots()
    for part in (slots[::2], slots[1::2]):
        unpack_chunk(restored.states, pack_chunk(partition.states, part, fingerprint=""))
    send(restored, *"efgh", at=10)
    assert final_trips(restored.emitted) == list("cdba")


def test_a_million_trips_of_one_device_take_bounded_memory_and_the_trips_of_others_are_closed() -> None:
    partition = partition_of(total=500_000)
    states = partition.states
    final_rows = most_bytes = most_slots = 0
    for begin in range(0, 1000, 10):
        sent = []
        for now in range(begin, begin + 10):
            sent += [
                Sent(0, f"veh_{number}", f"trip_{number}", now) for number in range(20) if number % 2 == 0 or now < 300
            ]
            sent += [Sent(0, "odd", f"odd_{now}_{part}", now, ("sample", "trip_end")[part % 2]) for part in range(1000)]
        emitted = update(states, EventColumns.of_frame(frame_of_sent(sent)), partition.parameters)
        final_rows += int(emitted.rows["final"].sum())
        most_bytes = max(most_bytes, states.nbytes)
        most_slots = max(most_slots, len(states.arrays.heads))
        assert len(states) <= 64 + 20
    assert most_bytes <= 32 * MIB
    assert most_slots <= 15_000
    heads = states.arrays.heads
    of_others = {trip: slot for trip, slot in partition.slot_of.items() if trip.startswith("trip_")}
    closed = {trip for trip, slot in of_others.items() if heads["status"][slot] == TripStatus.FINAL}
    assert len(of_others) == 20
    assert closed == {f"trip_{number}" for number in range(1, 20, 2)}
    still_open = 64 - (heads["status"] == TripStatus.FINAL).sum() + len(closed)
    assert final_rows == 2 * (1_000_000 - still_open + len(closed)), "a window and a trip of each"
