"""Faults of optional fields: the rules of files, of the kernel and of the strict decoder are the same."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.event_frame import EVENT_SCHEMA
from schemas.messages.optional_fields import NUMBER_RULES, FieldFault
from scoring.events import EventColumns
from scoring.trip_files.rows.row_rules import JudgedRows, judge_rows, with_all_columns
from tests.support.examples.decoding import LATEST_MS, RIGHT, a_decoder, batch_of, frame_of
from tests.support.examples.event_frames import event_frame

Counts = dict[tuple[str, FieldFault], int]


def judged(*rows: dict[str, Any]) -> JudgedRows:
    """Judge rows of a file, whose numbers are as JSON would have them."""
    given_rows = [
        {"timestamp_ms": RIGHT["timestamp"], **{n: v for n, v in RIGHT.items() if n != "timestamp"}, **row}
        for row in rows
    ]
    names = list(dict.fromkeys(name for row in given_rows for name in row))
    schema = {name: pl.Float64() if EVENT_SCHEMA[name].is_float() else EVENT_SCHEMA[name] for name in names}
    return judge_rows(with_all_columns(pl.DataFrame(given_rows, schema=schema)))


def of_kernel(*rows: dict[str, Any]) -> tuple[pl.DataFrame, Counts]:
    decoded = a_decoder().decode(batch_of(*(json.dumps({**RIGHT, **row}).encode() for row in rows)))
    return frame_of(decoded.events), dict(decoded.faults)


def of_strict(*rows: dict[str, Any]) -> tuple[pl.DataFrame, Counts]:
    records = batch_of(*(json.dumps({**RIGHT, **row}).encode() for row in rows)).records()
    strict = a_decoder()._strict.decode([(row, records[row]) for row in range(len(records))], LATEST_MS)
    return frame_of(EventColumns.of_frame(strict.events)), dict(strict.faults)


def of_file(*rows: dict[str, Any]) -> tuple[pl.DataFrame, Counts]:
    file = judged(*rows)
    return frame_of(EventColumns.of_frame(file.events)), file.faults


CASES: list[tuple[dict[str, Any], dict[str, FieldFault]]] = [
    *[({"speed_limit_kmh": limit}, {"speed_limit_kmh": FieldFault.PLACEHOLDER}) for limit in (0, -1, 255, 999)],
    *[({"speed_limit_kmh": limit}, {"speed_limit_kmh": FieldFault.OUT_OF_RANGE}) for limit in (0.5, 301, -2, 65_535)],
    *[({"speed_limit_kmh": limit}, {}) for limit in (1, 50, 254, 300)],
    *[({"heading_deg": heading}, {"heading_deg": FieldFault.PLACEHOLDER}) for heading in (-1, 511)],
    *[({"heading_deg": heading}, {"heading_deg": FieldFault.OUT_OF_RANGE}) for heading in (360.5, -361, 655.35)],
    *[({"heading_deg": heading}, {}) for heading in (0, 360, -90, -1.5)],
    ({"latitude": 91, "longitude": 181}, dict.fromkeys(("latitude", "longitude"), FieldFault.PLACEHOLDER)),
    ({"latitude": 0, "longitude": 0}, dict.fromkeys(("latitude", "longitude"), FieldFault.PLACEHOLDER)),
    ({"latitude": 0, "longitude": 9.9}, {}),
    ({"latitude": 0}, {}),
    ({"latitude": 95}, {"latitude": FieldFault.OUT_OF_RANGE}),
    ({"longitude": -180.5, "latitude": 0}, {"longitude": FieldFault.OUT_OF_RANGE}),
    ({"latitude": 90.00000001}, {}),
    ({"acceleration_mps2": 401}, {"acceleration_mps2": FieldFault.OUT_OF_RANGE}),
    ({"lateral_acceleration_mps2": -1e6}, {"lateral_acceleration_mps2": FieldFault.OUT_OF_RANGE}),
    ({"peak_mps2": 500, "event_type": "hard_brake"}, {"peak_mps2": FieldFault.OUT_OF_RANGE}),
    ({"duration_s": -1, "event_type": "phone_use"}, {"duration_s": FieldFault.OUT_OF_RANGE}),
    ({"speed_kmh": -1, "acceleration_mps2": 1.5}, {"speed_kmh": FieldFault.PLACEHOLDER}),
    ({"speed_kmh": 300.5, "acceleration_mps2": 1.5}, {"speed_kmh": FieldFault.OUT_OF_RANGE}),
    ({"speed_kmh": 300.00000000001}, {}),
    ({"event_type": "hardBraking"}, {"event_type": FieldFault.UNKNOWN_CHOICE}),
    ({"vehicle_class": "lorry"}, {"vehicle_class": FieldFault.UNKNOWN_CHOICE}),
    ({"event_id": "{7}"}, {"event_id": FieldFault.ILLEGAL_ID}),
]


@pytest.mark.parametrize(("row", "faults"), CASES, ids=[str(row) for row, _ in CASES])
def test_kernel_strict_decoder_and_files_take_away_the_same_fields(
    row: dict[str, Any], faults: dict[str, FieldFault]
) -> None:
    left = {name: content for name, content in row.items() if name not in faults}
    left |= {"speed_kmh": None} if "speed_kmh" in faults else {}
    counts = dict.fromkeys(faults.items(), 1)
    for path in (of_kernel, of_strict, of_file):
        events, found = path(row)
        assert found == counts, path.__name__
        assert_frame_equal(events, path(left)[0])


numbers = st.floats(-1000, 1000, width=32, allow_subnormal=False) | st.sampled_from(
    [0, -1, 91, 181, 255, 360, 511, 999]
)
rows = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(NUMBER_RULES, st.none() | numbers),
        "event_type": st.sampled_from(["sample", "hard_brake", "crash"]),
        "vehicle_class": st.sampled_from(["van", "tram"]),
        "event_id": st.sampled_from(["e_1", "{1}"]),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=6))
def test_whatever_the_fields_hold_the_three_ways_agree(drawn: list[dict[str, Any]]) -> None:
    (kernel_events, kernel), (strict_events, strict), (file_events, file) = (
        way(*drawn) for way in (of_kernel, of_strict, of_file)
    )
    assert kernel == strict == file
    assert_frame_equal(kernel_events, strict_events)
    assert_frame_equal(kernel_events, file_events)


def test_a_file_s_nan_is_unknown_and_infinity_a_fault() -> None:
    frame = event_frame({"heading_deg": float("nan"), "peak_mps2": float("inf"), "utc_offset_min": 1440})
    file = judge_rows(frame)
    assert file.events.select("heading_deg", "peak_mps2", "utc_offset_min").row(0) == (None, None, None)
    assert file.faults == {
        ("peak_mps2", FieldFault.NOT_FINITE): 1,
        ("utc_offset_min", FieldFault.OUT_OF_RANGE): 1,
    }


def test_a_row_in_which_nothing_measured_is_left_is_dropped_and_says_what_was_there() -> None:
    file = judged(
        {"speed_kmh": 9999},
        {"speed_kmh": None},
        {"speed_kmh": None, "event_type": "crash", "peak_mps2": 4.0},
        {"speed_kmh": -5, "acceleration_mps2": 1000, "event_type": "crash"},
        {"speed_kmh": 5},
    )
    assert file.events.height == 1
    assert file.faults == {}
    assert file.dropped == {
        "nothing measured": 1,
        "nothing measured: speed_kmh can't be used": 1,
        "nothing measured: event_type can't be used": 1,
        "nothing measured: event_type, speed_kmh, acceleration_mps2 can't be used": 1,
    }
