"""Sums of windows merge into sums of trips, in any grouping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES
from scoring.features.aggregation.aggregates import AGGREGATES, merge
from tests.reference.random_trips import Event, trips
from tests.reference.streaming import Partition

MEAN_AND_VARIANCE = ("speed_ms", "speed_mean_kmh", "speed_m2")


@st.composite
def sums(draw: st.DrawFn) -> NDArray[np.void]:
    """Sums that a window can have: without a time, there is no mean."""
    row = np.zeros(1, AGGREGATES)
    for name in AGGREGATES.names or ():
        if name not in MEAN_AND_VARIANCE:
            row[name] = draw(st.integers(0, 60_000))
    row["speed_ms"] = draw(st.just(0) | st.integers(1, 60_000))
    if row["speed_ms"] > 0:
        row["speed_mean_kmh"] = draw(st.floats(0, 300))
        row["speed_m2"] = draw(st.floats(0, 1e6)) * row["speed_ms"]
    return row


def merged(*parts: NDArray[np.void]) -> NDArray[np.void]:
    into = parts[0].copy()
    for part in parts[1:]:
        merge(into[0], part[0])
    return into


def assert_same(one: NDArray[np.void], other: NDArray[np.void]) -> None:
    for name in AGGREGATES.names or ():
        assert one[name][0] == pytest.approx(other[name][0], rel=1e-12, abs=1e-12), name


@settings(max_examples=100, deadline=None)
@given(first=sums(), second=sums(), third=sums())
def test_merging_is_associative(first: NDArray[np.void], second: NDArray[np.void], third: NDArray[np.void]) -> None:
    assert_same(merged(merged(first, second), third), merged(first, merged(second, third)))


@settings(max_examples=100, deadline=None)
@given(part=sums())
def test_merging_nothing_changes_nothing(part: NDArray[np.void]) -> None:
    nothing = np.zeros(1, AGGREGATES)
    assert_same(merged(part, nothing), part)
    assert_same(merged(nothing, part), part)


@settings(max_examples=60, deadline=None)
@given(events=trips(), window_s=st.sampled_from([10, 17, 60, 600]))
def test_short_windows_merge_into_the_trip_of_one_long_window(events: list[Event], window_s: int) -> None:
    whole, windows = Partition(window_s=3600, grace_s=5), Partition(window_s=window_s, grace_s=5)
    for partition in (whole, windows):
        partition.send(events)
        partition.close()
    expected, found = whole.emitted[-1], windows.emitted[-1]
    for name, one, other in zip(FEATURE_NAMES, found.features, expected.features, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9, nan_ok=True), name
