"""A message is never judged by its neighbours: decoded among others or one by one, the verdict is the same."""

import json
import math
from collections import Counter

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS
from scoring.events.columns import EventColumns
from tests.support.examples.decoding import LATEST_MS, RIGHT, a_decoder, batch_of, frame_of, message

NUMBERS = (
    st.integers()
    | st.integers(-400, 400)
    | st.integers(1_700_000_000_000, 1_800_000_000_000)
    | st.floats()
    | st.floats(-400, 400)
    | st.sampled_from([0, -1, 91, 181, 255, 360, 511, 999, -1.00000001, 90.000001, 1e-300, 1e-44])
    | st.sampled_from([0, -0.0, 5.0, 300.0000001, 9999, 2**63, -(2**63) - 1, 2**64, 10**30, 1e39])
).map(json.dumps)
LITERALS = st.sampled_from(
    [
        "null",
        "true",
        "false",
        "[]",
        "{}",
        '[""]',
        "1e999",
        "-1e999",
        "1e-400",
        "5e3",
        "1.7724357e12",
        "01",
        "+1",
        "1.",
        "",
        "NaN",
        "Infinity",
        "-Infinity",
        "-Inf",
        '"50"',
        '"-0.5e1"',
        '"1e999"',
        '"01"',
        '"5 "',
        '"\\u0035"',
        '"NaN"',
    ]
)
TIMES = st.sampled_from(
    [
        "2026-03-02T08:15:00Z", "2026-03-02T08:15:00.5+05:30", "2026-03-02T08:15:00.123456789-23:59",
        "2026-03-02T23:59:60Z", "2026-02-30T08:15:00Z", "2026-03-02T24:00:00Z", "2026-03-02T08:15:00+24:00",
        "2026-03-02T08:15:00+12:99", "2026-03-02T08:15:00", "2026-03-02 08:15:00Z", "9999-12-31T23:59:59-23:00",
        "0001-01-01T00:00:00+23:00", "1772435700000", "+1772435700000", " 1772435700000", "١٧٧٢٤٣٥٧٠٠٠٠٠", "1772435700",
    ]
).map(json.dumps)  # fmt: skip
CHOICES = st.sampled_from([*EVENT_TYPES, "van", "true", "NaN", "5", "1.5", "a\n", "\x00", "é", "a" * 64, "a" * 65])
TEXTS = (st.text(max_size=8) | CHOICES).map(lambda text: json.dumps(text, ensure_ascii=len(text) % 2 == 0)) | (
    st.sampled_from([r'"\ud800"', r'"\u0062"', '"\t"', '"\\x"'])
)
TOKENS = NUMBERS | LITERALS | TIMES | TEXTS

FIELDS = [
    *RIGHT, "event_id", "event_type", "vehicle_class", "sequence", "acceleration_mps2", "peak_mps2", "latitude",
    "longitude", "heading_deg", "speed_limit_kmh", "duration_s", "extra",
]  # fmt: skip


@st.composite
def objects(draw: st.DrawFn, fields: dict[str, object]) -> str:
    """Draw an object: mostly right, with some odd, missing, repeated and unknown fields."""
    pairs = [(name, json.dumps(right)) for name, right in fields.items()]
    for _ in range(draw(st.integers(0, 3))):
        name, token = draw(st.sampled_from(FIELDS)), draw(TOKENS)
        pairs.insert(draw(st.integers(0, len(pairs))), (name, token))
    if len(pairs) > 0 and draw(st.booleans()):
        pairs.pop(draw(st.integers(0, len(pairs) - 1)))
    return "{" + draw(st.sampled_from([",", " ,\t"])).join(f'"{name}":{token}' for name, token in pairs) + "}"


@st.composite
def envelopes(draw: st.DrawFn) -> str:
    sample = {"timestamp": RIGHT["timestamp"], "speed_kmh": 50.0}
    samples = draw(st.lists(objects(sample) | TOKENS, max_size=4))
    listed = "[" + ",".join(samples) + "]"
    given_samples = draw(st.sampled_from([listed, listed, json.dumps(listed)]) | TOKENS)
    body = draw(objects({name: RIGHT[name] for name in ID_COLUMNS}))
    return body[:-1] + f',"samples":{given_samples}' + "}"


@st.composite
def values(draw: st.DrawFn) -> bytes | None:
    """Draw what a record may hold: an event or an envelope, perhaps cut, spoilt or joined to another."""
    value = draw(objects(RIGHT) | envelopes() | TOKENS).encode(errors="replace")
    kind = draw(st.integers(0, 11))
    place = draw(st.integers(0, len(value)))
    if kind == 0:
        return value[:place]
    if kind == 1:
        return value[:place] + draw(st.binary(min_size=1, max_size=2)) + value[place:]
    if kind == 2:
        return value[:place] + draw(st.sampled_from([b"\n", b"\r", b"\n\n", b" "])) + value[place:]
    if kind == 3:
        return value + draw(st.sampled_from([message(), b",", b"\n" + message(), b"\xef\xbb\xbf", b"\x00"]))
    return draw(st.sampled_from([None, b"", b" ", b"\n"])) if kind == 4 else value


def together(batch: list[bytes | None]) -> tuple[pl.DataFrame, list[tuple[int, str]], Counter[tuple[str, str]]]:
    decoded = a_decoder().decode(batch_of(*batch))
    events = frame_of(decoded.events).with_columns(record=decoded.events.offsets)
    return events, [(reject.record.offset, reject.code.value) for reject in decoded.rejects], Counter(decoded.faults)


def one_by_one(batch: list[bytes | None]) -> tuple[pl.DataFrame, list[tuple[int, str]], Counter[tuple[str, str]]]:
    records = batch_of(*batch).records()
    strict = a_decoder()._strict.decode([(row, records[row]) for row in range(len(records))], LATEST_MS)
    frame = frame_of(EventColumns.of_frame(strict.events)).with_columns(record=strict.events["record"])
    rejects = [(reject.record.offset, reject.code.value) for reject in strict.rejects]
    return frame, rejects, Counter(strict.faults)


@given(st.lists(values(), min_size=1, max_size=24))
@settings(max_examples=200, deadline=None)
@example([message(speed_kmh=9999), message()] * 9)
@example([b'{"samples":""}', message()])
@example([message(samples=""), message()])
@example([message(samples="[5],[6]"), message(samples="")])
@example([message(trip_id=1.5), message(trip_id=5.0), message(trip_id=5), message(trip_id=1e39)])
def test_among_others_and_one_by_one_the_verdict_is_the_same(batch: list[bytes | None]) -> None:
    events, rejects, faults = one_by_one(batch)
    assert together(batch)[1:] == (rejects, faults)
    assert_frame_equal(together(batch)[0], events, check_exact=True)


@given(st.lists(values(), min_size=1, max_size=3))
@settings(max_examples=80, deadline=None)
def test_among_right_messages_the_verdict_is_the_same(odd: list[bytes | None]) -> None:
    crowd: list[bytes | None] = [message(trip_id=f"trip_{number}") for number in range(20)]
    events, rejects, faults = one_by_one(odd)
    all_events, all_rejects, all_faults = together([*crowd, *odd, *crowd])
    assert all_faults == faults
    assert [(record - 20, code) for record, code in all_rejects] == rejects
    ours = all_events.filter(pl.col("record").is_between(20, 19 + len(odd)))
    assert_frame_equal(ours.with_columns(pl.col("record") - 20), events, check_exact=True)
    assert len(all_events) == len(ours) + 40


@given(st.lists(values(), min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_what_is_accepted_is_within_its_limits_and_what_is_not_is_rejected(batch: list[bytes | None]) -> None:
    events, rejects, _ = together(batch)
    assert {*events["record"].to_list(), *(record for record, _ in rejects)} == set(range(len(batch)))
    for event in events.iter_rows(named=True):
        assert all(0 < len(event[name]) <= 64 for name in ID_COLUMNS if name != "driver_id")
        assert len(event["driver_id"]) <= 64
        assert event["speed_kmh"] is None or 0 <= event["speed_kmh"] <= 300
        assert event["timestamp_ms"] <= LATEST_MS
        assert not any(isinstance(content, float) and not math.isfinite(content) for content in event.values())
