import json
from collections import Counter
from itertools import chain
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from driver_score.replay import Disturbance, append_trip_ends, disturb, event_messages, plan_sending, shift_to_now
from driver_score.replay.disturbances import GARBAGE, MAX_DELAY_MS
from schemas.event_frame import EVENT_SCHEMA
from schemas.messages.trip_event import TripEvent, TripEventBatch
from scoring.trip_files import read_trips
from scoring.trip_files.rows.row_rules import judge_rows
from tests.support.examples.event_frames import event_frame, events

law = settings(max_examples=40, deadline=None)
"""An example takes some 10 ms of Polars calls; a deadline would only measure how busy the machine is."""

rows = st.lists(events(), min_size=1, max_size=8)
shares = st.floats(0, 1)
disturbances = st.builds(Disturbance, shares, shares, shares, st.integers(0, 9))


def values_of(plan: pl.DataFrame, **options: int) -> list[bytes]:
    return list(chain.from_iterable(messages.values for messages in event_messages(plan, **options)))


def counted(frame: pl.DataFrame) -> Counter[tuple[Any, ...]]:
    return Counter(frame.select(EVENT_SCHEMA.names()).iter_rows())


@law
@given(rows)
def test_every_event_of_a_frame_is_kept_by_the_row_rules(drawn: list[dict[str, Any]]) -> None:
    frame = event_frame(*drawn)
    judged = judge_rows(frame)
    assert_frame_equal(judged.events, frame)
    assert (judged.dropped, judged.faults) == ({}, {})


@law
@given(rows)
def test_every_encoded_event_is_a_trip_event(drawn: list[dict[str, Any]]) -> None:
    for line in values_of(plan_sending(append_trip_ends(event_frame(*drawn)))):
        TripEvent.model_validate_json(line)


@law
@given(rows, st.integers(2, 5))
def test_every_envelope_is_a_trip_event_batch_and_none_loses_a_sample(drawn: list[dict[str, Any]], size: int) -> None:
    batches = [
        TripEventBatch.model_validate_json(line) for line in values_of(plan_sending(event_frame(*drawn)), envelope=size)
    ]
    assert sum(len(batch.samples) for batch in batches) == len(drawn)
    assert max(len(batch.samples) for batch in batches) <= size


@pytest.mark.parametrize("envelope", [1, 3])
@law
@given(drawn=rows)
def test_what_is_sent_reads_back_as_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, envelope: int, drawn: list[dict[str, Any]]
) -> None:
    frame = event_frame(*drawn)
    path = tmp_path_factory.mktemp("sent") / "events.jsonl"
    path.write_bytes(b"\n".join(values_of(plan_sending(frame), envelope=envelope)))
    assert counted(read_trips(path, file_format="jsonl")) == counted(frame)


@law
@given(rows, disturbances)
def test_a_disturbed_stream_has_every_event_unchanged(drawn: list[dict[str, Any]], disturbance: Disturbance) -> None:
    plan = plan_sending(event_frame(*drawn))
    disturbed = disturb(plan, disturbance)
    sent = disturbed.filter(pl.col("garbage").is_null())
    assert counted(sent.unique(EVENT_SCHEMA.names())) == counted(plan.unique(EVENT_SCHEMA.names()))
    assert all(counted(sent)[event] >= times for event, times in counted(plan).items())
    assert disturbed["send_ms"].is_sorted()


@law
@given(rows, disturbances)
def test_no_event_is_delayed_beyond_the_limit(drawn: list[dict[str, Any]], disturbance: Disturbance) -> None:
    plan = plan_sending(event_frame(*drawn)).with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))
    disturbed = disturb(plan, disturbance).filter(pl.col("garbage").is_null())
    first_sent = disturbed.group_by("event_id").agg(pl.col("send_ms").min().alias("first"), pl.col("send_ms").max())
    delays = plan.select("event_id", planned="send_ms").join(first_sent, on="event_id")
    assert (delays["first"] - delays["planned"]).is_between(0, MAX_DELAY_MS).all()
    assert (delays["send_ms"] - delays["first"]).is_between(0, MAX_DELAY_MS).all()


@law
@given(rows, disturbances)
def test_the_same_seed_disturbs_the_same(drawn: list[dict[str, Any]], disturbance: Disturbance) -> None:
    plan = plan_sending(event_frame(*drawn))
    assert_frame_equal(disturb(plan, disturbance), disturb(plan, disturbance))


@law
@given(rows, st.integers(0, 9))
def test_shares_of_nothing_and_of_all_are_exact(drawn: list[dict[str, Any]], seed: int) -> None:
    plan = plan_sending(event_frame(*drawn))
    assert_frame_equal(disturb(plan, Disturbance(seed=seed)), plan)
    disturbed = disturb(plan, Disturbance(duplicates=1.0, garbage=1.0, seed=seed))
    assert disturbed.height == 3 * plan.height
    assert disturbed["garbage"].count() == plan.height


@pytest.mark.parametrize("garbage", GARBAGE)
def test_all_garbage_is_rejected_by_the_models(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        TripEvent.model_validate_json(garbage)


@law
@given(rows, disturbances, st.integers(1, 3), st.integers(1, 4))
def test_garbage_is_sent_as_it_is_whatever_is_around_it(
    drawn: list[dict[str, Any]], disturbance: Disturbance, copies: int, envelope: int
) -> None:
    plan = disturb(plan_sending(event_frame(*drawn)), disturbance)
    plan = plan.with_columns(pl.col("trip_id", "vehicle_id", "driver_id", "event_id").str.slice(0, 62))
    slices = list(event_messages(plan, copies=copies, envelope=envelope))
    garbage = Counter(
        value
        for messages in slices
        for value, events_in_it in zip(messages.values, messages.events, strict=True)
        if events_in_it == 0
    )
    expected = Counter(plan["garbage"].drop_nulls().to_list())
    assert garbage == Counter({value: times * copies for value, times in expected.items()})
    assert sum(int(messages.events.sum()) for messages in slices) == plan["garbage"].null_count() * copies


@law
@given(rows, st.none() | st.floats(0.1, 1000))
def test_shifting_to_now_keeps_each_trip_as_it_is(drawn: list[dict[str, Any]], speed: float | None) -> None:
    frame = event_frame(*drawn)
    shifted = shift_to_now(frame, now_ms=1_900_000_000_000, speed=speed)
    assert_frame_equal(shifted.drop("timestamp_ms"), frame.drop("timestamp_ms"))

    def since_start(trips: pl.DataFrame) -> list[int]:
        return trips.select((pl.col("timestamp_ms") - pl.col("timestamp_ms").min()).over("vehicle_id", "trip_id"))[
            "timestamp_ms"
        ].to_list()

    assert since_start(shifted) == since_start(frame)


def test_json_numbers_are_the_shortest_that_read_back() -> None:
    (line,) = values_of(plan_sending(event_frame({"speed_kmh": 48.1, "acceleration_mps2": -0.1})))
    assert json.loads(line)["speed_kmh"] == 48.1
    assert b'"acceleration_mps2":-0.1' in line
