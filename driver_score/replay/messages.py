"""Kafka messages from a send plan, in slices of bounded size."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.errors import SettingsError
from schemas.event_frame import EVENT_SCHEMA
from schemas.messages.trip_event import ID_PATTERN, TripIds

EVENTS_PER_SLICE: Final = 20_000
"""Events encoded at once: about 5 MB of JSON, a tenth of a second between two checks of the clock."""

MAX_ENVELOPE: Final = 10_000
"""Samples that a TripEventBatch may have."""

_TRIP_COLUMNS: Final = tuple(name for name in EVENT_SCHEMA if name in TripIds.model_fields)
_SAMPLE_COLUMNS: Final = (
    "timestamp",
    *(name for name in EVENT_SCHEMA if name not in {*_TRIP_COLUMNS, "timestamp_ms", "utc_offset_min"}),
)
_COPIED_IDS: Final = ("trip_id", "vehicle_id", "driver_id", "event_id")
_MS_PER_MINUTE: Final = 60_000


@dataclass(frozen=True)
class MessageSlice:
    """Some messages, in the order of sending.

    Attributes
    ----------
    keys, values
        Of each message.
    send_ms
        When each is to be sent, in event time, epoch milliseconds.
    events
        Events in each: 0 for garbage, several for an envelope.
    """

    keys: list[bytes | None]
    values: list[bytes]
    send_ms: npt.NDArray[np.int64]
    events: npt.NDArray[np.int64]


def event_messages(plan: pl.DataFrame, *, envelope: int = 1, copies: int = 1) -> Iterator[MessageSlice]:
    """Encode a send plan; keys are the vehicles' ids.

    Time is ISO 8601 with its offset where the offset is known, else epoch milliseconds. A column that is null
    in a whole slice is left out of its messages.

    Parameters
    ----------
    plan
        A send plan.
    envelope
        Samples a message: 1 sends TripEvent, more sends TripEventBatch with up to that many samples of one
        trip, at the time of the last of them.
    copies
        How often each trip is sent; the ids of copy 2 and later end in ``.2``, ``.3``, ….

    Raises
    ------
    SettingsError
        If a number is out of range, or an id gets too long by its suffix.
    """
    if not 1 <= envelope <= MAX_ENVELOPE:
        raise SettingsError("envelope", f"{envelope} samples a message", remedy=f"Use 1 to {MAX_ENVELOPE:,}.")
    if copies < 1:
        raise SettingsError("copies", f"{copies} copies", remedy="Use 1 or more.")
    if copies > 1:
        _refuse_long_ids(plan, copies)
    return _slices(_number_messages(plan, envelope), envelope, copies)


def _slices(plan: pl.DataFrame, envelope: int, copies: int) -> Iterator[MessageSlice]:
    first_rows = np.flatnonzero(np.diff(plan["message"].to_numpy(), prepend=-1))
    borders = [*first_rows[:: max(EVENTS_PER_SLICE // (envelope * copies), 1)].tolist(), plan.height]
    for begin, end in pairwise(borders):
        rows = plan[begin:end]
        copied = (_copy(rows, number) for number in range(1, copies + 1))
        yield _merge([part for each in copied for part in _encode(each, as_envelopes=envelope > 1)])


def _number_messages(plan: pl.DataFrame, envelope: int) -> pl.DataFrame:
    """Add the number of each row's message; rows of one message become neighbours."""
    if envelope == 1:
        return plan.with_columns(message=pl.int_range(pl.len()))
    garbage_row = pl.when(pl.col("garbage").is_not_null()).then(pl.int_range(pl.len()))
    upload = (*_TRIP_COLUMNS, "epoch", "garbage_row")
    numbers = (
        plan.select(*_TRIP_COLUMNS, "send_ms", epoch=pl.col("utc_offset_min").is_null(), garbage_row=garbage_row)
        .with_row_index("row")
        .with_columns(part=(pl.int_range(pl.len()) // envelope).over(upload))
        .group_by(*upload, "part", maintain_order=True)
        .agg("row", pl.col("send_ms").max())
        .sort("send_ms", maintain_order=True)
        .with_columns(message=pl.int_range(pl.len()))
        .select("row", "send_ms", "message")
        .explode("row")
    )
    return plan.drop("send_ms")[numbers["row"]].hstack(numbers.drop("row"))


def _encode(rows: pl.DataFrame, *, as_envelopes: bool) -> list[tuple[pl.Series, MessageSlice]]:
    """Encode whole messages, those alike together, with their numbers: a JSON column has one type of time."""
    garbage, offset = pl.col("garbage"), pl.col("utc_offset_min")
    kinds = [
        rows.filter(garbage.is_null() & offset.is_not_null()).with_columns(timestamp=_iso_8601(rows)),
        rows.filter(garbage.is_null() & offset.is_null()).with_columns(timestamp=pl.col("timestamp_ms")),
    ]
    encoded = [_encode_alike(kind, as_envelopes=as_envelopes) for kind in kinds if kind.height]
    broken = rows.filter(garbage.is_not_null())
    if broken.height:
        messages = MessageSlice(
            _keys(broken), broken["garbage"].to_list(), broken["send_ms"].to_numpy(), np.zeros(broken.height, np.int64)
        )
        encoded.append((broken["message"], messages))
    return encoded


def _encode_alike(rows: pl.DataFrame, *, as_envelopes: bool) -> tuple[pl.Series, MessageSlice]:
    measured = [name for name in _SAMPLE_COLUMNS if rows[name].null_count() < rows.height]
    if as_envelopes:
        bodies = rows.group_by("message", maintain_order=True).agg(
            pl.col(*_TRIP_COLUMNS, "send_ms").first(), pl.struct(measured).alias("samples")
        )
        events = bodies["samples"].list.len().cast(pl.Int64).to_numpy()
        body_columns = [*_TRIP_COLUMNS, "samples"]
    else:
        bodies, events, body_columns = rows, np.ones(rows.height, np.int64), [*_TRIP_COLUMNS, *measured]
    lines = io.BytesIO()
    bodies.select(body_columns).write_ndjson(lines)
    values = lines.getvalue().split(b"\n")[:-1]
    return bodies["message"], MessageSlice(_keys(bodies), values, bodies["send_ms"].to_numpy(), events)


def _merge(parts: list[tuple[pl.Series, MessageSlice]]) -> MessageSlice:
    """Put messages of several parts in the order of their numbers."""
    if len(parts) == 1:
        return parts[0][1]
    order = np.argsort(np.concatenate([numbers.to_numpy() for numbers, _ in parts]), kind="stable")
    keys = [key for _, part in parts for key in part.keys]
    values = [encoded for _, part in parts for encoded in part.values]
    return MessageSlice(
        [keys[at] for at in order],
        [values[at] for at in order],
        np.concatenate([part.send_ms for _, part in parts])[order],
        np.concatenate([part.events for _, part in parts])[order],
    )


def _iso_8601(rows: pl.DataFrame) -> pl.Expr:
    offsets = rows["utc_offset_min"].unique().drop_nulls().to_list()
    texts = [f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}" for offset in offsets]
    offset = pl.col("utc_offset_min")
    local_time = pl.from_epoch(pl.col("timestamp_ms") + offset.cast(pl.Int64) * _MS_PER_MINUTE, time_unit="ms")
    return local_time.dt.strftime("%Y-%m-%dT%H:%M:%S%.3f") + offset.replace_strict(
        offsets, texts, return_dtype=pl.String
    )


def _keys(rows: pl.DataFrame) -> list[bytes | None]:
    return rows["vehicle_id"].cast(pl.Binary).to_list()


def _copy(rows: pl.DataFrame, number: int) -> pl.DataFrame:
    return rows if number == 1 else rows.with_columns(pl.col(_COPIED_IDS) + f".{number}")


def _refuse_long_ids(plan: pl.DataFrame, copies: int) -> None:
    for name in _COPIED_IDS:
        copied = plan[name].unique().drop_nulls() + f".{copies}"
        too_long = copied.filter(~copied.str.contains(ID_PATTERN))
        if len(too_long):
            raise SettingsError(
                "copies", f"{name} {too_long[0]} of a copy is too long", remedy="Ids have at most 64 letters."
            )
