"""The memory of open trips: how much one takes, and that ids and sums survive growing, closing up and long windows."""

import numpy as np
import pytest
from pydantic import ValidationError

from schemas.features import FEATURE_NAMES
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.errors import StateError
from scoring.events.columns import EventColumns
from scoring.features.eviction import evict
from scoring.features.parameters import kernel_parameters, without_maxima
from scoring.features.state import trip_states as trip_state
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update
from stream_app.state.partition_states import ChunkTooLargeError, PartitionStates, StoredStates
from tests.support.examples.event_frames import event_frame, trip

PARAMETERS = without_maxima(kernel_parameters(ThresholdProfile(), WindowSettings()))
MOST_BYTES = 1200


def started(ids: list[tuple[str, str, str, str]], at_ms: int = 0) -> EventColumns:
    """Return one event of each trip, given by trip, vehicle, driver and client id."""
    names = ("trip_id", "vehicle_id", "driver_id", "client_id")
    rows = [dict(zip(names, of_trip, strict=True)) for of_trip in ids]
    return EventColumns.of_frame(event_frame(*(trip("", at_ms)[0] | row for row in rows)))


def drawn_ids(count: int, seed: int = 1) -> list[tuple[str, str, str, str]]:
    """Return ids of all lengths from 1 to 64; those of a trip and of its vehicle are unique together."""
    sizes = np.random.default_rng(seed).integers(1, 65, (count, 4))
    return [
        (f"t{number}".ljust(trip_size, "."), "v" * vehicle_size, "d" * driver_size, "c" * client_size)
        for number, (trip_size, vehicle_size, driver_size, client_size) in enumerate(sizes.tolist())
    ]


def ids_in(states: TripStates) -> list[tuple[str, ...]]:
    return sorted(states.ids_of(states.slots()))


@pytest.mark.parametrize("count", [10_000, 50_000, 66_000])
def test_an_open_trip_takes_less_than_1200_bytes_with_uuids_for_ids_and_a_pending_event(count: int) -> None:
    uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    states = TripStates()
    for first in range(0, count, 2000):
        names = [f"{number:06}" for number in range(first, first + 2000)]
        ids = [(uuid[:-6] + name, "WVWZZZ1KZ6W" + name, uuid[:-6] + name, "client_berlin") for name in names]
        update(states, started(ids), kernel_parameters(ThresholdProfile(), WindowSettings()))
    assert len(states) == count
    assert states.arrays.heads["pending_count"][states.slots()].tolist() == [1] * count
    assert sum(array.nbytes for array in states.arrays) / count <= MOST_BYTES


def test_ids_of_any_length_stay_what_they_are_while_the_arrays_grow() -> None:
    ids = drawn_ids(3000)
    states = TripStates()
    for first in range(0, len(ids), 100):
        update(states, started(ids[first : first + 100]), PARAMETERS)
    update(states, started(ids, at_ms=1000), PARAMETERS)
    assert ids_in(states) == sorted(ids)
    assert set(states.arrays.heads["event_count"][states.slots()].tolist()) == {2}


@pytest.mark.parametrize(
    ("known", "other"),
    [
        (("trip_1", "veh", "d", "c"), ("trip_11", "veh", "d", "c")),
        (("trip_11", "veh", "d", "c"), ("trip_1", "veh", "d", "c")),
        (("a", "bc", "d", "c"), ("ab", "c", "d", "c")),
        (("a", "b", "d", "c"), ("b", "a", "d", "c")),
    ],
)
def test_trips_whose_ids_are_alike_are_two(known: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    states = TripStates()
    update(states, started([known, other]), PARAMETERS)
    assert ids_in(states) == sorted([known, other])


def test_texts_of_trips_that_are_gone_are_released() -> None:
    states = TripStates()
    for generation in range(40):
        ids = [(f"{generation}-{number}".ljust(64, "."), "v" * 64, "d" * 64, "c" * 64) for number in range(100)]
        update(states, started(ids, at_ms=generation * 1000), PARAMETERS)
        for slot in states.slots()[states.arrays.heads["status"][states.slots()] != 0]:
            evict(states.arrays, slot)
        if generation % 3 == 0:
            states.release_evicted()
    update(states, started([("last", "v", "d", "c")], at_ms=41_000), PARAMETERS)
    assert ids_in(states) == [("last", "v", "d", "c")]
    assert len(states.arrays.texts) < 4 * 300 * 256


def test_trips_that_stay_keep_their_ids_when_others_go() -> None:
    ids = drawn_ids(900)
    states = TripStates()
    update(states, started(ids), PARAMETERS)
    slots = states.slots()
    for slot in slots[np.arange(900) % 3 != 0]:
        evict(states.arrays, slot)
    used = int(states.arrays.partition["text_bytes"][0])
    update(states, started([("new", "v", "d", "c")], at_ms=1000), PARAMETERS)
    assert states.arrays.partition["text_bytes"][0] < used / 2
    kept = [of_trip for number, of_trip in enumerate(ids) if number % 3 == 0]
    assert ids_in(states) == sorted([*kept, ("new", "v", "d", "c")])
    update(states, started(kept, at_ms=2000), PARAMETERS)
    assert len(states) == len(kept) + 1, "they are found again"


def test_the_longest_window_with_the_longest_gaps_is_summed_rightly() -> None:
    parameters = kernel_parameters(ThresholdProfile(max_gap_s=3600), WindowSettings(window_s=3600))
    states = TripStates()
    begin_ms = 2_700_000  # to the next hour
    times = (0, 1, begin_ms - 2, begin_ms - 1, begin_ms + 3_599_998, begin_ms + 3_599_999, begin_ms + 3_600_001)
    rows = trip("trip_1", *times)
    emitted = update(states, EventColumns.of_frame(event_frame(*rows)), parameters)
    of_window = emitted.features[emitted.rows["kind"] == 0]
    assert of_window[:, FEATURE_NAMES.index("duration_s")].tolist() == [2699.999, 3600]
    closed = close_trips(states, parameters)
    assert closed.features[1, FEATURE_NAMES.index("duration_s")] == 6300.001


@pytest.mark.parametrize("name", ["max_gap_s", "max_difference_s"])
def test_intervals_longer_than_an_hour_are_refused_as_sums_of_windows_would_not_hold_them(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        ThresholdProfile.model_validate({name: 3601})


def test_a_chunk_that_no_record_can_hold_is_one_clear_error() -> None:
    owned = PartitionStates(TripStates(capacity=40_000, chunk_count=1))
    update(owned.states, started([(f"t{number}", "v", "d", "c") for number in range(40_000)]), PARAMETERS)
    stored = StoredStates(PARAMETERS, 1)
    assert dict(stored.pack(owned.states)).keys() == {0}
    random = np.random.default_rng(2)
    for name in ("trips", "windows", "cursors"):
        content = getattr(owned.states.arrays, name).view(np.uint8)
        content[:] = random.integers(0, 256, content.shape, np.uint8)
    with pytest.raises(ChunkTooLargeError, match=r"DRIVER_SCORE_WORKER__STATE_CHUNKS to more than 1,"):
        dict(stored.pack(owned.states))
    with pytest.raises(ChunkTooLargeError, match=r"a record may have 1\. .*DRIVER_SCORE_KAFKA__MAX_MESSAGE_BYTES"):
        dict(StoredStates(PARAMETERS, 1, max_bytes=2**20).pack(owned.states))


def test_ids_that_take_more_than_can_be_counted_are_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    states = TripStates()
    update(states, started(drawn_ids(100)), PARAMETERS)
    monkeypatch.setattr(trip_state, "_MOST_TEXTS", len(states.arrays.texts))
    with pytest.raises(StateError, match="Spread the vehicles over more partitions"):
        update(states, started(drawn_ids(200)), PARAMETERS)
