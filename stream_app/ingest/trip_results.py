"""Records of the internal topic of trip results into messages and rejects."""

from dataclasses import dataclass

from pydantic import ValidationError

from schemas.messages.dead_letter import RejectCode
from schemas.messages.trip_result import TripResult
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.ingest.rejects import Reject


@dataclass(frozen=True)
class DecodedResults:
    """A decoded batch of records.

    Attributes
    ----------
    results
        In the order of the records.
    rejects
        Records that can't be read, and why.
    """

    results: list[TripResult]
    rejects: list[Reject]


def decode_results(batch: RecordBatch) -> DecodedResults:
    """Decode a batch; no content of it raises an error.

    Raises
    ------
    CorruptRecordsError
        When the batch's own framing is broken.
    """
    records = batch.records()
    results, rejects = [], []
    for row, value in enumerate(records.values()):
        try:
            results.append(TripResult.model_validate_json(value or b""))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            problem = f"{field}: {first['msg']}" if field else first["msg"]
            rejects.append(Reject(records[row], RejectCode.INVALID_TRIP_RESULT, problem))
    return DecodedResults(results, rejects)
