"""Trip states as stored chunks: what is restored goes on as if it had never been away."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from scoring.errors import StateError
from scoring.features.state_chunks import fingerprint_of, pack_chunk, read_header, unpack_chunk
from scoring.features.thresholds import ThresholdProfile, WindowSettings, kernel_parameters
from scoring.features.trip_state import TripStates
from scoring.features.update import DueFeatures, close_trips, update
from scoring.trip_events.columns import EventColumns
from stream_app.partition_states import PartitionStates, StoredStates
from stream_app.replay import append_trip_ends
from tests.event_frames import event_frame, trip

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())
CHUNKS = 4


def a_fleet(trips: int = 12, seconds: int = 200) -> EventColumns:
    """Return overlapping trips with some disorder, every sensor, reports of devices, and ends."""
    random = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    for number in range(trips):
        for row in trip(f"trip_{number}", *range(number * 700, (seconds + number) * 1000, 1000)):
            rows.append(
                {
                    **row,
                    "vehicle_id": f"veh_{number}",
                    "driver_id": f"drv_{number % 3}",
                    "vehicle_class": ("car", "truck")[number % 2],
                    "speed_kmh": float(random.uniform(0, 90)),
                    "acceleration_mps2": float(random.normal(0, 2)) if number % 3 else None,
                    "lateral_acceleration_mps2": float(random.normal(0, 2)) if number % 4 else None,
                    "heading_deg": float(random.uniform(0, 360)),
                    "speed_limit_kmh": 50.0 if number % 2 else None,
                    "event_id": f"event-{number}-{len(rows)}" if number % 2 else None,
                    "event_type": "phone_use" if random.random() < 0.02 else "sample",
                    "duration_s": 3.0,
                    "latitude": 48.1,
                    "longitude": 11.6,
                }
            )
    events = append_trip_ends(event_frame(*rows))
    arrival = events["timestamp_ms"] + pl.Series(random.integers(0, 6000, len(events)))
    arrived = events.with_columns(arrival=arrival).sort("arrival", maintain_order=True).drop("arrival")
    return EventColumns.of_frame(arrived)


def slot_of_trip(states: TripStates) -> dict[str, int]:
    slots = states.slots()
    return {trip_ids[0]: slot for trip_ids, slot in zip(states.ids_of(slots), slots.tolist(), strict=True)}


def chunk_of_trip(states: TripStates) -> dict[str, int]:
    chunks = states.chunks_of(np.array(list(slot_of_trip(states).values())))
    return dict(zip(slot_of_trip(states), chunks.tolist(), strict=True))


def restored(states: TripStates, **header: Any) -> TripStates:
    """Pack all chunks of states and unpack them into new ones."""
    fresh = TripStates(chunk_count=CHUNKS)
    for slots in states.slots_by_chunk():
        unpack_chunk(fresh, pack_chunk(states, slots, **{"included_offset": 7, "fingerprint": "f", **header}))
    return fresh


def due_by_trip(states: TripStates, *due: DueFeatures) -> dict[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return what is due, by the ids of the trip, comparable to the bit."""
    found: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for each in due:
        for trip_ids, row, features in zip(states.ids_of(each.rows["slot"]), each.rows, each.features, strict=True):
            of_trip = {name: row[name].item() for name in row.dtype.names if name != "slot"}
            found.setdefault(trip_ids, []).append((*of_trip.values(), features.tobytes()))
    return found


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_restored_states_go_on_as_if_they_had_never_been_away(share: float) -> None:
    events = a_fleet()
    part = int(len(events) * share)
    before, after = events.take(slice(0, part)), events.take(slice(part, None))
    kept = TripStates(chunk_count=CHUNKS)
    update(kept, before, PARAMETERS)
    back = restored(kept)
    assert slot_of_trip(back).keys() == slot_of_trip(kept).keys()

    expected = due_by_trip(kept, update(kept, after, PARAMETERS), close_trips(kept, PARAMETERS))
    assert due_by_trip(back, update(back, after, PARAMETERS), close_trips(back, PARAMETERS)) == expected


def test_restoring_twice_changes_no_more_than_where_pending_events_lie() -> None:
    states = TripStates(chunk_count=CHUNKS)
    update(states, a_fleet(), PARAMETERS)
    once, twice = restored(states), restored(restored(states))
    same = [name for name in once.arrays.heads.dtype.names if not name.startswith("pending_")]
    for trip_ids, slot in slot_of_trip(once).items():
        again = slot_of_trip(twice)[trip_ids]
        assert twice.arrays.heads[again][same] == once.arrays.heads[slot][same]
        assert twice.arrays.trips[again] == once.arrays.trips[slot]
        assert twice.arrays.windows[again] == once.arrays.windows[slot]


def test_a_trip_is_always_in_the_same_chunk() -> None:
    states = TripStates(chunk_count=CHUNKS)
    update(states, a_fleet(), PARAMETERS)
    other = TripStates(chunk_count=CHUNKS)
    update(other, a_fleet().take(slice(None, None, -1)), PARAMETERS)
    assert chunk_of_trip(states) == chunk_of_trip(other)
    assert len(set(chunk_of_trip(states).values())) > 1


def test_the_header_says_what_the_chunk_includes() -> None:
    states = TripStates(chunk_count=CHUNKS)
    update(states, a_fleet(), PARAMETERS)
    header = read_header(pack_chunk(states, states.slots(), included_offset=41, fingerprint="print"))
    assert (header.included_offset, header.fingerprint) == (41, "print")
    assert header.clock[0] == states.arrays.partition["clock_ms"][0] > 0


@pytest.mark.parametrize("packed", [b"", b"no line", b"\n", b"[]\n", b"{}\n", b'{"fingerprint": "f"}\n', b"\xff\n"])
def test_what_is_no_chunk_is_one_clear_error(packed: bytes) -> None:
    with pytest.raises(StateError, match="Delete the changelog topic"):
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


def test_equal_settings_have_the_same_fingerprint() -> None:
    assert fingerprint_of(kernel_parameters(ThresholdProfile(), WindowSettings())) == fingerprint_of(PARAMETERS)


def test_states_that_were_made_with_other_settings_are_left_unread() -> None:
    owned = StoredStates(PARAMETERS, CHUNKS).restore(0, {})
    update(owned.states, a_fleet(), PARAMETERS)
    packed = StoredStates(PARAMETERS, CHUNKS).pack_changed(owned)
    assert len(packed) == CHUNKS
    other = kernel_parameters(ThresholdProfile(stop_s=20), WindowSettings())
    assert len(StoredStates(other, CHUNKS).restore(0, packed).states) == 0
    assert len(StoredStates(PARAMETERS, CHUNKS).restore(0, packed).states) == len(owned.states)


def test_only_chunks_that_have_changed_are_packed() -> None:
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = PartitionStates(TripStates(chunk_count=CHUNKS))
    fleet = a_fleet()
    update(owned.states, fleet.take(slice(0, 500)), PARAMETERS)
    assert stored.pack_changed(owned).keys() == set(range(CHUNKS))
    assert stored.pack_changed(owned) == {}
    one = fleet.take(slice(500, None))
    one = one.take(np.array(one.ids("trip_id")) == "trip_3")
    update(owned.states, one, PARAMETERS)
    assert list(stored.pack_changed(owned)) == [chunk_of_trip(owned.states)["trip_3"]]


@pytest.mark.parametrize("crash", range(1, CHUNKS))
def test_a_crash_between_the_storing_of_two_chunks_counts_every_event_once(crash: int) -> None:
    events = a_fleet()
    offsets = np.arange(len(events)) + 100
    first, second = len(events) // 3, 2 * len(events) // 3
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = stored.restore(0, {})
    update(owned.states, events.take(slice(0, first)), PARAMETERS)
    owned.included_offset = int(offsets[first - 1])
    chunks = stored.pack_changed(owned)
    update(owned.states, events.take(slice(first, second)), PARAMETERS)
    owned.included_offset = int(offsets[second - 1])
    newer = stored.pack_changed(owned)
    expected = due_by_trip(owned.states, update(owned.states, events.take(slice(second, None)), PARAMETERS))

    chunks.update({chunk: newer[chunk] for chunk in range(crash)})  # the others were never stored
    back = stored.restore(0, chunks)
    replayed, replayed_offsets = events.take(slice(first, None)), offsets[first:]
    fresh = back.leave_out_included(replayed, replayed_offsets)
    assert 0 < len(replayed) - len(fresh) < second - first
    found = due_by_trip(back.states, update(back.states, fresh, PARAMETERS))
    for trip_ids, rows in expected.items():
        assert found[trip_ids][-len(rows) :] == rows

    after_replay = back.leave_out_included(events.take(slice(-1, None)), np.array([offsets[-1] + 1]))
    assert len(after_replay) == 1
    assert back.included_by_chunk == {}


@pytest.mark.parametrize("stored_since", range(CHUNKS + 1))
def test_a_crash_while_trips_are_closed_for_silence_closes_the_same_trips_again_whatever_came_since(
    stored_since: int,
) -> None:
    events = a_fleet()
    half = len(events) // 2
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = stored.restore(0, {})
    update(owned.states, events.take(slice(0, half)), PARAMETERS)
    owned.included_offset = half - 1
    chunks = stored.pack_changed(owned)
    closed = due_by_trip(owned.states, close_trips(owned.states, PARAMETERS))
    chunks_after = stored.pack_changed(owned)
    rest = events.take(slice(half, None))
    expected = due_by_trip(owned.states, update(owned.states, rest, PARAMETERS))

    chunks.update({chunk: chunks_after[chunk] for chunk in range(stored_since)})  # the others were never stored
    back = stored.restore(0, chunks, silent_after=half - 1)
    again = {} if back.closed is None else due_by_trip(back.states, back.closed)
    chunk_of = chunk_of_trip(owned.states)
    assert again == {ids: due for ids, due in closed.items() if chunk_of[ids[0]] >= stored_since}
    changed = set(np.flatnonzero(back.states.changed_chunks).tolist())
    assert changed == {chunk_of[ids[0]] for ids in again}
    assert due_by_trip(back.states, update(back.states, rest, PARAMETERS)) == expected


def test_a_chunk_stored_after_the_silence_keeps_its_open_trips_open() -> None:
    stored = StoredStates(PARAMETERS, CHUNKS)
    owned = stored.restore(0, {})
    update(owned.states, a_fleet(), PARAMETERS)
    owned.included_offset = 50
    chunks = stored.pack_changed(owned)
    assert stored.restore(0, chunks, silent_after=49).closed is None
    assert stored.restore(0, chunks, silent_after=50).closed is not None
