"""Drivers of a trip: each is rated by what they drove, and nobody by what another person did."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.events.columns import EventColumns
from scoring.features.emitted import published_ids
from scoring.features.late_trips import correct_trip, drivers_trips
from scoring.features.state.chunks import fingerprint_of, pack_chunk, unpack_chunk
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update
from tests.reference.random_trips import NOON_MS, Event, event, frame_of, make_trip
from tests.reference.streaming import Partition

TRIP_S = 600
NOBODY = None


def driven_by(events: list[Event], *drivers: str | None) -> list[Event]:
    """Give a trip of which each of these, one after another, drives an equal share."""
    share = -(-len(events) // len(drivers))
    return [one | {"driver_id": drivers[place // share]} for place, one in enumerate(events)]


def trip() -> list[Event]:
    """Give a trip with a hard brake each 30 s."""
    speeds = [50.0 + 0.3 * (second % 2) for second in range(TRIP_S)]
    for second in range(20, TRIP_S, 30):
        speeds[second : second + 3] = [36.0, 22.0, 36.0]
    return [event(NOON_MS + 1000 * second, speed_kmh=speed) for second, speed in enumerate(speeds)]


def finals(events: list[Event]) -> dict[tuple[str, str], bytes]:
    """Give the features of the last final score of each trip and driver."""
    partition = Partition()
    emitted = [update(partition.states, EventColumns.of_frame(frame_of(events)), partition.parameters)]
    emitted.append(close_trips(partition.states, partition.parameters))
    found = {}
    for part in emitted:
        for ids, row, features in zip(part.ids(), part.rows, part.features, strict=True):
            if row["final"] and row["kind"] == 1:
                found[ids[0], ids[2]] = features.tobytes()
    return found


def test_each_driver_has_a_trip_with_what_they_drove() -> None:
    events = driven_by(trip(), "drv_1", "drv_2")
    alone = {
        name: finals([one for one in events if one["driver_id"] == name])["trip_1", name] for name in ("drv_1", "drv_2")
    }
    assert finals(events) == {("trip_1", "drv_1"): alone["drv_1"], ("trip_1.2", "drv_2"): alone["drv_2"]}


def test_a_driver_who_takes_over_again_goes_on_with_their_own_trip() -> None:
    events = driven_by(trip(), "drv_1", "drv_2", "drv_1")
    assert set(finals(events)) == {("trip_1", "drv_1"), ("trip_1.2", "drv_2")}


def test_a_driver_who_logs_in_late_has_the_trip_from_its_start() -> None:
    whole = finals(driven_by(trip(), "drv_7"))
    assert finals(driven_by(trip(), NOBODY, "drv_7", NOBODY)) == whole


def test_rows_without_a_driver_are_of_the_one_who_logged_in_before() -> None:
    events = driven_by(trip(), NOBODY, "drv_1", NOBODY, "drv_2", NOBODY)
    assert finals(events) == finals(driven_by(trip(), "drv_1", "drv_1", "drv_1", "drv_2", "drv_2"))


def test_a_trip_without_a_driver_is_of_the_vehicles_own() -> None:
    assert set(finals(driven_by(trip(), NOBODY))) == {("trip_1", "drv_veh_trip_1")}


def test_an_id_that_gets_a_number_or_a_prefix_stays_an_id() -> None:
    longest = "t" * 64
    assert published_ids((longest, "v", "d", "c"), 12)[0] == "t" * 61 + ".12"
    assert published_ids(("t", "v" * 64, "", "c"), 1)[2] == "drv_" + "v" * 60


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_drivers_are_rated_as_if_each_had_driven_alone(seed: int) -> None:
    draw = random.Random(seed)
    events = make_trip(seed, samples=60)
    names = [f"drv_{draw.randrange(3)}" for _ in range(draw.randrange(1, 5))]
    events = driven_by(events, *names)
    for one in events:
        one["event_id"] = None
    expected = {
        name: finals([one | {"trip_id": "alone"} for one in events if one["driver_id"] == name])["alone", name]
        for name in set(names)
    }
    assert {driver: features for (_, driver), features in finals(events).items()} == expected


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_batches_and_restarts_change_nothing(seed: int) -> None:
    draw = random.Random(seed)
    drivers = [draw.choice((NOBODY, "drv_1", "drv_2", "drv_3")) for _ in range(6)]
    events = driven_by(make_trip(seed, samples=200), *drivers)
    whole, parts = Partition(), Partition()
    expected = emitted_ids(whole, events)
    found = []
    end = 0
    while end < len(events):
        start, end = end, end + draw.randrange(1, 30)
        found += emitted_ids(parts, events[start:end])
        slots = parts.states.slots()
        packed = pack_chunk(parts.states, slots, fingerprint=fingerprint_of(parts.parameters))
        parts.states = TripStates()
        unpack_chunk(parts.states, packed)
    assert sorted(found) == sorted(expected)
    whole.close()
    parts.close()
    newest = [
        {(row.trip, row.kind, row.window_start_ms): row.features.tobytes() for row in side.emitted}
        for side in (whole, parts)
    ]
    assert newest[0] == newest[1]


def emitted_ids(partition: Partition, events: list[Event]) -> list[tuple[Any, ...]]:
    """Process events in one batch; give ids, kind, end, revision and features of what is emitted."""
    columns = EventColumns.of_frame(frame_of(events))
    emitted = update(partition.states, columns, partition.parameters)
    return [
        (*ids, int(row["kind"]), int(row["window_end_ms"]), int(row["revision"]), features.tobytes())
        for ids, row, features in zip(emitted.ids(), emitted.rows, emitted.features, strict=True)
    ]


def test_a_driver_who_logs_in_changes_no_other_id() -> None:
    events = [one | {"client_id": one["driver_id"] or "client_1"} for one in driven_by(trip(), NOBODY, "drv_7")]
    assert {row[:4] for row in emitted_ids(Partition(), events)} == {
        ("trip_1", "veh_trip_1", driver, "client_1") for driver in ("drv_veh_trip_1", "drv_7")
    }


def test_what_is_emitted_before_a_driver_logs_in_has_none_and_the_correction_has_the_driver() -> None:
    events = driven_by(trip(), NOBODY, "drv_7")
    partition = Partition()
    ids = [row[:3:2] for row in emitted_ids(partition, events)]
    assert ids[0] == ("trip_1", "drv_veh_trip_1")
    assert ids[-1] == ("trip_1", "drv_7")
    [late] = drivers_trips(EventColumns.of_frame(frame_of(events)))
    corrected = correct_trip(late, EventColumns.of_frame(frame_of(events)), partition.parameters).emitted
    assert {row[2] for row in corrected.ids()} == {"drv_7"}


@pytest.mark.parametrize("late_driver", ["drv_1", "drv_2"])
def test_a_late_block_is_taken_into_the_trip_of_its_driver(late_driver: str) -> None:
    events = driven_by(trip(), "drv_1", "drv_2")
    is_late = [one["driver_id"] == late_driver and place % 300 in range(100, 200) for place, one in enumerate(events)]
    arrival = [one for one, late in zip(events, is_late, strict=True) if not late]
    arrival += [one for one, late in zip(events, is_late, strict=True) if late]
    partition = Partition()
    partition.send(arrival)
    partition.close()
    [late] = partition.states.late_trips.values()
    assert late.ids[2] == late_driver
    partition.correct()
    last = {row.trip: row for row in partition.emitted if row.kind == "trip" and row.final}
    ids = {"drv_1": "trip_1", "drv_2": "trip_1.2"}
    expected = finals(events)
    for driver, trip_id in ids.items():
        assert last[trip_id].features.tobytes() == expected[trip_id, driver]
        assert last[trip_id].late_event_count == 0


def test_all_drivers_of_a_trip_are_computed_again_from_its_events() -> None:
    events = driven_by(trip(), NOBODY, "drv_1", "drv_2")
    columns = EventColumns.of_frame(frame_of(events[::-1]))
    columns.offsets[:] = np.arange(len(columns))
    trips = drivers_trips(columns)
    assert [(late.ids[2], late.part) for late in trips] == [("drv_2", 1), ("drv_1", 2)], "in order of arrival"
    corrected = [correct_trip(late, columns, Partition().parameters).emitted for late in trips]
    assert [part.ids()[-1][:3:2] for part in corrected] == [("trip_1", "drv_2"), ("trip_1.2", "drv_1")]
    assert [part.features[-1].tobytes() for part in corrected] == [
        finals(events)["trip_1.2", "drv_2"],
        finals(events)["trip_1", "drv_1"],
    ]
