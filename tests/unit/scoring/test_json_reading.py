"""The kernel reads what well behaved devices send; what it leaves to the models is unusual, or wrong."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.event_frame import ID_COLUMNS
from schemas.messages.optional_fields import FieldFault
from scoring.json_events import count_faults
from scoring.json_events.reading import ReadMessages, read_messages
from tests.support.examples.decoding import LATEST_MS, MAX_VALUE_BYTES, RIGHT, envelope, frame_of, message, raw, without


def read(*messages: bytes) -> ReadMessages:
    sizes = np.array([len(each) for each in messages], np.int64)
    content = np.frombuffer(b"".join(messages), np.uint8)
    return read_messages(content, np.cumsum(sizes) - sizes, sizes, latest_ms=LATEST_MS, max_bytes=MAX_VALUE_BYTES)


SAMPLE = {"timestamp": RIGHT["timestamp"], "speed_kmh": 50.0}

USUAL = {
    "compact": json.dumps(RIGHT, separators=(",", ":")).encode(),
    "indented": json.dumps(RIGHT, indent=2).encode() + b"\r\n",
    "fields in another order": json.dumps(dict(reversed(RIGHT.items()))).encode(),
    "all fields": message(
        event_id="e-1", event_type="hard_brake", vehicle_class="van", acceleration_mps2=-4.5, peak_mps2=-5,
        lateral_acceleration_mps2=0.1, heading_deg=359.9, latitude=48.1, longitude=-11.6, speed_limit_kmh=50,
        duration_s=1.5,
    ),
    "nulls": message(event_id=None, event_type=None, vehicle_class=None, acceleration_mps2=None, samples=None),
    "whole numbers as ids": message(trip_id=17, vehicle_id=-3),
    "digits of a double": message(speed_kmh=0.1 + 0.2, acceleration_mps2=-1.4142135623730951),
    "small numbers": message(acceleration_mps2=9.2e-05, lateral_acceleration_mps2=-3e-7),
    "a time in UTC": message(timestamp="2026-03-02T08:15:00Z"),
    "a time of nanoseconds": message(timestamp="2026-03-02T08:15:00.123456789-03:30"),
    "a leap day": message(timestamp="2024-02-29T23:59:59+00:00"),
    "a time in quotes": message(timestamp="1772435700000"),
    "numbers as text": message(speed_kmh="48.5", latitude="-33.9"),
    "placeholders": message(speed_limit_kmh=0, heading_deg=-1, latitude=0, longitude=0.0),
    "numbers out of range": message(speed_kmh=9999, acceleration_mps2=0.1, latitude=95.5, duration_s=-1),
    "no numbers": raw(heading_deg="NaN", peak_mps2="-Infinity", duration_s="Infinity", latitude="true"),
    "words for numbers": message(heading_deg="north", speed_limit_kmh="", longitude="- 5"[1:]),
    "objects for numbers": message(heading_deg={"deg": [5]}, latitude=[], speed_limit_kmh=""),
    "unknown words": message(event_type="crash", vehicle_class="Car"),
    "no words": message(event_type=7, vehicle_class=[]),
    "an event id of other characters": message(event_id="{0-1}"),
    "unknown text": message(note="caf\u00e9 \u2603 \U0001f697", quoted='"\\\b'),
    "unknown text, not escaped": message(note="caf\u00e9").replace(rb"\u00e9", "\u00e9 \u2603 \U0001f697".encode()),
    "unknown fields of every kind": message(more={"a": [1, -2.5e3, {}, [], None, True, {"b": ""}]}, empty={}, none=[]),
    "an envelope": envelope(SAMPLE, {**SAMPLE, "firmware": {"version": [1, 2]}, "trip_id": 5}),
    "an envelope with its samples first": json.dumps(
        {"samples": [SAMPLE], **{name: RIGHT[name] for name in ID_COLUMNS}}
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", USUAL)
def test_usual_messages_of_devices_need_no_second_reading(name: str) -> None:
    assert read(USUAL[name]).unsure.tolist() == []


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"{", b"{}", b"[]", b"null", message()[:-1], message() + b"}", message() + b",",
        b"\xef\xbb\xbf" + message(),
        message().replace(b", ", b",, ", 1), message().replace(b"}", b",}"), message().replace(b":", b"=", 1),
        message().replace(b'"trip_1"', b'"trip_1'), message().replace(b'"trip_id"', b'"trip\\u005fid"'),
        raw(speed_kmh="01"), raw(speed_kmh="1."), raw(speed_kmh=".5"), raw(speed_kmh="+1"), raw(speed_kmh="1e"),
        raw(speed_kmh="NaN"), raw(speed_kmh="1e999"), raw(speed_kmh="true"),
        raw(speed_kmh='"fast"'), raw(heading_deg='"\\u0035"'), raw(heading_deg='"5 km/h"'), raw(heading_deg="1e99"),
        raw(heading_deg='"1e99"'), raw(heading_deg="nan"), raw(heading_deg="-Inf"), raw(heading_deg="[1,]"),
        raw(heading_deg='"5'), raw(event_type='"\\u0063rash"'), raw(event_id="1.5"),
        raw(speed_kmh="nul"),
        message(speed_kmh=300.01), message(speed_kmh=-0.01), without("speed_kmh", event_type="crash"),
        message(trip_id=""), message(trip_id="a b"), message(trip_id="x" * 65), message(trip_id=None),
        message(trip_id=1.5),
        message(timestamp="2026-02-29T08:15:00Z"), message(timestamp="2026-03-02T24:00:00Z"),
        message(timestamp="2026-03-02T08:15:00"), message(timestamp="2026-03-02T08:15:60Z"),
        message(timestamp=0), message(timestamp=LATEST_MS + 1), message(timestamp=1.5), message(timestamp=True),
        without("speed_kmh"), without("timestamp"), without("client_id"),
        message(samples="[]"), envelope(), envelope({"timestamp": RIGHT["timestamp"]}), envelope(5),
        message(samples=[SAMPLE]), envelope(SAMPLE)[:-2] + b",}",
        raw(note='"\x01"'), raw(note='"\\x"'), raw(note='"\\u12g4"'), raw(note='"\\u12"'), raw(note="[1,]"),
        raw(note='{"a" 1}'), raw(note="[}"), raw(note="tru"),
        message().replace(b"}", b', "note": "\xff"}'), message().replace(b"}", b', "note": "\xed\xa0\x80"}'),
        message().replace(b"}", b', "note": "\xc0\xaf"}'), raw(note="[" * 100 + "]" * 100),
        message()[:-1] + b', "speed_kmh": 50.0}',
    ],
)  # fmt: skip
def test_the_kernel_accepts_no_message_that_is_invalid_or_that_it_is_unsure_of(wrong: bytes) -> None:
    found = read(message(), wrong, message())
    assert found.unsure.tolist() == [1]
    assert found.message.tolist() == [0, 2]


@given(number=st.floats(-400, 400, allow_subnormal=False), digits=st.integers(1, 25))
@example(number=1e-7, digits=3)
@example(number=-0.0, digits=1)
@settings(max_examples=300)
def test_a_number_becomes_the_float32_nearest_to_its_double(number: float, digits: int) -> None:
    for text in (repr(number), f"{number:.{digits}g}", f"{number:.{digits}f}"):
        found = read(raw(acceleration_mps2=text))
        if len(found.unsure) == 0:
            assert found.events.samples["acceleration_mps2"][0] == np.float32(float(text))


@given(st.floats(-400, 400, width=32, allow_subnormal=False).filter(lambda number: abs(number) > 1e-4 or number == 0))
def test_every_float32_is_read_as_any_language_writes_it(number: float) -> None:
    for written in (number, float(str(np.float32(number)))):
        found = read(message(acceleration_mps2=written))
        assert found.unsure.tolist() == []
        assert found.events.samples["acceleration_mps2"][0] == np.float32(number)


@given(st.integers(946_684_800_000, LATEST_MS), st.integers(-23 * 60 - 59, 23 * 60 + 59), st.integers(0, 9))
def test_iso_8601_is_read_to_the_millisecond(timestamp_ms: int, offset_min: int, digits: int) -> None:
    local = np.datetime64(timestamp_ms + offset_min * 60_000, "ms").astype("datetime64[ns]")
    text = str(local)[: 20 + digits] if digits else str(local)[:19]
    sign = "-" if offset_min < 0 else "+"
    found = read(message(timestamp=f"{text}{sign}{abs(offset_min) // 60:02}:{abs(offset_min) % 60:02}"))
    lost_ms = 10 ** max(0, 3 - digits)
    assert found.unsure.tolist() == []
    assert found.events.samples["timestamp_ms"][0] == (timestamp_ms - timestamp_ms % lost_ms)
    assert found.events.samples["utc_offset_min"][0] == offset_min


def test_many_samples_in_few_messages_fit() -> None:
    samples: list[dict[str, Any]] = [{**SAMPLE, "speed_kmh": float(number % 200)} for number in range(1000)]
    found = read(*[envelope(*samples, trip_id=f"trip_{number}") for number in range(30)])
    assert found.unsure.tolist() == []
    frame = frame_of(found.events)
    assert frame["speed_kmh"].to_list() == [float(number % 200) for number in range(1000)] * 30
    assert frame["trip_id"].to_list() == [f"trip_{number}" for number in range(30) for _ in range(1000)]
    assert found.message.tolist() == [number for number in range(30) for _ in range(1000)]


def test_a_field_beside_full_columns_of_samples_writes_to_no_other_memory() -> None:
    samples = [{**SAMPLE, "speed_kmh": 1.0}] * 17
    spoilt = envelope(*samples)[:-1] + b', "speed_kmh": 7, "event_type": "crash", "latitude": 95}'
    found = read(spoilt)
    assert found.unsure.tolist() == [0]
    named = read(envelope(*samples)[:-1] + b', "vehicle_class": "tram"}')
    assert count_faults(named.faults) == {("vehicle_class", FieldFault.UNKNOWN_CHOICE): 17}
