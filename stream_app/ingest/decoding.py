"""Records into event columns and rejects.

A kernel decodes the valid messages of a batch. Every other message is validated by the pydantic models of ``schemas``,
one by one: they alone reject, and give the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.events import EventColumns
from scoring.json_events import UNKNOWN_OFFSET, ReadMessages, read_messages
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.ingest.local_time import utc_offsets
from stream_app.ingest.rejects import Reject
from stream_app.ingest.strict_decoding import StrictDecoder


@dataclass(frozen=True)
class DecodedBatch:
    """A decoded batch of records.

    Attributes
    ----------
    events
        In the order of the records.
    offsets
        int64 array [events]: offset of the record that each was in.
    rejects
        Records that are invalid, or have invalid samples, and why.
    record_count
        Records in the batch.
    """

    events: EventColumns
    offsets: NDArray[np.int64]
    rejects: list[Reject]
    record_count: int


class Decoder:
    """Decodes and checks trip events.

    Parameters
    ----------
    max_value_bytes
        A longer value is rejected undecoded.
    max_ahead_s
        A timestamp further ahead of the clock is rejected.
    time_zones
        IANA time zone of each client, for events without a UTC offset.
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
        """Decode a batch; no content of it raises an error.

        Raises
        ------
        CorruptRecordsError
            When the batch's own framing is broken.
        """
        latest_ms = self._now_ms() + self._max_ahead_ms
        records = batch.records()
        read = read_messages(
            records.content,
            records.value_starts,
            records.value_sizes,
            latest_ms=latest_ms,
            max_bytes=self._max_value_bytes,
        )
        self._fill_utc_offsets(read.events)
        events, message = read.events, read.message
        rejects: list[Reject] = []
        if len(read.unsure) > 0:
            unsure, rejects = self._strict.decode([(row, records[row]) for row in read.unsure.tolist()], latest_ms)
            events, message = self._merged(read, unsure)
        return DecodedBatch(events, records.offsets[message], rejects, len(records))

    def _merged(self, read: ReadMessages, unsure: pl.DataFrame) -> tuple[EventColumns, NDArray[np.int64]]:
        """Merge the events of the kernel and of the strict decoder in the order of their records."""
        offsets = utc_offsets(unsure, self._time_zones)
        strict = EventColumns.of_frame(unsure.with_columns(pl.col("utc_offset_min").fill_null(offsets)))
        message = np.concatenate([read.message, unsure["record"].to_numpy()])
        order = np.argsort(message, kind="stable")
        return read.events.followed_by(strict).take(order), message[order]

    def _fill_utc_offsets(self, events: EventColumns) -> None:
        rows = np.flatnonzero(events.samples["utc_offset_min"] == UNKNOWN_OFFSET)
        if len(rows) == 0:
            return
        if not self._time_zones:
            events.samples["utc_offset_min"][rows] = 0
            return
        unknown = events.take(rows)
        frame = pl.DataFrame(
            {"client_id": unknown.ids("client_id"), "timestamp_ms": unknown.samples["timestamp_ms"]},
        )
        events.samples["utc_offset_min"][rows] = utc_offsets(frame, self._time_zones).to_numpy()
