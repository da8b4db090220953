"""The plugin's decoder, as far as our queries must steer clear of it."""

from typing import Any

import pytest

from tests.support.checks.grafana_plugin import decoding_problems

TIME = "2026-03-09T00:00:00.000Z"


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("score", [1.5, None], "NULL would be drawn as zero"),
        ("score", ["a", 1], "texts and numbers"),
        ("drive_time_s", [12.0], "numbers would be read as times"),
        ("trip_id", ["trip_1", "00123"], "read as a number"),
        ("state", ["true"], "a yes or no"),
        ("__time", ["2026-03-09 00:00"], "a time would be read as now"),
        ("reason", [None, None], "nothing to tell its type by"),
    ],
)
def test_what_would_be_shown_wrong_is_found(column: str, values: list[Any], problem: str) -> None:
    [found] = decoding_problems([column], [[value] for value in values])
    assert problem in found


def test_what_is_shown_right_passes() -> None:
    rows = [[TIME, "trip_1", 1.5, "HARD_BRAKING"], [TIME, "trip_2", 2, None]]
    assert decoding_problems(["__time", "trip_id", "score", "reason_2"], rows) == []
    assert decoding_problems(["__time", "trip_id"], []) == []
