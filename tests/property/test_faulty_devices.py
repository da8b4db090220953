"""With devices that begin trip after trip, emitted rows still depend on nothing but the order of events."""

import random
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.features.state.trip_states import TripStates
from stream_app.state.partition_states import PartitionStates, StoredStates
from tests.reference.random_trips import NOON_MS, Event, event, fleets, frame_of, seeds
from tests.reference.streaming import Partition, bits_by_trip

CHUNKS = 3


def faulty_events(seed: int) -> list[Event]:
    """Make the events of a device whose trips and times are wrong, each with the time of its arrival."""
    draw = random.Random(seed)
    name = f"odd_{seed}"
    new_trip_share = draw.choice((0.02, 0.3, 1.0))
    end_share, severe_share = draw.choice((0.0, 0.3)), draw.choice((0.0, 0.2))
    step_ms = draw.choice((0, 1000, 1000, 1000, 10_000, -1000, 400_000))
    at_ms, trips = NOON_MS + draw.choice((0, 0, 10**10, -(10**9))), 1
    events = []
    for number in range(draw.randrange(10, 150)):
        trips += draw.random() < new_trip_share
        trip = f"{name}_{draw.randrange(max(trips - 5, 0), trips) if draw.random() < 0.3 else trips - 1}"
        kind = "trip_end" if draw.random() < end_share else "sample"
        measured = {"acceleration_mps2": -9.0} if draw.random() < severe_share else {"speed_kmh": 36.0}
        made = event(at_ms, trip, kind, **(measured if kind == "sample" else {}))
        events.append(made | {"vehicle_id": name, "arrives": NOON_MS + 1000 * number + draw.random()})
        at_ms += step_ms + draw.choice((0, 0, 0, -5000, 20_000, 70_000))
    return events


@st.composite
def mixed_fleets(draw: st.DrawFn) -> list[Event]:
    """Draw honest trips with some faulty devices, in order of arrival."""
    events = [one | {"arrives": one["timestamp_ms"]} for one in draw(fleets())]
    for seed in draw(st.lists(seeds, min_size=1, max_size=3, unique=True)):
        events += faulty_events(seed)
    arrived = sorted(events, key=lambda one: one["arrives"])
    return [{name: content for name, content in one.items() if name != "arrives"} for one in arrived]


def partition_of(vehicle_trips: int, partition_trips: int) -> Partition:
    partition = Partition(grace_s=10, idle_gap_s=15, retention_s=30)
    partition.states = TripStates(chunk_count=CHUNKS)
    partition.parameters = partition.parameters._replace(
        max_vehicle_trips=vehicle_trips, max_partition_trips=partition_trips
    )
    return partition


def assert_consistent(states: TripStates) -> None:
    """Check that each vehicle is counted once at most, and that its list has its trips by their last events."""
    arrays = states.arrays
    slots = states.slots()
    heads = arrays.heads
    assert (heads["status"][slots] != 0).all(), "evicted trips are released"
    assert arrays.partition["kept_trips"][0] == len(slots) == len(states)
    by_vehicle: dict[str, list[int]] = {}
    for (_, vehicle, *_), slot in zip(states.ids_of(slots), slots.tolist(), strict=True):
        by_vehicle.setdefault(vehicle, []).append(slot)
    assert set(arrays.vehicles[arrays.vehicles != 0].tolist()) <= set(slots.tolist())
    assert np.count_nonzero(arrays.vehicles) == len(by_vehicle)
    for own in by_vehicle.values():
        in_order = [0, *sorted(own, key=lambda slot: -int(heads["last_event"][slot])), 0]
        assert heads["counted"][own].sum() <= 1
        for newer, older in pairwise(in_order):
            assert newer == 0 or heads["older"][newer] == older
            assert older == 0 or heads["newer"][older] == newer
    assert arrays.partition["active_trips"][0] == heads["counted"][slots].sum()


maxima = st.sampled_from([(2, 1000), (5, 1000), (3, 6), (64, 8), (64, 1000)])
cuts = st.lists(st.integers(0, 10_000), max_size=8)


@settings(max_examples=150, deadline=None)
@given(events=mixed_fleets(), cuts=cuts, maximum=maxima)
def test_any_split_into_frames_with_restarts_between_emits_the_same_rows(
    events: list[Event], cuts: list[int], maximum: tuple[int, int]
) -> None:
    at_once, restarted = partition_of(*maximum), partition_of(*maximum)
    frame = frame_of(events)
    at_once.send(frame)
    assert_consistent(at_once.states)

    stored = StoredStates(at_once.parameters, CHUNKS)
    chunks: dict[int, bytes] = {}
    begin = 0
    for end in sorted({*(cut % (len(events) + 1) for cut in cuts), len(events)}):
        if end == begin:
            continue
        restarted.send(frame[begin:end])
        begin = end
        assert_consistent(restarted.states)
        copied = stored.copy_changed(PartitionStates(restarted.states))
        for chunk, packed in stored.pack(copied) if copied is not None else ():
            chunks.pop(chunk, None)  # those stored last come last
            chunks[chunk] = packed
        restarted.states = stored.restore(0, chunks, included_offset=0).states
        assert_consistent(restarted.states)
    assert bits_by_trip(restarted.emitted) == bits_by_trip(at_once.emitted)
    assert restarted.severe == at_once.severe
    for partition in (at_once, restarted):
        partition.close()
    assert bits_by_trip(restarted.emitted) == bits_by_trip(at_once.emitted)


@settings(max_examples=20, deadline=None)
@given(events=mixed_fleets(), maximum=maxima)
def test_one_event_at_a_time_emits_the_same_rows(events: list[Event], maximum: tuple[int, int]) -> None:
    at_once, one_by_one = partition_of(*maximum), partition_of(*maximum)
    frame = frame_of(events)
    at_once.send(frame)
    for number in range(len(events)):
        one_by_one.send(frame[number : number + 1])
    assert bits_by_trip(one_by_one.emitted) == bits_by_trip(at_once.emitted)
