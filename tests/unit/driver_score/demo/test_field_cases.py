"""Files as people's loggers write them, read by the demo's command: what is right of each, and what is said of it."""

from pathlib import Path

import pytest

from schemas.errors import DriverScoreError
from scoring.features.batch import trip_features
from tests.support.examples.demo_input import demo_input
from tests.support.examples.field_cases import FIELD_CASES, REFUSED_FILES, FieldCase, RefusedFile, differences


@pytest.mark.parametrize("case", FIELD_CASES, ids=lambda case: case.name)
def test_a_file_with_a_fault_gives_the_features_that_are_right(tmp_path: Path, case: FieldCase) -> None:
    read = demo_input(tmp_path / "trips.csv", case.content, case.arguments)
    found = trip_features(read.events).sort("vehicle_id", "window_start_ms").rows(named=True)
    assert len(found) == len(case.trips)
    for features, expected in zip(found, case.trips, strict=True):
        assert differences(features, expected) == {}
    assert [part for part in case.says if part not in read.said] == [], read.said


@pytest.mark.parametrize("file", REFUSED_FILES, ids=lambda file: file.name)
def test_a_file_that_can_not_be_read_as_it_is_is_refused_with_the_option_that_reads_it(
    tmp_path: Path, file: RefusedFile
) -> None:
    with pytest.raises(DriverScoreError) as refused:
        demo_input(tmp_path / "trips.csv", file.content, file.arguments)
    error = str(refused.value)
    assert "\n" not in error
    assert [part for part in file.says if part not in error] == [], error
