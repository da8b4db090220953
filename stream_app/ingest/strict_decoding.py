"""Records through the models of ``schemas``, one by one: the judge of what the fast path can't vouch for."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.event_frame import EVENT_SCHEMA
from schemas.messages.dead_letter import RejectCode
from schemas.messages.optional_fields import FieldFault
from schemas.messages.trip_event import MAX_ID_BYTES, MAX_SAMPLES, Sample, TripEvent, TripIds
from stream_app.faust_bridge.record_batch import KafkaRecord
from stream_app.ingest.rejects import Reject

_CODE_OF_ERROR: Final = {
    "missing": RejectCode.MISSING_FIELD,
    "string_pattern_mismatch": RejectCode.ILLEGAL_ID,
}
"""Code of each kind of pydantic error; every other kind is a wrong type."""

_JSON_TYPES: Final = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
"""JSON's names of what `json.loads` returns."""

_MAX_NAMED_SAMPLES: Final = 5
"""A message names this many bad samples of an envelope; the dead letter has the original."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_SAMPLE_FIELDS: Final = set(Sample.model_fields) & set(EVENT_SCHEMA)

_Row: TypeAlias = dict[str, Any]
_Faults: TypeAlias = Counter[tuple[str, FieldFault]]

_ILLEGAL_ID: Final = (
    f"an id has 1 to {MAX_ID_BYTES} of A to Z, a to z, 0 to 9 and _ . : - only; have the sender replace other "
    "characters, such as blanks and letters of other alphabets, for example by _"
)
"""Not replaced here: two ids could become one, and the trips of two vehicles with them."""


@dataclass(frozen=True)
class StrictlyDecoded:
    """What became of records.

    Attributes
    ----------
    events
        Event frame with the column ``record``: the position of each event's record in the batch.
    rejects
        Records that are invalid, or have invalid samples, and why; the latter's valid samples are events.
    faults
        Events by field and fault of their optional fields.
    """

    events: pl.DataFrame
    rejects: list[Reject]
    faults: _Faults


class _UnusableError(Exception):
    """Why a value can't be used."""

    def __init__(self, code: RejectCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class StrictDecoder:
    """Decodes records one by one.

    Parameters
    ----------
    max_value_bytes
        A longer value is rejected undecoded.
    """

    def __init__(self, *, max_value_bytes: int) -> None:
        self._max_value_bytes = max_value_bytes

    def decode(self, records: Iterable[tuple[int, KafkaRecord]], latest_ms: int) -> StrictlyDecoded:
        """Decode records, given with their position in the batch."""
        rows: list[_Row] = []
        rejects: list[Reject] = []
        faults: _Faults = Counter()
        for position, record in records:
            try:
                usable, problem = self._decode_value(record.value, latest_ms, faults)
            except _UnusableError as error:
                usable, problem = [], error
            rows.extend({"record": position, **row} for row in usable)
            if problem is not None:
                rejects.append(Reject(record, problem.code, str(problem)))
        return StrictlyDecoded(pl.DataFrame(rows, schema={"record": pl.Int64(), **EVENT_SCHEMA}), rejects, faults)

    def _decode_value(
        self, value: bytes | None, latest_ms: int, faults: _Faults
    ) -> tuple[list[_Row], _UnusableError | None]:
        content = _parse_object(value, self._max_value_bytes)
        its_faults: dict[str, FieldFault] = {}
        if content.get("samples") is None:
            event = _validate(TripEvent, content, its_faults)
            row = _row(event, event, content, latest_ms)
            faults.update(its_faults.items())
            return [row], None
        ids = _validate(TripIds, content, its_faults)
        samples = _parse_samples(content["samples"])
        if not samples:
            raise _UnusableError(RejectCode.NOTHING_MEASURED, "samples: the list is empty")
        if len(samples) > MAX_SAMPLES:
            raise _UnusableError(RejectCode.TOO_LARGE, f"samples: {len(samples)} are more than {MAX_SAMPLES}")
        rows: list[_Row] = []
        problems: list[str] = []
        for position, sample in enumerate(samples):
            of_sample = dict(its_faults)
            try:
                rows.append(_row(ids, _validate(Sample, sample, of_sample), sample, latest_ms))
            except _UnusableError as error:
                problems.append(f"sample {position}: {error}")
            else:
                faults.update(of_sample.items())
        if not problems:
            return rows, None
        more = f"; and {len(problems) - _MAX_NAMED_SAMPLES} more" if len(problems) > _MAX_NAMED_SAMPLES else ""
        message = f"{len(problems)} of {len(samples)} samples: {'; '.join(problems[:_MAX_NAMED_SAMPLES])}{more}"
        return rows, _UnusableError(RejectCode.BAD_SAMPLES, message)


def _parse_object(value: bytes | None, max_value_bytes: int) -> dict[str, Any]:
    if not value:
        raise _UnusableError(RejectCode.EMPTY_VALUE, "the message has no value")
    if len(value) > max_value_bytes:
        raise _UnusableError(RejectCode.TOO_LARGE, f"{len(value)} bytes are more than {max_value_bytes}")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise _UnusableError(RejectCode.INVALID_UTF8, f"byte {error.start} is not UTF-8") from error
    try:
        content = _parse_json(text)
    except (ValueError, RecursionError) as error:
        raise _UnusableError(RejectCode.NOT_JSON, str(error)) from error
    if not isinstance(content, dict):
        raise _UnusableError(RejectCode.NOT_AN_OBJECT, f"expected a JSON object, got {_JSON_TYPES[type(content)]}")
    return content


def _parse_json(text: str) -> Any:
    """Parse JSON; of a name that stands twice in an object the first counts, as Polars has it."""
    return json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)))


def _parse_samples(given: object) -> list[Any]:
    """Take the samples of an envelope: a list, or the text of one, as devices send that wrap JSON in JSON."""
    samples = given
    if isinstance(given, str):
        with contextlib.suppress(ValueError, RecursionError):
            samples = _parse_json(given)
    if not isinstance(samples, list):
        raise _UnusableError(RejectCode.WRONG_TYPE, "samples: must be a list")
    return samples


_Model = TypeVar("_Model", bound=BaseModel)


def _validate(model: type[_Model], content: object, faults: dict[str, FieldFault]) -> _Model:
    try:
        return model.model_validate(content, context=faults)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise _UnusableError(_code_of(first), _describe(first)) from error


def _code_of(error: ErrorDetails) -> RejectCode:
    field = error["loc"][0] if error["loc"] else None
    if error["type"] == "value_error":
        return RejectCode.ILLEGAL_TIMESTAMP if field == "timestamp" else RejectCode.NOTHING_MEASURED
    if field == "timestamp" and error["type"] == "greater_than_equal":
        return RejectCode.TIMESTAMP_OUT_OF_RANGE
    if field == "timestamp" and error["type"] != "missing":
        return RejectCode.ILLEGAL_TIMESTAMP
    return _CODE_OF_ERROR.get(error["type"], RejectCode.WRONG_TYPE)


def _describe(error: ErrorDetails) -> str:
    field = ".".join(str(part) for part in error["loc"])
    text = _ILLEGAL_ID if _code_of(error) is RejectCode.ILLEGAL_ID else error["msg"]
    return f"{field}: {text}" if field else text


def _row(ids: TripIds, sample: Sample, content: dict[str, Any], latest_ms: int) -> _Row:
    """Make a row of an event frame; a timestamp too far ahead is refused here, as the models know no clock."""
    timestamp_ms = (sample.timestamp - _EPOCH) // timedelta(milliseconds=1)
    if timestamp_ms > latest_ms:
        raise _UnusableError(
            RejectCode.TIMESTAMP_OUT_OF_RANGE, f"timestamp: {sample.timestamp.isoformat()} lies in the future"
        )
    given = content["timestamp"]
    offset = (
        sample.timestamp.utcoffset()
        if isinstance(given, str) and not given.endswith("Z") and not given.isdigit()
        else None
    )
    return {
        **ids.model_dump(include=set(TripIds.model_fields)),
        **sample.model_dump(include=_SAMPLE_FIELDS),
        "timestamp_ms": timestamp_ms,
        "utc_offset_min": None if offset is None else int(offset.total_seconds() // 60),
    }
