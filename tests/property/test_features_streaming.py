"""However events are framed, ordered and repeated, the features of a trip are the same to the bit."""

from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.features import FEATURE_NAMES
from scoring.features.batch import trip_features
from tests.reference.random_trips import (
    Event,
    disorder,
    duplicate,
    fleets,
    frame_of,
    seeds,
    trips,
    upload_late,
)
from tests.reference.streaming import Partition, bits_by_trip, last_scores

GRACE_S = 10
GRACE_MS = GRACE_S * 1000
SILENCE_S = 100_000
"""So long that no trip is closed for its silence before the end."""


def run(events: list[Event], cuts: list[int] | None = None, *, idle_gap_s: float = SILENCE_S) -> Partition:
    partition = Partition(grace_s=GRACE_S, idle_gap_s=idle_gap_s, retention_s=SILENCE_S)
    frame = frame_of(events)
    ends = sorted({*(cut % (len(events) + 1) for cut in cuts or ()), len(events)})
    start = 0
    for end in ends:
        partition.send(frame[start:end])
        start = end
    partition.close()
    return partition


@settings(max_examples=80, deadline=None)
@given(events=fleets(), cuts=st.lists(st.integers(0, 10_000), max_size=8), seed=seeds)
@pytest.mark.parametrize("idle_gap_s", [15, SILENCE_S], ids=["silent trips close", "all stay open"])
def test_any_split_into_frames_emits_the_same_rows(
    events: list[Event], cuts: list[int], seed: int, idle_gap_s: float
) -> None:
    arriving = duplicate(events, seed, grace_ms=3 * GRACE_MS)  # late ones too
    at_once = run(arriving, idle_gap_s=idle_gap_s)
    in_frames = run(arriving, cuts, idle_gap_s=idle_gap_s)
    assert bits_by_trip(in_frames.emitted) == bits_by_trip(at_once.emitted)


@settings(max_examples=20, deadline=None)
@given(events=trips(max_samples=80))
def test_one_event_at_a_time_emits_the_same_rows(events: list[Event]) -> None:
    assert bits_by_trip(run(events, list(range(len(events)))).emitted) == bits_by_trip(run(events).emitted)


@settings(max_examples=80, deadline=None)
@given(events=fleets(), seed=seeds)
def test_any_order_within_the_grace_period_ends_with_the_same_scores(events: list[Event], seed: int) -> None:
    disordered = disorder(events, seed, grace_ms=GRACE_MS)
    assert last_scores(run(disordered).emitted) == last_scores(run(events).emitted)


@settings(max_examples=80, deadline=None)
@given(events=fleets(), seed=seeds)
def test_any_number_of_duplicates_ends_with_the_same_scores(events: list[Event], seed: int) -> None:
    repeated = duplicate(events, seed, grace_ms=GRACE_MS)
    assert last_scores(run(repeated).emitted) == last_scores(run(events).emitted)


@settings(max_examples=60, deadline=None)
@given(events=fleets(), seed=seeds)
def test_streamed_trips_equal_batch_trips(events: list[Event], seed: int) -> None:
    streamed = last_scores(run(disorder(events, seed, grace_ms=GRACE_MS)).emitted)
    batch = trip_features(frame_of(events))
    matrix = batch.select(FEATURE_NAMES).to_numpy()
    for trip_id, features in zip(batch["trip_id"], matrix, strict=True):
        assert streamed[trip_id, "trip", 0] == np.ascontiguousarray(features).tobytes()


@settings(max_examples=120, deadline=None)
@given(events=fleets(), cuts=st.lists(st.integers(0, 10_000), max_size=8), seed=seeds)
def test_blocks_that_arrive_at_any_later_time_end_with_the_same_scores(
    events: list[Event], cuts: list[int], seed: int
) -> None:
    late = run(upload_late(events, seed), cuts)
    late.correct()
    scores, in_order = last_scores(late.emitted), last_scores(run(events).emitted)
    assert {key: scores[key] for key in in_order} == in_order, "of trips and of windows"


@settings(max_examples=40, deadline=None)
@given(events=fleets(), seed=seeds)
def test_revisions_of_a_trip_and_of_each_of_its_windows_count_up_from_0(events: list[Event], seed: int) -> None:
    counted: dict[tuple[str, str, int], int] = {}
    for row in run(duplicate(events, seed, grace_ms=3 * GRACE_MS), idle_gap_s=15).emitted:
        key = (row.trip, row.kind, row.window_start_ms if row.kind == "window" else 0)
        left = 1 if row.kind == "trip" and row.late_event_count > 0 and key in counted else 0
        assert counted.get(key, 0) <= row.revision <= counted.get(key, 0) + left, "one is left for the correction"
        counted[key] = row.revision + 1


@settings(max_examples=30, deadline=None)
@given(events=fleets(), others=fleets(), prefix=st.sampled_from(["a_", "z_"]), seed=seeds)
def test_other_trips_do_not_change_a_trip(events: list[Event], others: list[Event], prefix: str, seed: int) -> None:
    renamed = [one | {"trip_id": prefix + one["trip_id"], "vehicle_id": prefix + one["vehicle_id"]} for one in others]
    together = run(disorder([*renamed, *events], seed, grace_ms=1))
    alone = bits_by_trip(run(events).emitted)
    assert {trip: bits_by_trip(together.emitted)[trip] for trip in alone} == alone


@settings(max_examples=30, deadline=None)
@given(events=trips(), order=st.randoms(use_true_random=False))
def test_batch_features_do_not_depend_on_the_order_of_rows(events: list[Event], order: Random) -> None:
    shuffled = list(events)
    order.shuffle(shuffled)
    first, second = trip_features(frame_of(events)), trip_features(frame_of(shuffled))
    assert _bits(first) == _bits(second)


def _bits(features: pl.DataFrame) -> bytes:
    return features.select(FEATURE_NAMES).to_numpy().tobytes()
