"""Trips that are computed again: what their final scores ask for, and what the corrected ones are."""

import pytest

from schemas.settings import Settings
from scoring.engine import ScoringEngine
from scoring.events.columns import EventColumns
from scoring.features.batch import trip_features
from scoring.features.late_trips import correct_trip, in_order
from scoring.model import DEFAULT_MODEL, Scorer
from tests.reference.random_trips import NOON_MS, Event, event, frame_of
from tests.reference.streaming import EmittedRow, Partition

SAMPLES = 630
WEEK_MS = 7 * 86_400_000


def trip(*, braking: bool = False) -> list[Event]:
    """Give a trip that ends, with a hard brake each 30 s or none."""
    speeds = [50.0 + 0.3 * (second % 2) for second in range(SAMPLES)]
    if braking:
        for second in range(20, SAMPLES, 30):
            speeds[second : second + 3] = [36.0, 22.0, 36.0]
    samples = [event(NOON_MS + 1000 * second, speed_kmh=speed) for second, speed in enumerate(speeds)]
    return [*samples[:-1], samples[-1] | {"event_type": "trip_end"}]


def late_block(events: list[Event]) -> list[Event]:
    return events[:200] + events[400:] + events[200:400]


def last_of_trip(partition: Partition) -> EmittedRow:
    return partition.of_trip("trip_1", "trip")[-1]


def test_a_final_score_that_misses_events_is_followed_by_one_that_has_all() -> None:
    partition = Partition()
    partition.send(late_block(trip()))
    partition.close()
    missing = last_of_trip(partition)
    assert (missing.final, missing.event_count, missing.late_event_count) == (True, SAMPLES - 200, 200)
    corrected = partition.correct()
    assert partition.states.late_trips == {}
    row = last_of_trip(partition)
    assert (row.final, row.event_count, row.late_event_count) == (True, SAMPLES, 0)
    assert row.revision == missing.revision + 1
    assert row["duration_s"] == SAMPLES - 1
    windows = [each for each in corrected if each.kind == "window"]
    assert [each.window_start_ms for each in windows] == [NOON_MS + 60_000 * number for number in range(11)]
    assert {(each.final, each.revision, each.late_event_count) for each in windows} == {(True, row.revision, 0)}


def test_what_changes_afterwards_has_a_higher_revision_than_the_correction() -> None:
    events = trip()
    partition = Partition()
    partition.send(late_block(events)[:-100])
    partition.close()
    partition.correct()
    partition.send(late_block(events)[-100:])
    partition.close()
    partition.correct()
    finals = [row for row in partition.of_trip("trip_1", "trip") if row.final]
    assert [row.revision for row in finals] == sorted({row.revision for row in finals})
    assert (finals[-1].event_count, finals[-1].late_event_count) == (SAMPLES, 0)


def test_a_trip_without_late_events_is_not_computed_again() -> None:
    partition = Partition()
    partition.send(trip())
    assert partition.states.late_trips == {}


def test_an_event_that_was_lost_before_the_log_began_stays_missing() -> None:
    partition = Partition()
    partition.states.expect_cut_trips(60_000)
    partition.send(trip())
    assert last_of_trip(partition).late_event_count == 1
    assert partition.states.late_trips == {}, "there is no more to be read"
    partition = Partition()
    partition.states.expect_cut_trips(60_000)
    partition.send(late_block(trip()))
    partition.close()
    partition.correct()
    assert (last_of_trip(partition).event_count, last_of_trip(partition).late_event_count) == (SAMPLES, 1)


def test_a_trip_whose_events_are_in_two_logs_is_not_computed_again() -> None:
    partition = Partition()
    events = late_block(trip())
    partition.send(events[:10])
    partition.states.arrays.heads["first_offset"][partition.states.slots()] = -1
    partition.send(events[10:])
    partition.close()
    assert last_of_trip(partition).late_event_count == 200
    assert partition.states.late_trips == {}


def test_only_the_part_of_the_log_that_the_final_score_knows_of_is_read() -> None:
    partition = Partition()
    partition.send([event(NOON_MS, "other", speed_kmh=1.0)] * 7)
    partition.send(late_block(trip()))
    partition.close()
    [late] = partition.states.late_trips.values()
    assert (late.first_offset, late.last_offset) == (7, 7 + SAMPLES - 1)


def test_of_events_with_one_id_the_first_to_arrive_counts() -> None:
    events = [event(NOON_MS + 1000 * at, event_id=name, speed_kmh=50.0) for at, name in ((9, "a"), (1, "b"), (5, "a"))]
    kept = in_order(EventColumns.of_frame(frame_of(events)))
    assert (kept.samples["timestamp_ms"] - NOON_MS).tolist() == [1000, 9000]


def test_times_that_are_1024_weeks_behind_most_are_put_right() -> None:
    events = trip()
    wrong = [one | {"timestamp_ms": one["timestamp_ms"] - 1024 * WEEK_MS} for one in events[100:160]]
    kept = in_order(EventColumns.of_frame(frame_of(events[:100] + wrong + events[160:])))
    assert kept.samples["timestamp_ms"].tolist() == [one["timestamp_ms"] for one in events]


@pytest.mark.parametrize("braking", [False, True])
def test_a_corrected_score_that_enters_the_high_risk_band_alerts_once(*, braking: bool) -> None:
    settings = Settings()
    engine = ScoringEngine.of(settings, Scorer.load(DEFAULT_MODEL))
    partition = Partition()
    partition.send(late_block(trip(braking=braking)))
    partition.close()
    states, events = partition.states, EventColumns.of_frame(frame_of(late_block(trip(braking=braking))))
    [late] = states.late_trips.values()
    alerting = []
    for _ in range(2):
        scores = engine.correct(states, [(late, events)], scored_at_ms=0)
        assert scores is not None
        alerting.append(sum(scores.columns["alerting"]))
    assert alerting == ([1, 0] if braking else [0, 0])


def test_a_corrected_trip_is_the_trip_of_a_file() -> None:
    partition = Partition()
    partition.send(late_block(trip(braking=True)))
    partition.close()
    events = EventColumns.of_frame(frame_of(late_block(trip(braking=True))))
    [late] = partition.states.late_trips.values()
    corrected = correct_trip(late, events, partition.parameters).emitted
    whole = trip_features(frame_of(trip(braking=True)))
    assert corrected.features[-1].tobytes() == whole.select(whole.columns[8:]).to_numpy()[0].tobytes()
