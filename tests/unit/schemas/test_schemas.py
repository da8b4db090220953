"""The public contracts: what events are accepted as, and the exported JSON Schema files."""

import json
import math
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from schemas.columns import OUTPUT_COLUMNS
from schemas.event_frame import EVENT_TYPES, VEHICLE_CLASSES
from schemas.export import JSON_FOLDER, MESSAGES, json_schema_text
from schemas.features import COUNT_FEATURES, FEATURE_NAMES
from schemas.messages.trip_event import EventType, TripEvent, TripEventBatch, VehicleClass

EVENT: dict[str, Any] = {
    "trip_id": "trip_7",
    "vehicle_id": "veh_3",
    "driver_id": "drv_9",
    "client_id": "client_harbor",
    "timestamp": "2026-03-02T08:15:00Z",
    "speed_kmh": 48.5,
}


def read(**changes: Any) -> TripEvent:
    return TripEvent.model_validate_json(json.dumps({**EVENT, **changes}))


@pytest.mark.parametrize("name", MESSAGES)
def test_the_exported_json_schema_is_that_of_the_code(name: str) -> None:
    path = JSON_FOLDER / f"{name}.json"
    text = json_schema_text(MESSAGES[name])
    assert path.read_text(encoding="utf-8") == text, "run the tests with --update-golden, and review the difference"


def test_every_json_schema_file_is_of_a_message() -> None:
    assert {path.stem for path in JSON_FOLDER.iterdir()} == set(MESSAGES)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-03-02T08:15:00Z", datetime(2026, 3, 2, 8, 15, tzinfo=UTC)),
        ("2026-03-02T08:15:00.250+01:00", datetime(2026, 3, 2, 7, 15, 0, 250_000, tzinfo=UTC)),
        ("2026-03-02T08:15:00-05:30", datetime(2026, 3, 2, 13, 45, tzinfo=UTC)),
        (1_772_439_300_000, datetime(2026, 3, 2, 8, 15, tzinfo=UTC)),
        (1_772_439_300_001, datetime(2026, 3, 2, 8, 15, 0, 1000, tzinfo=UTC)),
        (946_684_800_000, datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_timestamps_are_iso_with_an_offset_or_epoch_milliseconds(timestamp: str | int, expected: datetime) -> None:
    assert read(timestamp=timestamp).timestamp == expected


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-02T08:15:00",  # no offset
        "2026-03-02",
        "yesterday",
        "",
        None,
        True,
        1_772_439_300,  # seconds: 1970
        1_772_439_300_000.5,
        10**20,
        "1999-12-31T23:59:59Z",
    ],
)
def test_other_timestamps_are_refused(timestamp: object) -> None:
    with pytest.raises(ValidationError, match="timestamp"):
        read(timestamp=timestamp)


@pytest.mark.parametrize(
    ("given", "expected"), [("a", "a"), ("A_b.c:d-9", "A_b.c:d-9"), ("x" * 64, "x" * 64), (17, "17")]
)
def test_ids_are_64_characters_of_a_plain_alphabet(given: object, expected: str) -> None:
    assert read(trip_id=given).trip_id == expected


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a/b", "ä", "a\n", None, True, 1.5, ["a"], {"a": 1}])
def test_other_ids_are_refused(given: object) -> None:
    with pytest.raises(ValidationError, match="trip_id"):
        read(trip_id=given)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"latitude": 95}, {"latitude": None}),
        ({"longitude": -181}, {"longitude": None}),
        ({"acceleration_mps2": 401}, {"acceleration_mps2": None}),
        ({"duration_s": -1}, {"duration_s": None}),
        ({"duration_s": True}, {"duration_s": None}),
        ({"heading_deg": math.nan}, {"heading_deg": None}),
        ({"heading_deg": "511"}, {"heading_deg": None}),
        ({"heading_deg": "51.5"}, {"heading_deg": 51.5}),
        ({"heading_deg": 360}, {"heading_deg": 360}),
        ({"speed_limit_kmh": 0}, {"speed_limit_kmh": None}),
        ({"latitude": 0, "longitude": 0}, {"latitude": None, "longitude": None}),
        ({"latitude": 0, "longitude": 9.5}, {"latitude": 0, "longitude": 9.5}),
        ({"event_type": "teleport"}, {"event_type": "sample"}),
        ({"vehicle_class": "boat"}, {"vehicle_class": "car"}),
        ({"event_id": "{1}"}, {"event_id": None}),
        ({"speed_kmh": 9999, "acceleration_mps2": 1}, {"speed_kmh": None, "acceleration_mps2": 1}),
        ({"latitude": 10**400}, {"latitude": None}),
    ],
)
def test_an_optional_field_that_can_not_be_is_unknown(changes: dict[str, Any], kept: dict[str, Any]) -> None:
    assert read(**changes).model_dump() == {**read().model_dump(), **kept}


@pytest.mark.parametrize("speed", [-1, 9999, "fast", True, None, math.nan, math.inf])
def test_a_sample_in_which_nothing_measured_is_left_is_refused(speed: object) -> None:
    with pytest.raises(ValidationError, match="nothing_measured"):
        read(speed_kmh=speed)


@pytest.mark.parametrize(
    "changes",
    [
        {"speed_kmh": None, "acceleration_mps2": -1.5},
        {"speed_kmh": None, "lateral_acceleration_mps2": 0},
        {"speed_kmh": None, "event_type": "trip_end"},
        {"event_type": None, "vehicle_class": None},
        {"firmware": "9.1", "battery": {"volts": 12.6}},
    ],
)
def test_what_is_optional_may_be_missing_and_unknown_fields_do_no_harm(changes: dict[str, Any]) -> None:
    assert read(**changes).vehicle_class == "car"


def test_an_envelope_needs_a_sample() -> None:
    ids = {name: EVENT[name] for name in ("trip_id", "vehicle_id", "driver_id", "client_id")}
    sample = {"timestamp": EVENT["timestamp"], "speed_kmh": 48.5}
    assert len(TripEventBatch.model_validate({**ids, "samples": [sample, sample]}).samples) == 2
    with pytest.raises(ValidationError, match="samples"):
        TripEventBatch.model_validate({**ids, "samples": []})


def test_messages_and_columns_know_the_same_types_and_classes() -> None:
    assert get_args(EventType) == EVENT_TYPES
    assert get_args(VehicleClass) == VEHICLE_CLASSES


@pytest.mark.parametrize("topic", ["driver-scores", "trip-features"])
def test_scores_and_the_feature_log_carry_every_feature(topic: str) -> None:
    assert set(FEATURE_NAMES) <= set(OUTPUT_COLUMNS[topic])


def test_count_features_are_those_named_so() -> None:
    assert {name for name in FEATURE_NAMES if name.endswith("_count")} == COUNT_FEATURES
