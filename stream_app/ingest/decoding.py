"""Records into event columns and rejects.

A kernel decodes the valid messages of a batch. Every other message is validated by the pydantic models of ``schemas``,
one by one: they alone reject, and give the reason.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
import structlog
from numpy.typing import NDArray

from schemas.messages.dead_letter import RejectCode
from schemas.messages.optional_fields import FieldFault
from schemas.settings import Settings
from scoring.events import EventColumns
from scoring.json_events import UNKNOWN_OFFSET, ReadMessages, count_faults, read_messages
from stream_app.faust_bridge.record_batch import KafkaRecord, RecordBatch, Records
from stream_app.ingest.local_time import utc_offsets
from stream_app.ingest.placement import Placement
from stream_app.ingest.rejects import Reject
from stream_app.ingest.strict_decoding import StrictDecoder
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_LEFT_OUT: Final = -1
"""The size of a value that is not there, which no event is read of."""


@dataclass(frozen=True)
class DecodedBatch:
    """A decoded batch of records.

    Attributes
    ----------
    events
        In the order of the records.
    rejects
        Records that are invalid, or have invalid samples, and why.
    record_count
        Records in the batch.
    faults
        Events by field and fault of those optional fields that count as unknown.
    """

    events: EventColumns
    rejects: list[Reject]
    record_count: int
    faults: Counter[tuple[str, FieldFault]]


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
    placement
        Finds records on other partitions than those of their keys.
    now_ms
        The clock, epoch milliseconds.
    """

    def __init__(
        self,
        *,
        max_value_bytes: int,
        max_ahead_s: float,
        time_zones: dict[str, str],
        placement: Placement,
        now_ms: Callable[[], int],
    ) -> None:
        self._max_value_bytes = max_value_bytes
        self._max_ahead_ms = int(max_ahead_s * 1000)
        self._time_zones = time_zones
        self._placement = placement
        self._now_ms = now_ms
        self._is_mixed = False
        self._strict = StrictDecoder(max_value_bytes=max_value_bytes)

    @classmethod
    def of(cls, settings: Settings, now_ms: Callable[[], int]) -> "Decoder":
        """Make the decoder that settings describe."""
        decoding = settings.decoding
        return cls(
            max_value_bytes=decoding.max_value_bytes,
            max_ahead_s=decoding.max_ahead_s,
            time_zones=decoding.time_zones,
            placement=Placement(settings.kafka.partitions, decoding.partitioner),
            now_ms=now_ms,
        )

    def decode(self, batch: RecordBatch) -> DecodedBatch:
        """Decode a batch; no content of it raises an error.

        Raises
        ------
        CorruptRecordsError
            When the batch's own framing is broken.
        """
        return self.decode_records(batch.records(), batch.partition)

    def decode_records(self, records: Records, partition: int) -> DecodedBatch:
        """Decode records of a partition; no content of them raises an error."""
        latest_ms = self._now_ms() + self._max_ahead_ms
        misplaced = self._misplaced(records, partition)
        value_sizes = records.value_sizes
        if len(misplaced) > 0:
            value_sizes = value_sizes.copy()
            value_sizes[misplaced] = _LEFT_OUT
        read = read_messages(
            records.content,
            records.value_starts,
            value_sizes,
            latest_ms=latest_ms,
            max_bytes=self._max_value_bytes,
        )
        self._fill_utc_offsets(read.events)
        events, message = read.events, read.message
        rejects: list[Reject] = []
        faults = count_faults(read.faults)
        if len(read.unsure) > 0:
            rows = np.setdiff1d(read.unsure, misplaced, assume_unique=True).tolist()
            strict = self._strict.decode([(row, records[row]) for row in rows], latest_ms)
            rejects = strict.rejects + [_misplaced(records[row], partition) for row in misplaced.tolist()]
            faults += strict.faults
            events, message = self._merged(read, strict.events)
        located = replace(events, offsets=records.offsets[message])
        return DecodedBatch(located, rejects, len(records), faults)

    def _misplaced(self, records: Records, partition: int) -> NDArray[np.int64]:
        found = self._placement.misplaced(records.content, records.key_starts, records.key_sizes, partition)
        if len(self._placement.seen) > 1 and not self._is_mixed:
            self._is_mixed = True
            metrics.MIXED_PARTITIONERS.set(1)
            log.error("producers place the same key on different partitions, so that trips are split")
        return found

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


def _misplaced(record: KafkaRecord, partition: int) -> Reject:
    if record.key is None:
        message = "the record has no key, so that the events of its vehicle are spread over all partitions"
    else:
        key = record.key.decode(errors="replace")
        message = f"key {key!r} does not belong to partition {partition}, where no other event of its vehicle is"
    return Reject(record, RejectCode.MISPLACED_KEY, message)
