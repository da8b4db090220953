"""What becomes of each kind of message, by itself and within a batch of others."""

import json

import polars as pl
import pytest

from schemas.event_frame import ID_COLUMNS
from schemas.messages.dead_letter import RejectCode
from schemas.messages.optional_fields import FieldFault
from stream_app.ingest.decoding import DecodedBatch
from tests.support.examples.bad_input import BAD_INPUT, BadInput
from tests.support.examples.decoding import NOW_MS, RIGHT, a_decoder, batch_of, envelope, frame_of, message
from tests.support.golden.bad_input_page import BAD_INPUT_PAGE, bad_input_page

MAX_VALUE_BYTES = 4 * 1024 * 1024

each_bad_input = pytest.mark.parametrize("bad", BAD_INPUT, ids=lambda bad: bad.title)


def decoded(*values: bytes | None, **settings: object) -> DecodedBatch:
    return a_decoder(**{"max_value_bytes": MAX_VALUE_BYTES, **settings}).decode(batch_of(*values))


def codes(batch: DecodedBatch) -> list[tuple[int, RejectCode]]:
    return [(reject.record.offset, reject.code) for reject in batch.rejects]


def only_event(**changed: object) -> dict[str, object]:
    batch = decoded(message(**changed))
    assert not batch.rejects
    return frame_of(batch.events).row(0, named=True)


def faults(bad: BadInput) -> dict[tuple[str, FieldFault], int]:
    return dict.fromkeys(bad.faults.items(), bad.events)


@each_bad_input
def test_bad_input_by_itself_gets_what_the_docs_say(bad: BadInput) -> None:
    batch = decoded(bad.value(NOW_MS))
    assert codes(batch) == ([] if bad.code is None else [(0, bad.code)])
    assert len(batch.events) == bad.events
    assert batch.faults == faults(bad)


@each_bad_input
def test_bad_input_among_good_messages_gets_the_same_and_harms_none(bad: BadInput) -> None:
    good = [message(trip_id=f"good_{number}") for number in range(40)]
    batch = decoded(*good[:20], bad.value(NOW_MS), *good[20:])
    assert codes(batch) == ([] if bad.code is None else [(20, bad.code)])
    of_good = frame_of(batch.events).filter(pl.col("trip_id").str.starts_with("good_"))
    assert of_good["trip_id"].to_list() == [f"good_{number}" for number in range(40)]
    assert len(batch.events) == 40 + bad.events
    assert batch.faults == faults(bad)


@each_bad_input
def test_a_field_that_counts_as_unknown_is_null_and_all_others_are_kept(bad: BadInput) -> None:
    value = bad.value(NOW_MS)
    if not bad.faults or bad.events != 1 or value is None:
        return
    given = {name: content for name, content in json.loads(value).items() if name not in bad.faults}
    assert frame_of(decoded(value).events).equals(frame_of(decoded(json.dumps(given).encode()).events))


def test_the_docs_have_the_whole_table_and_nothing_else() -> None:
    assert BAD_INPUT_PAGE.read_text() == bad_input_page(), "run pytest with --update-golden"


def test_the_docs_explain_every_code() -> None:
    text = BAD_INPUT_PAGE.read_text()
    assert [code for code in [*RejectCode, *FieldFault] if f"\n- `{code}`: " not in text] == []
    of_values = set(RejectCode) - {RejectCode.INVALID_TRIP_RESULT, RejectCode.MISPLACED_KEY}
    assert {bad.code for bad in BAD_INPUT} == {*of_values, None}, "each code of a value has a row"
    assert {fault for bad in BAD_INPUT for fault in bad.faults.values()} == set(FieldFault)


def test_all_rows_at_once_are_distinguished() -> None:
    batch = decoded(*(bad.value(NOW_MS) for bad in BAD_INPUT))
    assert codes(batch) == [(row, bad.code) for row, bad in enumerate(BAD_INPUT) if bad.code is not None]
    assert len(batch.events) == sum(bad.events for bad in BAD_INPUT)


def test_a_good_message_becomes_a_row_of_the_event_frame() -> None:
    batch = decoded(
        message(
            timestamp="2026-03-02T08:15:00.250+05:30",
            vehicle_class="truck",
            event_type="hard_brake",
            event_id="e-1",
            peak_mps2=-4.25,
            duration_s=1.5,
            latitude=48.137154,
            longitude=11.576124,
        )
    )
    assert batch.events.offsets.tolist() == [0]
    assert frame_of(batch.events).row(0, named=True) == {
        **{name: RIGHT[name] for name in ID_COLUMNS},
        "vehicle_class": "truck",
        "timestamp_ms": 1_772_419_500_250,
        "utc_offset_min": 330,
        "event_type": "hard_brake",
        "event_hash": frame_of(decoded(message(event_id="e-1")).events)["event_hash"][0],
        "speed_kmh": 50.0,
        "peak_mps2": -4.25,
        "duration_ms": 1500,
        "latitude": pytest.approx(48.137154, rel=1e-7),
        "longitude": pytest.approx(11.576124, rel=1e-7),
        **dict.fromkeys(("acceleration_mps2", "lateral_acceleration_mps2", "heading_deg", "speed_limit_kmh")),
    }


def test_events_keep_the_order_of_the_records_and_samples_theirs() -> None:
    samples = [{"timestamp": RIGHT["timestamp"] + step, "speed_kmh": float(step)} for step in (2, 0, 1)]
    batch = decoded(message(trip_id="a"), envelope(*samples, trip_id="b"), b"junk", message(trip_id="c"))
    events = frame_of(batch.events).select(pl.Series(batch.events.offsets), "trip_id", "speed_kmh")
    assert events.rows() == [
        (0, "a", 50.0), (1, "b", 2.0), (1, "b", 0.0), (1, "b", 1.0), (3, "c", 50.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("timestamp", "expected_ms", "offset_min"),
    [
        (1_772_435_700_000, 1_772_435_700_000, 0),
        (1_772_435_700_000.0, 1_772_435_700_000, 0),
        ("1772435700000", 1_772_435_700_000, 0),
        ("2026-03-02T08:15:00Z", 1_772_439_300_000, 0),
        ("2026-03-02T08:15:00.9Z", 1_772_439_300_900, 0),
        ("2026-03-02T08:15:00.999999999Z", 1_772_439_300_999, 0),
        ("2026-03-02T08:15:00+01:00", 1_772_435_700_000, 60),
        ("2026-03-02T08:15:00-09:30", 1_772_473_500_000, -570),
        ("2026-03-02T08:15:00-00:30", 1_772_441_100_000, -30),
    ],
)
def test_time_is_epoch_milliseconds_and_the_offset_is_kept(
    timestamp: object, expected_ms: int, offset_min: int
) -> None:
    event = only_event(timestamp=timestamp)
    assert (event["timestamp_ms"], event["utc_offset_min"]) == (expected_ms, offset_min)


@pytest.mark.parametrize(
    ("timestamp", "offset_min"),
    [
        ("2026-03-02T08:15:00Z", 60),
        ("2026-07-02T08:15:00Z", 120),  # summer time
        (1_772_435_700_000, 60),
        ("2026-03-02T08:15:00+00:00", 0),  # what the device says goes first
        ("2026-03-02T08:15:00-05:00", -300),
    ],
)
def test_without_an_offset_the_local_time_is_that_of_the_client(timestamp: object, offset_min: int) -> None:
    batch = decoded(
        message(timestamp=timestamp, client_id="berlin"),
        message(timestamp=timestamp, client_id="elsewhere"),
        time_zones={"berlin": "Europe/Berlin", "mumbai": "Asia/Kolkata"},
    )
    elsewhere = min(offset_min, 0)
    assert frame_of(batch.events)["utc_offset_min"].to_list() == [offset_min, elsewhere]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, 0.0), (-0.0, 0.0), (300, 300.0), (33.3, 33.3), (50.123456789012345, 50.123456789012345), (1e-300, 0.0)],
)
def test_measurements_are_float32(number: float, expected: float) -> None:
    assert only_event(speed_kmh=number)["speed_kmh"] == pytest.approx(expected, rel=1e-7)


def test_numbers_of_vehicles_become_their_digits() -> None:
    for number, text in [(7, "7"), (-7, "-7"), (2**63 - 1, str(2**63 - 1)), (5.0, "5"), (5e3, "5000")]:
        assert only_event(vehicle_id=number)["vehicle_id"] == text


def test_a_value_of_the_most_bytes_is_read_and_one_more_is_not() -> None:
    just_fits = message(note="")
    just_fits = message(note="x" * (1000 - len(just_fits)))
    batch = decoded(just_fits, just_fits + b" ", max_value_bytes=1000)
    assert len(batch.events) == 1
    assert codes(batch) == [(1, RejectCode.TOO_LARGE)]


def test_a_reject_says_which_field_and_which_samples() -> None:
    samples = [{"timestamp": RIGHT["timestamp"], "speed_kmh": 9999.0}] * 7
    batch = decoded(message(speed_kmh=9999), envelope({"timestamp": RIGHT["timestamp"], "speed_kmh": 1.0}, *samples))
    assert batch.rejects[0].message.endswith("an acceleration, and what it has can't be used: speed_kmh")
    assert batch.rejects[1].message.startswith(
        "7 of 8 samples: sample 1: Value error, nothing_measured: a sample needs"
    )
    assert batch.rejects[1].message.endswith("; and 2 more")


@pytest.mark.parametrize("vehicle", ["HH AB 123", "фура_7", "車両"])
def test_a_reject_for_an_id_says_what_the_sender_is_to_do(vehicle: str) -> None:
    (reject,) = decoded(message(vehicle_id=vehicle)).rejects
    assert reject.code is RejectCode.ILLEGAL_ID
    assert reject.message.startswith("vehicle_id: an id has 1 to 64 of A to Z, a to z, 0 to 9 and _ . : - only; ")
    assert "have the sender replace other characters, such as blanks" in reject.message


def test_faults_are_counted_by_events_that_count_and_not_by_those_that_are_rejected() -> None:
    at = {"timestamp": RIGHT["timestamp"], "speed_limit_kmh": 0}
    batch = decoded(
        message(speed_limit_kmh=0),
        message(speed_limit_kmh=0, speed_kmh=9999),
        message(speed_limit_kmh=0, trip_id=""),
        message(speed_limit_kmh=0, timestamp=NOW_MS * 2),
        envelope({**at, "speed_kmh": 1}, {**at, "speed_kmh": -5}, {**at, "speed_kmh": 2}, vehicle_class="tram"),
    )
    assert len(batch.events) == 3
    assert batch.faults == {
        ("speed_limit_kmh", FieldFault.PLACEHOLDER): 3,
        ("vehicle_class", FieldFault.UNKNOWN_CHOICE): 2,
    }


def test_messages_never_hold_what_the_device_sent() -> None:
    private = "Jane Doe, 12 Elm Street"
    batch = decoded(*(json.dumps({**RIGHT, name: private}).encode() for name in RIGHT), json.dumps(private).encode())
    assert len(batch.rejects) == len(RIGHT) + 1
    assert not [reject for reject in batch.rejects if "Jane" in reject.message]


def test_a_batch_of_nothing_but_rubbish_has_no_events() -> None:
    batch = decoded(*[None, b"", b"x"] * 50)
    assert len(batch.events) == 0
    assert [offset for offset, _ in codes(batch)] == list(range(150))
