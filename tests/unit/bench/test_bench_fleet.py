"""The fleet of the benchmark sends the same events one a message and in envelopes, in messages of the contract."""

import zlib
from datetime import datetime

from bench.fleet import TRIP_S, Fleet
from bench.sending import PARTITIONS, Content, ready_content
from schemas.messages.trip_event import TripEvent, TripEventBatch
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch

VEHICLES = 5
EVENTS = 2 * VEHICLES * TRIP_S


def _values(content: Content) -> list[tuple[int, bytes]]:
    values = []
    for batch in content.batches:
        count = batch.builder.record_count()
        built = memoryview(bytes(batch.builder._build()))
        encoded = EncodedBatch(0, count - 1, 0, count, 0, 0, built, 0, len(built))
        records = RecordBatch("", batch.partition, [encoded]).records()
        values += [(batch.partition, value) for value in records.values() if value is not None]
    return values


def test_envelopes_hold_the_events_of_single_messages() -> None:
    single = [
        (event.trip_id, event.timestamp, event.event_type)
        for event in (
            TripEvent.model_validate_json(value) for _, value in _values(ready_content(Fleet(VEHICLES), EVENTS))
        )
    ]
    content = ready_content(Fleet(VEHICLES), EVENTS, samples=30)
    envelopes = [TripEventBatch.model_validate_json(value) for _, value in _values(content)]
    assert content.records == len(envelopes)
    assert EVENTS / 30 <= len(envelopes) <= EVENTS / 30 + 3 * VEHICLES  # one more where a trip ends within it
    assert max(len(envelope.samples) for envelope in envelopes) == 30
    unpacked = [
        (envelope.trip_id, sample.timestamp, sample.event_type) for envelope in envelopes for sample in envelope.samples
    ]
    assert sorted(unpacked) == sorted(single)
    assert len(single) == EVENTS


def test_messages_of_a_vehicle_are_in_one_partition_in_the_order_of_time() -> None:
    newest: dict[str, datetime] = {}
    for partition, value in _values(ready_content(Fleet(VEHICLES), 2000)):
        event = TripEvent.model_validate_json(value)
        assert partition == zlib.crc32(event.vehicle_id.encode()) % PARTITIONS
        assert event.timestamp > newest.get(
            event.vehicle_id, event.timestamp.min.replace(tzinfo=event.timestamp.tzinfo)
        )
        newest[event.vehicle_id] = event.timestamp
    assert len(newest) == VEHICLES


def test_last_batch_ends_where_the_events_end() -> None:
    for samples in (1, 30):
        assert max(batch.end for batch in ready_content(Fleet(VEHICLES), 999, samples=samples).batches) == 999
