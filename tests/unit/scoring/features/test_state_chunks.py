"""Trip states as stored chunks: restored states emit the same as states that were never stored."""

from dataclasses import replace

import numpy as np
import pytest

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.errors import StateError
from scoring.features.parameters import kernel_parameters
from scoring.features.state.chunks import fingerprint_of, pack_chunk, read_header, unpack_chunk
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update
from stream_app.state.partition_states import PartitionStates, StoredStates
from tests.support.examples.overlapping_trips import emitted_by_trip, overlapping_trips

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())
CHUNKS = 4


def slot_of_trip(states: TripStates) -> dict[str, int]:
    slots = states.slots()
    return {trip_ids[0]: slot for trip_ids, slot in zip(states.ids_of(slots), slots.tolist(), strict=True)}


def chunk_of_trip(states: TripStates) -> dict[str, int]:
    chunks = states.chunks_of(np.array(list(slot_of_trip(states).values())))
    return dict(zip(slot_of_trip(states), chunks.tolist(), strict=True))


def restored(states: TripStates) -> TripStates:
    """Pack all chunks of states and unpack them into new ones."""
    fresh = TripStates(chunk_count=CHUNKS)
    for slots in states.slots_by_chunk():
        unpack_chunk(fresh, pack_chunk(states, slots, fingerprint="f"))
    return fresh


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_restored_states_emit_the_same_as_states_that_were_never_stored(share: float) -> None:
    events = overlapping_trips()
    part = int(len(events) * share)
    before, after = events.take(slice(0, part)), events.take(slice(part, None))
    kept = TripStates(chunk_count=CHUNKS)
    update(kept, before, PARAMETERS)
    back = restored(kept)
    assert slot_of_trip(back).keys() == slot_of_trip(kept).keys()

    expected = emitted_by_trip(update(kept, after, PARAMETERS), close_trips(kept, PARAMETERS))
    assert emitted_by_trip(update(back, after, PARAMETERS), close_trips(back, PARAMETERS)) == expected


def test_restoring_twice_changes_only_the_places_of_pending_events() -> None:
    states = TripStates(chunk_count=CHUNKS)
    update(states, overlapping_trips(), PARAMETERS)
    once, twice = restored(states), restored(restored(states))
    names = once.arrays.heads.dtype.names
    assert names is not None
    same = [name for name in names if not name.startswith("pending_") and name not in ("newer", "older")]
    for trip_ids, slot in slot_of_trip(once).items():
        again = slot_of_trip(twice)[trip_ids]
        assert twice.arrays.heads[again][same] == once.arrays.heads[slot][same]
        assert twice.arrays.trips[again] == once.arrays.trips[slot]
        assert twice.arrays.windows[again] == once.arrays.windows[slot]


def test_a_trip_is_always_in_the_same_chunk() -> None:
    states = TripStates(chunk_count=CHUNKS)
    update(states, overlapping_trips(), PARAMETERS)
    other = TripStates(chunk_count=CHUNKS)
    update(other, overlapping_trips().take(slice(None, None, -1)), PARAMETERS)
    assert chunk_of_trip(states) == chunk_of_trip(other)
    assert len(set(chunk_of_trip(states).values())) > 1


def test_the_header_describes_the_chunk() -> None:
    states = TripStates(chunk_count=CHUNKS)
    update(states, overlapping_trips(), PARAMETERS)
    header = read_header(pack_chunk(states, states.slots(), fingerprint="print"))
    assert (header.trips, header.fingerprint) == (len(states), "print")
    assert header.clock[0] == states.arrays.partition["clock_ms"][0] > 0


@pytest.mark.parametrize("packed", [b"", b"no line", b"\n", b"[]\n", b"{}\n", b'{"fingerprint": "f"}\n', b"\xff\n"])
def test_bytes_that_are_no_chunk_are_one_clear_error(packed: bytes) -> None:
    with pytest.raises(StateError, match="driver-score reprocess"):
        read_header(packed)


@pytest.mark.parametrize(
    ("profile", "windows"),
    [
        (ThresholdProfile(stop_s=20), WindowSettings()),
        (ThresholdProfile(hard_events={}), WindowSettings()),
        (ThresholdProfile(), WindowSettings(window_s=30)),
        (ThresholdProfile(), WindowSettings(grace_s=5)),
    ],
)
def test_other_settings_have_another_fingerprint(profile: ThresholdProfile, windows: WindowSettings) -> None:
    assert fingerprint_of(kernel_parameters(profile, windows)) != fingerprint_of(PARAMETERS)


@pytest.mark.parametrize("windows", [WindowSettings(), WindowSettings(max_vehicle_trips=100, max_partition_trips=1000)])
def test_equal_settings_and_other_maxima_of_trips_have_the_same_fingerprint(windows: WindowSettings) -> None:
    assert fingerprint_of(kernel_parameters(ThresholdProfile(), windows)) == fingerprint_of(PARAMETERS)


def packed_changes(stored: StoredStates, owned: PartitionStates) -> dict[int, bytes]:
    copied = stored.copy_changed(owned)
    return {} if copied is None else dict(stored.pack(copied))


def test_states_of_other_settings_are_dropped() -> None:
    owned = StoredStates(PARAMETERS, CHUNKS).restore(0, {})
    update(owned.states, overlapping_trips(), PARAMETERS)
    packed = packed_changes(StoredStates(PARAMETERS, CHUNKS), owned)
    assert len(packed) == CHUNKS
    other = kernel_parameters(ThresholdProfile(stop_s=20), WindowSettings())
    assert len(StoredStates(other, CHUNKS).restore(0, packed).states) == 0
    assert len(StoredStates(PARAMETERS, CHUNKS).restore(0, packed).states) == len(owned.states)


def test_only_chunks_that_have_changed_are_packed() -> None:
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = PartitionStates(TripStates(chunk_count=CHUNKS))
    fleet = overlapping_trips()
    update(owned.states, fleet.take(slice(0, 500)), PARAMETERS)
    assert packed_changes(stored, owned).keys() == set(range(CHUNKS))
    assert packed_changes(stored, owned) == {}
    one = fleet.take(slice(500, None))
    one = one.take(np.array(one.ids("trip_id")) == "trip_3")
    update(owned.states, one, PARAMETERS)
    assert list(packed_changes(stored, owned)) == [chunk_of_trip(owned.states)["trip_3"]]


def test_a_copy_is_packed_unchanged_while_events_are_processed() -> None:
    stored, fleet = StoredStates(PARAMETERS, CHUNKS), overlapping_trips()
    owned = stored.restore(0, {})
    update(owned.states, fleet.take(slice(0, 500)), PARAMETERS)
    copied = stored.copy_changed(owned)
    assert copied is not None
    at_once = dict(stored.pack(copied))
    update(owned.states, fleet.take(slice(500, None)), PARAMETERS)
    assert dict(stored.pack(copied)) == at_once


def test_events_that_are_included_are_left_out_when_they_are_read_again() -> None:
    events = overlapping_trips()
    events = replace(events, offsets=np.arange(len(events)) + 100)
    back = StoredStates(PARAMETERS, CHUNKS).restore(0, {}, included_offset=149)
    assert len(back.leave_out_included(events)) == len(events) - 50
    assert len(back.leave_out_included(events.take(slice(0, 50)))) == 0
    later = events.take(slice(50, None))
    assert back.leave_out_included(later) is later


@pytest.mark.parametrize("is_stored", [False, True], ids=["closed states were not stored", "they were"])
def test_a_crash_while_trips_are_closed_for_silence_closes_the_same_trips_again_whatever_came_since(
    *, is_stored: bool
) -> None:
    events = overlapping_trips()
    half = len(events) // 2
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = stored.restore(0, {})
    update(owned.states, events.take(slice(0, half)), PARAMETERS)
    chunks = packed_changes(stored, owned)
    closed = emitted_by_trip(close_trips(owned.states, PARAMETERS))
    chunks_after = packed_changes(stored, owned)
    remaining = events.take(slice(half, None))
    expected = emitted_by_trip(update(owned.states, remaining, PARAMETERS))

    back = stored.restore(0, chunks_after if is_stored else chunks, half - 1, silent_after=half - 1)
    again = []
    while len(slots := back.take_closing(2)) > 0:  # in slices
        again.append(close_trips(back.states, PARAMETERS, slots))
    assert emitted_by_trip(*again) == ({} if is_stored else closed)
    assert back.states.changed_chunks.any() != is_stored, "what was closed is to be stored"
    assert emitted_by_trip(update(back.states, remaining, PARAMETERS)) == expected


def test_states_that_include_more_than_the_silence_keep_their_open_trips_open() -> None:
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = stored.restore(0, {})
    update(owned.states, overlapping_trips(), PARAMETERS)
    chunks = packed_changes(stored, owned)
    assert stored.restore(0, chunks, 50, silent_after=49).closing.size == 0
    assert stored.restore(0, chunks, 50, silent_after=50).closing.size > 0


def test_few_changed_chunks_are_packed_as_they_are_and_many_are_copied_first() -> None:
    stored = StoredStates(PARAMETERS, 12)
    owned = stored.restore(0, {})
    update(owned.states, overlapping_trips(), PARAMETERS)
    assert stored.pack_little(owned) is None
    copied = stored.copy_changed(owned)
    assert copied is not None
    every = dict(stored.pack(copied))

    assert stored.pack_little(owned) == {}
    few = sorted(every)[:4]
    owned.states.changed_chunks[few] = True
    assert stored.pack_little(owned) == {chunk: every[chunk] for chunk in few}
    assert not owned.states.changed_chunks.any()
    owned.states.changed_chunks[few] = True
    again = stored.copy_changed(owned)
    assert again is not None
    assert dict(stored.pack(again)) == {chunk: every[chunk] for chunk in few}
