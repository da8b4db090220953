"""Records of the internal topic of trip results into messages and rejects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from schemas.messages.dead_letter import RejectCode
from schemas.messages.trip_result import TripResult
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.ingest.rejects import Reject

_DECODED_TOGETHER: Final = 500
"""A fetch has up to 30,000, which take some 4 KB each until their profiles are sent."""


@dataclass(frozen=True)
class DecodedResults:
    """Decoded records of a batch.

    Attributes
    ----------
    results
        In the order of the records.
    rejects
        Records that can't be read, and why.
    """

    results: list[TripResult]
    rejects: list[Reject]


def decode_results(batch: RecordBatch) -> Iterator[DecodedResults]:
    """Decode a batch in parts, so that memory is bounded; no content of it raises an error.

    Raises
    ------
    CorruptRecordsError
        When the batch's own framing is broken.
    """
    records = batch.records()
    values = records.values()
    for first in range(0, len(values), _DECODED_TOGETHER):
        results, rejects = [], []
        for row in range(first, min(first + _DECODED_TOGETHER, len(values))):
            try:
                results.append(TripResult.model_validate_json(values[row] or b""))
            except ValidationError as error:
                rejects.append(Reject(records[row], RejectCode.INVALID_TRIP_RESULT, _describe(error)))
        yield DecodedResults(results, rejects)


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else first["msg"]
