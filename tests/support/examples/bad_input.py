"""The table of bad and odd input: what each gets. ``docs/bad-input.md`` shows it, tests prove each row."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas.messages.dead_letter import RejectCode
from schemas.messages.optional_fields import FieldFault
from tests.support.examples.decoding import RIGHT, message, raw, without

GOOD_SAMPLE = {"timestamp": RIGHT["timestamp"], "speed_kmh": 50.0}
TEN_MB = 10 * 1024 * 1024
FINE_TIME = "2026-03-02T08:15:00.123456Z"
YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True)
class BadInput:
    """One row: `value` makes the message, given the time.

    `code` is None where nothing is rejected; `faults` are the optional fields that count as unknown.
    """

    title: str
    code: RejectCode | None
    value: Callable[[int], bytes | None]
    events: int = 0
    faults: dict[str, FieldFault] = field(default_factory=dict)

    @property
    def row(self) -> str:
        """The row as the docs have it."""
        outcome = {0: "rejected", 1: "counts"}.get(self.events, f"its {self.events} good samples count")
        if self.code is not None and self.events:
            outcome = f"the {self.events} good samples count, the original is rejected"
        if self.faults and self.events == 1:
            outcome = f"counts without {' and '.join(f'`{name}`' for name in self.faults)}"
        reasons = [self.code.value] if self.code else sorted({fault.value for fault in self.faults.values()})
        return f"| {self.title} | {outcome} | {', '.join(f'`{reason}`' for reason in reasons) or 'none'} |"


def _is(value: bytes | None) -> Callable[[int], bytes | None]:
    return lambda _now_ms: value


def _samples(*samples: Any) -> Callable[[int], bytes | None]:
    return _is(without("timestamp", "speed_kmh", samples=list(samples)))


def _iso(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _many_samples(count: int) -> list[dict[str, Any]]:
    return [{**GOOD_SAMPLE, "timestamp": RIGHT["timestamp"] + number} for number in range(count)]


def _fault(title: str, fault: FieldFault, *names: str, **changed: Any) -> BadInput:
    """Make a row whose message counts without some fields; a value in bytes is JSON text."""
    texts = {name: given.decode() if isinstance(given, bytes) else json.dumps(given) for name, given in changed.items()}
    return BadInput(title, None, _is(raw(**texts)), 1, dict.fromkeys(names or changed, fault))


C = RejectCode
F = FieldFault

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
    BadInput("an id is missing", C.MISSING_FIELD, _is(without("client_id"))),
    BadInput("an empty object", C.MISSING_FIELD, _is(b"{}")),
    BadInput("an id is null", C.WRONG_TYPE, _is(message(trip_id=None))),
    BadInput("an empty id", C.ILLEGAL_ID, _is(message(vehicle_id=""))),
    BadInput("an id with other characters than letters, digits, `_ . : -`", C.ILLEGAL_ID, _is(message(trip_id="a b"))),
    BadInput("an id of more than 64 characters", C.ILLEGAL_ID, _is(message(client_id="c" * 65))),
    BadInput("an id that is a whole number", None, _is(message(trip_id=4711)), 1),
    BadInput("an id that is a fraction, true, false, a list or an object", C.WRONG_TYPE, _is(message(trip_id=1.5))),
    BadInput("no driver, or null, empty, `0`, `unknown`: nobody has logged in", None, _is(message(driver_id="0")), 1),
    # Optional fields: the rest of the event counts.
    BadInput("a field that is null", None, _is(message(acceleration_mps2=None, vehicle_class=None)), 1),
    BadInput('a number as text: `"50"`', None, _is(message(speed_kmh="50")), 1),
    _fault("a speed limit of 0, -1, 255 or 999", F.PLACEHOLDER, speed_limit_kmh=0),
    _fault("a heading of -1 or 511", F.PLACEHOLDER, heading_deg=511),
    BadInput("a heading of 360: north", None, _is(message(heading_deg=360)), 1),
    _fault("a heading beyond ±360", F.OUT_OF_RANGE, heading_deg=360.5),
    _fault("a position of exactly 0/0", F.PLACEHOLDER, latitude=0, longitude=0.0),
    _fault("a position of 91/181", F.PLACEHOLDER, latitude=91, longitude=181),
    _fault("a latitude of 95", F.OUT_OF_RANGE, latitude=95.0),
    _fault("a speed limit of 5,000 km/h", F.OUT_OF_RANGE, speed_limit_kmh=5000),
    _fault("a number that is NaN or infinite", F.NOT_FINITE, acceleration_mps2=b"NaN", peak_mps2=b"-Infinity"),
    _fault("a number too large for 64 bits: `1e999`", F.NOT_FINITE, heading_deg=b"1e999"),
    _fault("another text for a number", F.WRONG_TYPE, heading_deg="north"),
    _fault("true, a list or an object for a number", F.WRONG_TYPE, duration_s=True, peak_mps2={}),
    _fault("an acceleration of 5,000 m/s²", F.OUT_OF_RANGE, acceleration_mps2=-5000.0),
    _fault(
        "a speed of 9,999 km/h, and an acceleration that is right",
        F.OUT_OF_RANGE, "speed_kmh", speed_kmh=9999, acceleration_mps2=-0.5,
    ),
    _fault(
        "a speed of -1, and an acceleration that is right",
        F.PLACEHOLDER, "speed_kmh", speed_kmh=-1, acceleration_mps2=-0.5,
    ),
    _fault("an unknown `vehicle_class`: counts as `car`", F.UNKNOWN_CHOICE, vehicle_class="tram"),
    _fault("an unknown `event_type` with a speed: counts as `sample`", F.UNKNOWN_CHOICE, event_type="harsh_turn"),
    _fault("a class or type that is no text", F.WRONG_TYPE, vehicle_class=3, event_type=["sample"]),
    _fault("an illegal `event_id`", F.ILLEGAL_ID, event_id="{}"),
    _fault("an `event_id` that is a list or an object", F.WRONG_TYPE, event_id={}),
    BadInput("a sample without speed and accelerations", C.NOTHING_MEASURED, _is(without("speed_kmh"))),
    BadInput("a speed of 9,999 km/h, a negative one or NaN, alone", C.NOTHING_MEASURED, _is(message(speed_kmh=9999))),
    BadInput(
        "an unknown `event_type` without speed and accelerations",
        C.NOTHING_MEASURED,
        _is(without("speed_kmh", event_type="harsh_turn", peak_mps2=4.1)),
    ),
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
    BadInput(
        "an envelope of an unknown `vehicle_class`: its samples count as of a `car`",
        None,
        _is(without("timestamp", "speed_kmh", samples=_many_samples(2), vehicle_class="tram")),
        2,
        {"vehicle_class": F.UNKNOWN_CHOICE},
    ),
    BadInput("an envelope whose samples are all bad", C.BAD_SAMPLES, _samples({"speed_kmh": 1}, None)),
    BadInput("an envelope without samples", C.NOTHING_MEASURED, _samples()),
    BadInput("an envelope with a missing id", C.MISSING_FIELD, _is(b'{"trip_id": "trip_1", "samples": [{}]}')),
    BadInput("`samples` that are no list", C.WRONG_TYPE, _is(message(samples="junk"))),
    BadInput("`samples` as the JSON text of a list", None, _is(message(samples=json.dumps(_many_samples(2)))), 2),
    BadInput("an envelope of more than 10,000 samples", C.TOO_LARGE, _samples(*_many_samples(10_001))),
)  # fmt: skip
