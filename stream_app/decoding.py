"""Records into an events frame, fast where all is well, one by one where it is not.

A batch is joined and parsed by Polars in one go, and its columns are checked. What the fast path can't vouch for, a
row or the whole batch, goes through the pydantic models of ``schemas`` one by one: they alone decide, and give the
reason. A message is never judged by its neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from schemas.event_frame import (
    EVENT_SCHEMA,
    EVENT_TYPES,
    ID_COLUMNS,
    MEASUREMENT_COLUMNS,
    MOTION_COLUMNS,
    VEHICLE_CLASSES,
)
from schemas.trip_event import ID_PATTERN, ISO_WITH_OFFSET_PATTERN, MAX_SAMPLES, MIN_TIMESTAMP, TripEvent
from stream_app.local_time import fill_utc_offsets
from stream_app.record_batch import RecordBatch
from stream_app.rejects import Reject
from stream_app.strict_decoding import StrictDecoder

_MIN_TIMESTAMP_MS: Final = int(MIN_TIMESTAMP.timestamp() * 1000)

_RANGES: Final[dict[str, tuple[float, float]]] = {
    name: (bounds["minimum"], bounds["maximum"])
    for name, schema in TripEvent.model_json_schema()["properties"].items()
    for bounds in schema.get("anyOf", [])
    if "minimum" in bounds
}
"""Limits of each measurement, as the models state them."""

_SAMPLE_SCHEMA: Final = {
    "timestamp": pl.String(),
    "event_id": pl.String(),
    "event_type": pl.String(),
    **dict.fromkeys(_RANGES, pl.Float64()),
}
_WIRE_SCHEMA: Final = pl.Schema(
    {**dict.fromkeys(ID_COLUMNS, pl.String()), "vehicle_class": pl.String(), **_SAMPLE_SCHEMA, "samples": pl.String()}
)

_LOOKS_TYPED_PATTERN: Final = r"^(true|false|-?\d+\.\d+)$"
"""Polars reads a boolean or a fraction in a text field as text; the models refuse it."""


_SMALLEST_RUN: Final = 16
"""Lines that are not halved further: parsing so few in one go saves nothing."""


@dataclass(frozen=True)
class DecodedBatch:
    """What a batch of records says.

    Attributes
    ----------
    events
        Event frame, in the order of the records; ``record`` holds each event's position in the batch.
    rejects
        Records that are wrong, or have wrong samples, and why.
    """

    events: pl.DataFrame
    rejects: list[Reject]


class Decoder:
    """Decodes and checks trip events.

    Parameters
    ----------
    max_value_bytes
        A longer value is refused unread.
    max_ahead_s
        A timestamp further ahead of the clock is refused.
    time_zones
        IANA time zone of each client, for events that do not say their offset.
    now_ms
        The clock, epoch milliseconds.
    """

    def __init__(
        self, *, max_value_bytes: int, max_ahead_s: float, time_zones: dict[str, str], now_ms: Callable[[], int]
    ) -> None:
        self._max_value_bytes = max_value_bytes
        self._max_ahead_ms = int(max_ahead_s * 1000)
        self._time_zones = time_zones
        self._now_ms = now_ms
        self._strict = StrictDecoder(max_value_bytes=max_value_bytes)

    def decode(self, batch: RecordBatch) -> DecodedBatch:
        """Decode a batch; no content of it raises an error."""
        latest_ms = self._now_ms() + self._max_ahead_ms
        good, doubtful = self._decode_fast([record.value for record in batch.records], latest_ms)
        rejects: list[Reject] = []
        if doubtful:
            events, rejects = self._strict.decode([(row, batch.records[row]) for row in doubtful], latest_ms)
            good = pl.concat([good, events]).sort("record", maintain_order=True)
        return DecodedBatch(fill_utc_offsets(good, self._time_zones), rejects)

    def _decode_fast(self, values: Sequence[bytes | None], latest_ms: int) -> tuple[pl.DataFrame, list[int]]:
        """Decode what is plainly right; give the rest as positions.

        A batch that can't be parsed is halved until the lines that spoil it are by themselves.
        """
        wire = self._parse(values)
        if wire is None:
            if len(values) <= _SMALLEST_RUN:
                return _NOTHING, list(range(len(values)))
            half = len(values) // 2
            first, first_doubtful = self._decode_fast(values[:half], latest_ms)
            second, second_doubtful = self._decode_fast(values[half:], latest_ms)
            events = pl.concat([first, second.with_columns(pl.col("record") + half)])
            return events, first_doubtful + [half + position for position in second_doubtful]
        single = wire.filter(pl.col("samples").is_null()) if wire["samples"].null_count() < len(wire) else wire
        checked = _check(single, latest_ms)
        if len(single) < len(wire):
            checked = pl.concat([checked, _check(_open_envelopes(wire), latest_ms)]).sort("record", maintain_order=True)
        if checked["right"].all():
            return checked.select(_TO_EVENT_FRAME), []
        doubtful = checked.filter(~pl.col("right"))["record"].unique().sort()
        right = checked.filter(~pl.col("record").is_in(doubtful.implode()))
        return right.select(_TO_EVENT_FRAME), doubtful.to_list()

    def _parse(self, values: Sequence[bytes | None]) -> pl.DataFrame | None:
        """Parse the values as lines of JSON, a row each; null where that can't be done."""
        if None in values:
            return None
        lines: list[bytes] = values  # type: ignore[assignment]
        if max(map(len, lines)) > self._max_value_bytes:
            return None
        joined = b"\n".join(lines)
        if joined.count(b"\n") != len(lines) - 1:
            return None
        try:
            wire = pl.read_ndjson(joined, schema=_WIRE_SCHEMA)
        except pl.exceptions.PolarsError:
            return None
        return wire.with_row_index("record") if len(wire) == len(lines) else None


def _open_envelopes(wire: pl.DataFrame) -> pl.DataFrame:
    """Give each sample of the envelopes a row of its own; where that can't be done, each envelope has one of nulls."""
    envelopes = wire.filter(pl.col("samples").is_not_null())
    try:
        samples = envelopes["samples"].str.json_decode(pl.List(pl.Struct(_SAMPLE_SCHEMA)))
    except pl.exceptions.PolarsError:
        samples = None
    if samples is None or len(samples) != len(envelopes) or not envelopes["samples"].str.starts_with("[").all():
        return wire.clear(len(envelopes)).with_columns(envelopes["record"])
    samples = samples.set(samples.list.len() > MAX_SAMPLES, None)
    ids = envelopes.select("record", *ID_COLUMNS, "vehicle_class", sample=samples)
    opened = ids.explode("sample", empty_as_null=True).unnest("sample")
    return opened.with_columns(samples=pl.lit(None, pl.String)).select(wire.columns)


def _check(wire: pl.DataFrame, latest_ms: int) -> pl.DataFrame:
    """Add each row's time, and whether it is right beyond doubt; what is null counts as not right."""
    measured = pl.any_horizontal(pl.col(*MOTION_COLUMNS).is_not_null())
    checks = [
        pl.col("timestamp_ms").is_between(_MIN_TIMESTAMP_MS, latest_ms) & ~pl.col("timestamp").str.starts_with("+"),
        *(_is_identifier(name) for name in ID_COLUMNS),
        pl.col("event_id").is_null() | _is_identifier("event_id"),
        pl.col("vehicle_class").is_null() | pl.col("vehicle_class").is_in(VEHICLE_CLASSES),
        pl.col("event_type").is_null() | pl.col("event_type").is_in(EVENT_TYPES),
        *(pl.col(name).is_null() | pl.col(name).is_between(low, high) for name, (low, high) in _RANGES.items()),
        measured | (pl.col("event_type").is_not_null() & (pl.col("event_type") != "sample")),
    ]
    right = pl.all_horizontal(checks).fill_null(value=False).alias("right")
    return wire.with_columns(_TIMESTAMP_MS).with_columns(right)


def _is_identifier(name: str) -> pl.Expr:
    return pl.col(name).str.contains(ID_PATTERN) & ~pl.col(name).str.contains(_LOOKS_TYPED_PATTERN)


_TIMESTAMP_MS: Final = pl.coalesce(
    pl.col("timestamp").cast(pl.Int64, strict=False),
    pl.when(pl.col("timestamp").str.contains(ISO_WITH_OFFSET_PATTERN))
    .then(pl.col("timestamp"))
    .str.to_datetime("%+", time_unit="ms", time_zone="UTC", strict=False)
    .dt.epoch("ms"),
).alias("timestamp_ms")

_OFFSET: Final = pl.col("timestamp").str.extract_groups(r"([+-])(\d\d):?(\d\d)$").struct
_UTC_OFFSET_MIN: Final = (
    (_OFFSET[1].cast(pl.Int16) * 60 + _OFFSET[2].cast(pl.Int16)) * pl.when(_OFFSET[0] == "-").then(-1).otherwise(1)
).alias("utc_offset_min")

_TO_EVENT_FRAME: Final[list[str | pl.Expr]] = [
    pl.col("record").cast(pl.Int64),
    *ID_COLUMNS,
    pl.col("vehicle_class").fill_null("car"),
    "timestamp_ms",
    _UTC_OFFSET_MIN.cast(pl.Int16),
    pl.col("event_type").fill_null("sample"),
    "event_id",
    *(pl.col(name).cast(EVENT_SCHEMA[name]) for name in (*MEASUREMENT_COLUMNS, "latitude", "longitude")),
]
_NOTHING: Final = pl.DataFrame(schema={"record": pl.Int64(), **EVENT_SCHEMA})
