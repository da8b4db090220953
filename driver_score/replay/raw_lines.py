"""Kafka messages from the lines of a file, as they are, bad ones too: rejecting them is the worker's part."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from driver_score.replay.messages import EVENTS_PER_SLICE, MessageSlice
from driver_score.replay.send_plan import MAX_PAUSE_S
from scoring.trip_files import read_lines

_BYTES_PER_SLICE: Final = 8_000_000
"""Lines may be envelopes of thousands of samples; a slice must not grow with them."""

_MAX_STEP_BACK_MS: Final = int(MAX_PAUSE_S * 1000)


def line_messages(path: Path) -> Iterator[MessageSlice]:
    """Read a JSON lines file as messages, in the file's order.

    The key is the line's ``vehicle_id``; a line without one has no key. A line is due at its timestamp, or that
    of its first sample; one without is due with the line before it.

    Raises
    ------
    InputFileError
        If the file can't be read.
    """
    clock = _LineClock()
    keys: list[bytes | None] = []
    values: list[bytes] = []
    send_ms: list[int] = []
    events: list[int] = []
    size = 0
    for line in read_lines(path):
        message = _parsed(line)
        keys.append(_key(message))
        values.append(line)
        send_ms.append(clock.advance(_timestamp_ms(message)))
        events.append(_event_count(message))
        size += len(line)
        if len(values) >= EVENTS_PER_SLICE or size >= _BYTES_PER_SLICE:
            yield MessageSlice(keys, values, np.array(send_ms, np.int64), np.array(events, np.int64))
            keys, values, send_ms, events, size = [], [], [], [], 0
    if values:
        yield MessageSlice(keys, values, np.array(send_ms, np.int64), np.array(events, np.int64))


class _LineClock:
    """Time that never goes back, made of the lines' timestamps.

    A small step back is an event out of order, and due at once. A large one is the next trip of a file that is
    sorted by trip, or the line after one whose clock was wrong: time goes on from there.
    """

    def __init__(self) -> None:
        self._newest_ms: int | None = None
        self._now_ms = 0

    def advance(self, timestamp_ms: int | None) -> int:
        """Return when a line is due that has this timestamp, epoch milliseconds."""
        if timestamp_ms is not None:
            newest_ms = timestamp_ms if self._newest_ms is None else self._newest_ms
            self._now_ms += max(timestamp_ms - newest_ms, 0)
            stepped_back = newest_ms - timestamp_ms > _MAX_STEP_BACK_MS
            self._newest_ms = timestamp_ms if stepped_back else max(newest_ms, timestamp_ms)
        return self._now_ms


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _key(message: dict[str, Any]) -> bytes | None:
    vehicle_id = message.get("vehicle_id")
    return str(vehicle_id).encode(errors="replace") if isinstance(vehicle_id, str | int) else None


def _samples(message: dict[str, Any]) -> list[Any] | None:
    samples = message.get("samples")
    return samples if isinstance(samples, list) else None


def _event_count(message: dict[str, Any]) -> int:
    samples = _samples(message)
    return bool(message) if samples is None else len(samples)


def _timestamp_ms(message: dict[str, Any]) -> int | None:
    samples = _samples(message)
    if samples:
        message = samples[0] if isinstance(samples[0], dict) else {}
    written = message.get("timestamp")
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    try:
        moment = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else round(moment.timestamp() * 1000)
