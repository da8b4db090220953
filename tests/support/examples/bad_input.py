"""The table of bad and odd input: what each gets. ``docs/bad-input.md`` shows it, tests prove each row."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.messages.dead_letter import RejectCode
from tests.support.examples.decoding import RIGHT, message, raw, without

GOOD_SAMPLE = {"timestamp": RIGHT["timestamp"], "speed_kmh": 50.0}
TEN_MB = 10 * 1024 * 1024
FINE_TIME = "2026-03-02T08:15:00.123456Z"
YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True)
class BadInput:
    """One row: `value` makes the message, given the time; `code` is None where nothing is rejected."""

    title: str
    code: RejectCode | None
    value: Callable[[int], bytes | None]
    events: int = 0

    @property
    def row(self) -> str:
        """The row as the docs have it."""
        outcome = {0: "rejected", 1: "counts"}.get(self.events, f"its {self.events} good samples count")
        if self.code is not None and self.events:
            outcome = f"the {self.events} good samples count, the original is rejected"
        return f"| {self.title} | {outcome} | {f'`{self.code.value}`' if self.code else 'none'} |"


def _is(value: bytes | None) -> Callable[[int], bytes | None]:
    return lambda _now_ms: value


def _samples(*samples: Any) -> Callable[[int], bytes | None]:
    return _is(without("timestamp", "speed_kmh", samples=list(samples)))


def _iso(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _many_samples(count: int) -> list[dict[str, Any]]:
    return [{**GOOD_SAMPLE, "timestamp": RIGHT["timestamp"] + number} for number in range(count)]


C = RejectCode

BAD_INPUT = (
    # What no parser reads.
    BadInput("no value (a tombstone)", C.EMPTY_VALUE, _is(None)),
    BadInput("empty value", C.EMPTY_VALUE, _is(b"")),
    BadInput("white space only", C.NOT_JSON, _is(b" \t ")),
    BadInput("text that is not JSON", C.NOT_JSON, _is(b"speed=50;trip=7")),
    BadInput("binary", C.INVALID_UTF8, _is(bytes(range(128, 256)))),
    BadInput("truncated JSON", C.NOT_JSON, _is(message()[:-9])),
    BadInput("two objects in one message", C.NOT_JSON, _is(message() + message())),
    BadInput("a byte order mark before the JSON", C.NOT_JSON, _is(b"\xef\xbb\xbf" + message())),
    BadInput("invalid UTF-8", C.INVALID_UTF8, _is(message().replace(b"trip_1", b"trip_\xff"))),
    BadInput("JSON, but not an object: `[…]`, `5`, `null`", C.NOT_AN_OBJECT, _is(b"[1, 2, 3]")),
    BadInput("a value of 10 MB", C.TOO_LARGE, _is(message(note="x" * TEN_MB))),
    BadInput("nested 2,000 deep", C.NOT_JSON, _is(raw(extra="[" * 2000 + "]" * 2000))),
    # Ids.
    BadInput("an id is missing", C.MISSING_FIELD, _is(without("driver_id"))),
    BadInput("an empty object", C.MISSING_FIELD, _is(b"{}")),
    BadInput("an id is null", C.WRONG_TYPE, _is(message(trip_id=None))),
    BadInput("an empty id", C.ILLEGAL_ID, _is(message(vehicle_id=""))),
    BadInput("an id with other characters than letters, digits, `_ . : -`", C.ILLEGAL_ID, _is(message(trip_id="a b"))),
    BadInput("an id of more than 64 characters", C.ILLEGAL_ID, _is(message(client_id="c" * 65))),
    BadInput("an id that is a whole number", None, _is(message(trip_id=4711)), 1),
    BadInput("an id that is a fraction, true, false, a list or an object", C.WRONG_TYPE, _is(message(trip_id=1.5))),
    BadInput("an illegal `event_id`", C.ILLEGAL_ID, _is(message(event_id="{}"))),
    # Measurements.
    BadInput('a number as text: `"50"`', C.WRONG_TYPE, _is(message(speed_kmh="50"))),
    BadInput("true, a list or an object for a number", C.WRONG_TYPE, _is(message(speed_kmh=[50]))),
    BadInput("NaN", C.NOT_FINITE, _is(raw(speed_kmh="NaN"))),
    BadInput("infinity", C.NOT_FINITE, _is(raw(speed_kmh="-Infinity"))),
    BadInput("a number too large for 64 bits: `1e999`", C.NOT_FINITE, _is(raw(speed_kmh="1e999"))),
    BadInput("a speed of 9,999 km/h", C.OUT_OF_RANGE, _is(message(speed_kmh=9999))),
    BadInput("a negative speed", C.OUT_OF_RANGE, _is(message(speed_kmh=-1))),
    BadInput("a latitude of 91", C.OUT_OF_RANGE, _is(message(latitude=91.0))),
    BadInput("an acceleration of 5,000 m/s²", C.OUT_OF_RANGE, _is(message(acceleration_mps2=-5000.0))),
    BadInput("a field that is null", None, _is(message(acceleration_mps2=None, vehicle_class=None)), 1),
    BadInput("a sample without speed and accelerations", C.NOTHING_MEASURED, _is(without("speed_kmh"))),
    BadInput("an unknown `event_type` or `vehicle_class`", C.UNKNOWN_CHOICE, _is(message(event_type="crash"))),
    # Time.
    BadInput("no timestamp", C.MISSING_FIELD, _is(without("timestamp"))),
    BadInput("a timestamp from 1970", C.TIMESTAMP_OUT_OF_RANGE, _is(message(timestamp=0))),
    BadInput("a timestamp before 2000", C.TIMESTAMP_OUT_OF_RANGE, _is(message(timestamp="1980-01-06T00:00:00Z"))),
    BadInput("epoch seconds in place of milliseconds", C.TIMESTAMP_OUT_OF_RANGE, _is(message(timestamp=1_772_435_700))),
    BadInput("a timestamp a year ahead", C.TIMESTAMP_OUT_OF_RANGE, lambda now: message(timestamp=now + YEAR_MS)),
    BadInput("the year 9999", C.TIMESTAMP_OUT_OF_RANGE, _is(message(timestamp="9999-12-31T23:59:59Z"))),
    BadInput("a timestamp an hour ahead", None, lambda now: message(timestamp=_iso(now + 3_600_000)), 1),
    BadInput("a timestamp without an offset", C.ILLEGAL_TIMESTAMP, _is(message(timestamp="2026-03-02T08:15:00"))),
    BadInput("a day that does not exist", C.ILLEGAL_TIMESTAMP, _is(message(timestamp="2026-02-30T08:15:00Z"))),
    BadInput("a fraction of a millisecond as number", C.ILLEGAL_TIMESTAMP, _is(message(timestamp=1772435700000.5))),
    BadInput("a finer fraction as text: cut to milliseconds", None, _is(message(timestamp=FINE_TIME)), 1),
    BadInput("epoch milliseconds as text", None, _is(message(timestamp="1772435700000")), 1),
    # What newer firmware and gateways do.
    BadInput("unknown fields, whatever they hold", None, _is(message(firmware={"v": [1, None]}, note="NaN")), 1),
    BadInput("a field twice: the first one", None, _is(raw(speed_kmh='50.0, "speed_kmh": 9999')), 1),
    BadInput("JSON spread over several lines", None, _is(json.dumps(RIGHT, indent=2).encode()), 1),
    # Envelopes.
    BadInput("an envelope with 2 good samples", None, _samples(*_many_samples(2)), 2),
    BadInput(
        "an envelope with 2 good samples of 4",
        C.BAD_SAMPLES,
        _samples(*_many_samples(2), {**GOOD_SAMPLE, "speed_kmh": 9999}, "junk"),
        2,
    ),
    BadInput("an envelope whose samples are all bad", C.BAD_SAMPLES, _samples({"speed_kmh": 1}, None)),
    BadInput("an envelope without samples", C.NOTHING_MEASURED, _samples()),
    BadInput("an envelope with a missing id", C.MISSING_FIELD, _is(b'{"trip_id": "trip_1", "samples": [{}]}')),
    BadInput("`samples` that are no list", C.WRONG_TYPE, _is(message(samples="junk"))),
    BadInput("`samples` as the JSON text of a list", None, _is(message(samples=json.dumps(_many_samples(2)))), 2),
    BadInput("an envelope of more than 10,000 samples", C.TOO_LARGE, _samples(*_many_samples(10_001))),
)  # fmt: skip
