"""Records of the internal topic of trip results: what newer workers add is ignored, what can't be read is rejected."""

import json
from datetime import UTC, datetime

import pytest

from schemas.messages.dead_letter import RejectCode
from stream_app.faust_bridge.record_batch import EncodedBatch, RecordBatch
from stream_app.ingest.trip_results import DecodedResults, decode_results

RESULT = {
    "trip_id": "trip_1",
    "vehicle_id": "veh_1",
    "driver_id": "drv_1",
    "client_id": "client_1",
    "revision": 2,
    "window_end": "2026-01-01T08:00:00.000Z",
    "distance_km": 12.5,
    "duration_s": 900.0,
    "score": 81.25,
    "model_version": "v1",
}


def decoded(*values: bytes | None) -> DecodedResults:
    records = [(b"drv_1", value) for value in values]
    [part] = decode_results(RecordBatch("driver-scores-by-driver", 0, [EncodedBatch.of_records(records)]))
    return part


def test_a_large_batch_is_decoded_in_parts_in_its_order() -> None:
    values = [json.dumps({**RESULT, "revision": number}).encode() for number in range(2500)]
    batch = EncodedBatch.of_records([(b"drv_1", value) for value in values])
    parts = list(decode_results(RecordBatch("driver-scores-by-driver", 0, [batch])))
    assert [result.revision for part in parts for result in part.results] == list(range(2500))
    assert max(len(part.results) for part in parts) <= 500


def test_a_result_has_what_a_profile_needs() -> None:
    [result] = decoded(json.dumps(RESULT).encode()).results
    assert result.model_dump() == RESULT | {"window_end": datetime(2026, 1, 1, 8, tzinfo=UTC)}


def test_fields_of_newer_workers_are_ignored() -> None:
    newer = decoded(json.dumps(RESULT | {"group_id": "depot_1", "interval": [70, 90]}).encode())
    assert newer == decoded(json.dumps(RESULT).encode())
    assert newer.rejects == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"not json", "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (json.dumps({**RESULT, "trip_id": "a b"}).encode(), "trip_id: "),
        (json.dumps({**RESULT, "score": 101}).encode(), "score: "),
        (json.dumps({name: RESULT[name] for name in RESULT if name != "window_end"}).encode(), "window_end: "),
    ],
)
def test_what_can_not_be_read_is_rejected_and_the_records_beside_it_count(value: bytes | None, message: str) -> None:
    good = json.dumps(RESULT).encode()
    both = decoded(good, value, good)
    assert len(both.results) == 2
    [reject] = both.rejects
    assert (reject.code, reject.record.offset, reject.record.value) == (RejectCode.INVALID_TRIP_RESULT, 1, value)
    assert message in reject.message
