"""What comes late counts: final scores are followed by those of all events, whatever came when, and who was killed."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from scoring.features.batch import trip_features
from tests.reference.random_trips import Event, event, frame_of
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.brokers import wait_until
from tests.support.servers.commands import rescore, send_events
from tests.support.servers.running_worker import (
    RunningWorker,
    Topics,
    contents_by_id,
    last_finals,
    running_worker,
)

pytestmark = pytest.mark.integration

START_MS: Final = 1_772_435_700_000
TRIP_S: Final = 630
WAITING: Final = 'driver_score_worker_waiting_late_trips{partition="0"}'
CORRECTED: Final = 'driver_score_worker_late_trips_total{outcome="corrected"}'

Arrival = Callable[[list[Event]], list[Event]]


def block_at_the_end(events: list[Event]) -> list[Event]:
    return events[:200] + events[400:] + events[200:400]


def beginning_at_the_end(events: list[Event]) -> list[Event]:
    return events[300:] + events[:300]


def blocks_newest_first(events: list[Event]) -> list[Event]:
    return [one for start in range(600, -1, -60) for one in events[start : start + 60]]


def mixed(events: list[Event]) -> list[Event]:
    return random.Random(1).sample(events, len(events))


def twice(events: list[Event]) -> list[Event]:
    return events + events[100:500]


ARRIVALS: Final[dict[str, Arrival]] = {
    "as_recorded": lambda events: events,
    "newest_first": lambda events: events[::-1],
    "block_at_the_end": block_at_the_end,
    "beginning_at_the_end": beginning_at_the_end,
    "blocks_newest_first": blocks_newest_first,
    "mixed": mixed,
    "twice": twice,
}


def trip(name: str, *, ends: bool) -> list[Event]:
    """Give a trip of smooth rounds, from 0 to 54 km/h and back each 90 s, with a hard brake in one of them."""
    events = []
    for second in range(TRIP_S):
        at_s = second % 90
        speed_kmh = 3.6 * max(0.0, min(at_s, 15.0, (80.0 - at_s) * (4 if 360 <= second < 450 else 1)))
        events.append(event(START_MS + 1000 * second, name, speed_kmh=round(speed_kmh, 2)))
    if ends:
        events[-1]["event_type"] = "trip_end"
    return events


def wait_until_corrected(worker: RunningWorker, events: int) -> None:
    wait_until(lambda: worker.events_read() >= events, "all is read")
    wait_until(lambda: worker.metrics().get(WAITING) == 0, "no trip waits")


@pytest.mark.parametrize("ends", [True, False], ids=["with an end", "closed for silence"])
def test_events_in_any_order_end_with_the_features_of_the_whole_trip(topics: Topics, *, ends: bool) -> None:
    trips = {name: trip(name, ends=ends) for name in ARRIVALS}
    arrivals = [one for name, events in trips.items() for one in ARRIVALS[name](events)]
    with running_worker(topics.bootstrap, topics.prefix, worker__silent_partition_s=10) as worker:
        send_events(topics, arrivals)
        wait_until_corrected(worker, len(arrivals))
        names = {(f"veh_{name}", name) for name in trips}
        scores = topics.wait_for(
            "driver-scores",
            lambda scores: names == {key for key, final in last_finals(scores).items() if is_complete(final)},
        )
        assert worker.metrics()[CORRECTED] >= len(ARRIVALS) - 1
        worker.stop()
    expected = trip_features(frame_of([one for events in trips.values() for one in events]))
    assert unequal_features(scores, expected) == []
    assert expected["hard_brake_count"].unique().to_list() == [1]


def test_late_trips_that_wait_are_corrected_by_the_next_owner(topics: Topics) -> None:
    events = trip("newest_first", ends=True)
    with running_worker(topics.bootstrap, topics.prefix, worker__checkpoint_s=0.1) as worker:
        for start in range(TRIP_S - 30, -1, -30):  # each part revises the final score
            send_events(topics, events[start : start + 30][::-1])
        wait_until(lambda: worker.metrics().get("driver_score_worker_late_events_total", 0) > 0, "some are late")
        worker.kill()
    with running_worker(topics.bootstrap, topics.prefix, worker__silent_partition_s=10) as worker:
        key = ("veh_newest_first", "newest_first")
        scores = topics.wait_for(
            "driver-scores", lambda scores: key in last_finals(scores) and is_complete(last_finals(scores)[key])
        )
        wait_until(lambda: worker.metrics().get(WAITING) == 0, "no trip waits")
        worker.stop()
    assert unequal_features(scores, trip_features(frame_of(events))) == []
    rows = topics.rows("driver-scores")
    assert {score_id: len(contents) for score_id, contents in contents_by_id(rows, "score_id").items()} == {
        row["score_id"]: 1 for row in rows
    }
    by_revision: dict[tuple[Any, ...], set[str]] = {}
    for row in rows:
        place = (row["kind"], row["window_start"] if row["kind"] == "window" else "", row["revision"])
        by_revision.setdefault(place, set()).add(row["score_id"])
    assert all(len(ids) == 1 for ids in by_revision.values()), "a revision has one content"


def is_complete(final: dict[str, Any]) -> bool:
    return bool(final["event_count"] == TRIP_S and final["late_event_count"] == 0)


def test_one_trip_is_scored_again_by_hand_with_what_came_after_its_state_was_deleted(topics: Topics) -> None:
    events = trip("by_hand", ends=True)
    without_windows = {"windows__retention_s": 10, "windows__idle_gap_s": 20}
    with running_worker(topics.bootstrap, topics.prefix, **without_windows) as worker:
        send_events(topics, events[:200] + events[400:])
        others = [one | {"timestamp_ms": one["timestamp_ms"] + 3_600_000} for one in trip("others", ends=False)]
        send_events(topics, others)  # so that the state of the first is deleted
        send_events(topics, events[200:400])
        wait_until(lambda: worker.events_read() == 2 * TRIP_S, "all is read")
        topics.wait_until_committed()
        worker.stop()
    done = rescore(topics, "--trip", "by_hand")
    assert done.returncode == 0, done.stderr
    published = json.loads(done.stdout)
    scores = topics.wait_for("driver-scores", lambda scores: published in scores)
    assert last_finals(scores)["veh_by_hand", "by_hand"] == published
    assert unequal_features(scores, trip_features(frame_of(events))) == []
    assert published["revision"] > max(
        row["revision"]
        for row in scores
        if row["trip_id"] == "by_hand" and row["score_id"] != published["score_id"] and row["kind"] == "trip"
    )


def test_a_trip_that_is_not_there_is_refused(topics: Topics) -> None:
    send_events(
        topics, [one | {"vehicle_id": vehicle} for vehicle in ("v1", "v2") for one in trip("shared", ends=True)]
    )
    assert "there are no events of trip nobody" in rescore(topics, "--trip", "nobody").stderr
    assert "several vehicles have a trip shared: v1, v2. Add --vehicle" in rescore(topics, "--trip", "shared").stderr
    done = rescore(topics, "--trip", "shared", "--vehicle", "v2")
    assert json.loads(done.stdout)["vehicle_id"] == "v2"
    assert json.loads(done.stdout)["revision"] == 0
