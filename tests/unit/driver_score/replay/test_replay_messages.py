import json
from itertools import chain
from typing import Any

import polars as pl
import pytest

from driver_score.replay import MessageSlice, event_messages, plan_sending
from driver_score.replay.messages import EVENTS_PER_SLICE
from schemas.errors import SettingsError
from schemas.messages.trip_event import TripEventBatch
from tests.support.examples.event_frames import event_frame, trip

IDS = {"trip_id": "trip_1", "vehicle_id": "veh_1", "driver_id": "drv_1", "client_id": "client_1"}


def encoded(events: pl.DataFrame, **options: int) -> list[MessageSlice]:
    return list(event_messages(plan_sending(events), **options))


def bodies(slices: list[MessageSlice]) -> list[Any]:
    return [json.loads(value) for value in chain.from_iterable(messages.values for messages in slices)]


def test_a_message_is_the_event_with_its_vehicle_as_key_and_nothing_that_is_unknown() -> None:
    (messages,) = encoded(event_frame({"speed_kmh": 48.1, "latitude": 51.123456789}))
    assert messages.keys == [b"veh_1"]
    assert messages.events.tolist() == [1]
    assert bodies([messages]) == [
        {
            **IDS,
            "vehicle_class": "car",
            "timestamp": 1_772_435_700_000,
            "event_type": "sample",
            "speed_kmh": 48.1,
            "latitude": 51.123456789,
        }
    ]


@pytest.mark.parametrize(
    ("offset_min", "timestamp"),
    [
        (None, 1_772_435_700_123),
        (0, "2026-03-02T07:15:00.123+00:00"),
        (60, "2026-03-02T08:15:00.123+01:00"),
        (-210, "2026-03-02T03:45:00.123-03:30"),
    ],
)
def test_time_is_iso_with_its_offset_where_that_is_known(offset_min: int | None, timestamp: object) -> None:
    events = event_frame({"timestamp_ms": 1_772_435_700_123, "utc_offset_min": offset_min})
    assert bodies(encoded(events))[0]["timestamp"] == timestamp


def test_known_and_unknown_offsets_stay_in_order_of_time() -> None:
    events = event_frame(*trip("a", 0, 2000, utc_offset_min=60), *trip("b", 1000, 3000))
    assert [body["trip_id"] for body in bodies(encoded(events))] == ["a", "b", "a", "b"]


def test_envelopes_hold_the_samples_of_one_trip_and_go_with_the_last_of_them() -> None:
    events = event_frame(*trip("a", 0, 1000, 2000), *trip("b", 500, 600, utc_offset_min=60))
    slices = encoded(events, envelope=2)
    batches = [TripEventBatch.model_validate(body) for body in bodies(slices)]
    assert [(batch.trip_id, len(batch.samples)) for batch in batches] == [("b", 2), ("a", 2), ("a", 1)]
    assert [int(ms) for messages in slices for ms in messages.send_ms - messages.send_ms[0]] == [0, 400, 1400]
    assert [count for messages in slices for count in messages.events.tolist()] == [2, 2, 1]


def test_copies_are_fleets_of_their_own() -> None:
    events = event_frame(*trip("a", 0, 1000, event_id="e"))
    slices = encoded(events, copies=3)
    ids = [(body["trip_id"], body["vehicle_id"], body["driver_id"], body["client_id"]) for body in bodies(slices)]
    fleet = [("a", "veh_1", "drv_1", "client_1")]
    fleet += [(f"a.{n}", f"veh_1.{n}", f"drv_1.{n}", "client_1") for n in (2, 3)]
    assert ids == fleet * 2
    assert [body["event_id"] for body in bodies(slices)] == ["e", "e.2", "e.3"] * 2
    assert slices[0].keys == [b"veh_1", b"veh_1.2", b"veh_1.3"] * 2


@pytest.mark.parametrize("options", [{}, {"copies": 4}, {"envelope": 7}, {"copies": 3, "envelope": 7}])
def test_slices_are_bounded_and_lose_nothing(options: dict[str, int]) -> None:
    rows = EVENTS_PER_SLICE * 2 + 1
    events = pl.concat([event_frame({})] * rows).with_columns(pl.col("timestamp_ms") + pl.int_range(rows) * 10)
    slices = encoded(events, **options)
    sizes = [int(messages.events.sum()) for messages in slices]
    assert sum(sizes) == rows * options.get("copies", 1)
    assert len(slices) > 1
    assert max(sizes) <= EVENTS_PER_SLICE


@pytest.mark.parametrize("options", [{"copies": 0}, {"envelope": 0}, {"envelope": 10_001}])
def test_numbers_out_of_range_are_refused_at_once(options: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=next(iter(options))):
        event_messages(plan_sending(event_frame({})), **options)


def test_an_id_that_gets_too_long_by_copying_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match=r"trip_id x{63}"):
        event_messages(plan_sending(event_frame({"trip_id": "x" * 63})), copies=2)


def test_no_events_are_no_messages() -> None:
    assert encoded(event_frame()) == []
    assert encoded(event_frame(), envelope=5) == []
