"""The peers of the benchmark do the same job as each other, however the events are batched."""

import io

import pytest

from bench.fleet import Fleet
from bench.peers.peer_job import EndedPart, Trip, take_event
from bench.peers.polars_loop import OpenTrips, read_events
from schemas.messages.trip_event import TripEvent


def _messages(events: int) -> list[bytes]:
    lines = io.BytesIO()
    for frame in Fleet(7).frames(events):
        frame.drop("vehicle").write_ndjson(lines)
    return lines.getvalue().splitlines()


def _one_by_one(messages: list[bytes]) -> list[EndedPart]:
    trips: dict[tuple[str, str], Trip] = {}
    parts = []
    for message in messages:
        event = TripEvent.model_validate_json(message)
        key = event.vehicle_id, event.trip_id
        trip, ended = take_event(trips.get(key), event)
        if trip is not None:
            trips[key] = trip
        parts += ended
    return parts


def _order(part: EndedPart) -> tuple[str, str, str]:
    return part.ids["trip_id"], part.ids["timestamp"], part.kind


@pytest.mark.parametrize("batch", [1, 501, 20_000])
def test_polars_loop_ends_the_same_parts_with_the_same_sums_as_one_event_at_a_time(batch: int) -> None:
    messages = _messages(1000 if batch == 1 else 12_000)
    expected = sorted(_one_by_one(messages), key=_order)
    trips = OpenTrips()
    parts = [
        part
        for begin in range(0, len(messages), batch)
        for part in trips.take(read_events(messages[begin : begin + batch]))
    ]
    parts.sort(key=_order)
    assert [(part.kind, part.ids) for part in parts] == [(part.kind, part.ids) for part in expected]
    assert len(parts) >= 14
    for part, other in zip(parts, expected, strict=True):
        assert part.sums == pytest.approx(other.sums, rel=1e-9)


def test_repeated_and_late_events_count_once_in_every_peer() -> None:
    messages = _messages(2000)
    disturbed = [message for place in range(0, 2000, 100) for message in (messages[place : place + 100] * 2)[:150]]
    expected = sorted(_one_by_one(disturbed), key=_order)
    trips = OpenTrips()
    parts = sorted(trips.take(read_events(disturbed)), key=_order)
    assert [part.ids for part in parts] == [other.ids for other in expected]
    for part, other in zip(parts, expected, strict=True):
        assert part.sums == pytest.approx(other.sums)


def test_messages_that_break_the_contract_are_left_out_by_the_polars_loop() -> None:
    good = _messages(1)[0]
    bad = [
        good.replace(b'"veh-', b'"veh '),
        good.replace(b'"speed_kmh":', b'"speed_kmh":9'),
        good.replace(b"T07", b"x"),
    ]
    assert read_events([good, *bad]).height == 1
