"""JSON lines: one TripEvent or TripEventBatch a line, gzipped or not."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from schemas.event_frame import EVENT_SCHEMA
from schemas.messages.optional_fields import FieldFault
from schemas.messages.trip_event import Sample, TripEvent, TripIds
from scoring.errors import InputFileError
from scoring.trip_files.rows.trip_split import split_by_driver
from scoring.trip_files.summary import ReadSummary, TripFile

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MINUTE: Final = timedelta(minutes=1)
_ROWS_PER_FRAME: Final = 50_000
"""Python rows held before they become columns: some 50 MB."""

_Row = tuple[Any, ...]
_Model = TypeVar("_Model", bound=BaseModel)
_TRIP_FIELDS: Final = [name for name in EVENT_SCHEMA if name in TripIds.model_fields]
_SAMPLE_FIELDS: Final = [name for name in EVENT_SCHEMA if name in Sample.model_fields]
_ROW_SCHEMA: Final = {
    **{
        name: pl.Float64() if EVENT_SCHEMA[name].is_float() else EVENT_SCHEMA[name]
        for name in _TRIP_FIELDS + _SAMPLE_FIELDS
    },
    "timestamp_ms": pl.Int64(),
    "utc_offset_min": pl.Int16(),
}


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines as they are, bad ones too, without their line end; empty lines are left out.

    Raises
    ------
    InputFileError
        If the file can't be read, or its gzip stream is damaged.
    """
    try:
        with path.open("rb") as start:
            gzipped = start.read(2) == b"\x1f\x8b"
        with gzip.open(path) if gzipped else path.open("rb") as lines:
            for line in lines:
                stripped = line.rstrip(b"\r\n")
                if stripped:
                    yield stripped
    except (OSError, EOFError, zlib.error) as error:
        raise InputFileError(path, f"can't be read ({error})", remedy="Check the file.") from error


def read_json_lines(path: Path) -> TripFile:
    """Read the events of all lines that the message models accept; of an envelope, the good samples.

    Raises
    ------
    InputFileError
        If the file can't be read, or has lines but not one event.
    """
    dropped: Counter[str] = Counter()
    faults: Counter[tuple[str, FieldFault]] = Counter()
    frames: list[pl.DataFrame] = []
    rows: list[_Row] = []
    for line in read_lines(path):
        for row in _rows_of_line(line, faults):
            if isinstance(row, str):
                dropped[row] += 1
            else:
                rows.append(row)
        if len(rows) >= _ROWS_PER_FRAME:
            frames.append(pl.DataFrame(rows, schema=_ROW_SCHEMA, orient="row"))
            rows.clear()
    frames.append(pl.DataFrame(rows, schema=_ROW_SCHEMA, orient="row"))
    events = pl.concat(frames).select(pl.col(name).cast(dtype) for name, dtype in EVENT_SCHEMA.items())
    if events.is_empty() and dropped:
        cause, lines = dropped.most_common(1)[0]
        raise InputFileError(
            path,
            f"not one line is a trip event; {lines:,} times: {cause}",
            remedy="A line needs trip_id, vehicle_id, client_id, timestamp; see docs/replay.md.",
        )
    events, remarks = split_by_driver(events)
    summary = ReadSummary(
        events.height + dropped.total(),
        events.height,
        dict(dropped.most_common()),
        remarks=remarks,
        faults=dict(faults.most_common()),
    )
    return TripFile(events, summary)


def _rows_of_line(line: bytes, faults: Counter[tuple[str, FieldFault]]) -> Iterator[_Row | str]:
    """Yield a row for each event of a line, or the cause for which it is none; count faults of its optional fields."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        yield "not JSON"
        return
    if not isinstance(message, dict):
        yield "no JSON object"
        return
    samples = message.get("samples")
    try:
        if samples is None:
            event = _validated(TripEvent, message, faults)
            yield _row(event, event, message["timestamp"])
            return
        ids = _validated(TripIds, message, faults)
    except ValidationError as error:
        yield _cause(error)
        return
    if not isinstance(samples, list) or not samples:
        yield "samples: no list, or an empty one"
        return
    for sample in samples:
        try:
            yield _row(ids, _validated(Sample, sample, faults), sample["timestamp"])
        except ValidationError as error:
            yield _cause(error)


def _validated(model: type[_Model], content: object, faults: Counter[tuple[str, FieldFault]]) -> _Model:
    noted: dict[str, FieldFault] = {}
    valid = model.model_validate(content, context=noted)
    faults.update(noted.items())
    return valid


def _row(ids: TripIds, sample: Sample, written: object) -> _Row:
    # RFC 9557, section 2.2: Z tells UTC and nothing about local time; nor does an epoch.
    local_time_known = isinstance(written, str) and written[-1] not in "Zz"
    offset = sample.timestamp.utcoffset() if local_time_known else None
    return (
        *[getattr(ids, name) for name in _TRIP_FIELDS],
        *[getattr(sample, name) for name in _SAMPLE_FIELDS],
        (sample.timestamp - _EPOCH) // _MILLISECOND,
        None if offset is None else offset // _MINUTE,
    )


def _cause(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if field:
        return f"{field}: {first['type']}"
    return first["msg"].removeprefix("Value error, ") if first["type"] == "value_error" else first["type"]
