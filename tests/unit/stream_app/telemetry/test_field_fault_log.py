"""The summary line of field faults: at once, then at most one a period, and nothing is lost between."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from schemas.messages.optional_fields import OPTIONAL_FIELDS, POSSIBLE_FAULTS, FieldFault
from stream_app.telemetry.field_fault_log import FieldFaultLog

LIMIT_0 = ("speed_limit_kmh", FieldFault.PLACEHOLDER)
CLASS = ("vehicle_class", FieldFault.UNKNOWN_CHOICE)


class Clock:
    """A clock that a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


def counts(lines: list[EventDict]) -> list[dict[str, int]]:
    return [line["events_by_field_and_fault"] for line in lines]


def test_the_first_faults_are_logged_at_once_and_later_ones_together(lines: list[EventDict]) -> None:
    clock = Clock()
    log = FieldFaultLog(60, clock)
    log.add({})
    assert lines == []
    log.add({LIMIT_0: 3})
    assert counts(lines) == [{"speed_limit_kmh:placeholder": 3}]
    for _ in range(1000):
        log.add({LIMIT_0: 2, CLASS: 1})
    assert len(lines) == 1
    clock.now_s += 60
    log.add({})
    assert counts(lines)[1:] == [{"speed_limit_kmh:placeholder": 2000, "vehicle_class:unknown_choice": 1000}]
    assert lines[0]["log_level"] == "warning"


def test_after_a_quiet_time_the_next_fault_is_logged_at_once(lines: list[EventDict]) -> None:
    clock = Clock()
    log = FieldFaultLog(60, clock)
    log.add({LIMIT_0: 1})
    clock.now_s += 600
    log.add({})
    assert len(lines) == 1
    log.add({CLASS: 1})
    assert counts(lines)[1:] == [{"vehicle_class:unknown_choice": 1}]


def test_labels_are_bounded_by_fields_and_faults() -> None:
    assert {field for field, _ in POSSIBLE_FAULTS} == set(OPTIONAL_FIELDS)
    assert {fault for _, fault in POSSIBLE_FAULTS} == set(FieldFault)
    assert len(set(POSSIBLE_FAULTS)) == len(POSSIBLE_FAULTS) < 50
