"""Workers that stop, crash, come back and share the work: no event is lost, and none counts twice."""

import json
import uuid
from typing import Any

import polars as pl
import pytest

from driver_score.replay import append_trip_ends, event_messages, plan_sending, replay
from scoring.features.batch import trip_features
from tests.integration.conftest import SETTINGS, has_all_events, some_trips
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.brokers import RunningBroker, create_topics, kafka_at, wait_until
from tests.support.servers.running_worker import (
    PARTITIONS,
    Topics,
    contents_by_id,
    last_finals,
    running_worker,
    started_worker,
)

pytestmark = pytest.mark.integration

QUICK = {**SETTINGS, "profiles__min_distance_km": 0}


@pytest.fixture
def topics(each_broker: RunningBroker) -> Topics:
    prefix = f"restart-{uuid.uuid4().hex[:8]}-"
    create_topics(each_broker.bootstrap, prefix, PARTITIONS)
    return Topics(each_broker.bootstrap, prefix)


def overlapping(events: pl.DataFrame) -> pl.DataFrame:
    """Move all trips to the same hour, so that each part of the stream has a part of each trip."""
    start = pl.col("timestamp_ms").min()
    first_ms = events["timestamp_ms"].min()
    moved = pl.col("timestamp_ms") - start.over("vehicle_id", "trip_id") + first_ms
    return append_trip_ends(events.with_columns(moved))


def send(topics: Topics, plan: pl.DataFrame) -> None:
    replay(event_messages(plan), kafka=kafka_at(topics.bootstrap), topic=f"{topics.prefix}trip-events")


def send_and_wait_for_scores(topics: Topics, plan: pl.DataFrame) -> None:
    published = len(topics.everything("driver-scores"))
    send(topics, plan)
    topics.wait_for("driver-scores", lambda scores: len(scores) > published)


def mean_scores(scores: list[dict[str, Any]]) -> dict[str, tuple[int, float]]:
    """Return each driver's scored trips: their number and distance."""
    drivers: dict[str, tuple[int, float]] = {}
    for final in last_finals(scores).values():
        trips, distance_km = drivers.get(final["driver_id"], (0, 0.0))
        if final["score"] is not None:
            drivers[final["driver_id"]] = (trips + 1, distance_km + final["distance_km"])
    return drivers


def check_results(topics: Topics, events: pl.DataFrame) -> None:
    """Wait for the end of all work, then hold it against the batch."""
    expected = trip_features(events)
    topics.wait_for("driver-scores", lambda scores: has_all_events(scores, expected))
    for topic in ("trip-events", "driver-scores-by-driver"):
        topics.wait_until_committed(topic)
    scores = topics.rows("driver-scores")
    assert unequal_features(scores, expected) == []
    alerts = [json.loads(alert.value() or b"") for alert in topics.everything("trip-alerts")]
    for rows, id_name in ((scores, "score_id"), (alerts, "alert_id")):
        differing = {one: found for one, found in contents_by_id(rows, id_name).items() if len(found) > 1}
        assert differing == {}, "what is made again is the same"
    messages = [json.loads(profile.value() or b"") for profile in topics.everything("driver-profiles")]
    profiles = {profile["driver_id"]: profile for profile in messages}
    for driver_id, (trips, distance_km) in mean_scores(scores).items():
        assert profiles[driver_id]["trip_count"] == trips
        assert profiles[driver_id]["distance_km"] == pytest.approx(distance_km, abs=0.002)


def test_a_worker_that_is_stopped_and_then_killed_goes_on_where_it_was(topics: Topics) -> None:
    events = overlapping(some_trips(6, skip=100))
    parts = list(plan_sending(events).iter_slices(len(events) // 4 + 1))

    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send_and_wait_for_scores(topics, parts[0])
        send(topics, parts[1])
        worker.stop()
    stopped_with = [json.loads(score.value() or b"") for score in topics.everything("driver-scores")]
    assert len(contents_by_id(stopped_with, "score_id")) == len(stopped_with), "a clean stop repeats nothing"

    with running_worker(topics.bootstrap, topics.prefix, **QUICK, worker__checkpoint_s=60) as worker:
        send_and_wait_for_scores(topics, parts[2])  # published, not yet committed
        worker.kill()

    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send(topics, parts[3])
        check_results(topics, events)
        worker.stop()
    repeated = len(topics.rows("driver-scores")) - len(contents_by_id(topics.rows("driver-scores"), "score_id"))
    assert repeated > 0, "it was killed too late to show anything"
    topics.close()


def test_workers_share_the_partitions_and_take_over_from_one_that_stops(topics: Topics) -> None:
    events = overlapping(some_trips(6, skip=200))
    by_time = plan_sending(events)
    third = len(by_time) // 3 + 1
    with (
        started_worker(topics.bootstrap, topics.prefix, **QUICK) as first,
        started_worker(topics.bootstrap, topics.prefix, **QUICK) as second,
    ):
        first.wait_until_ready()
        second.wait_until_ready()
        workers = (first, second)
        wait_until(lambda: [len(worker.partitions()) for worker in workers] == [1, 1], "a partition for each")
        send(topics, by_time.slice(0, third))
        wait_until(lambda: all(worker.events_read() > 0 for worker in workers), "both have events")
        send(topics, by_time.slice(third, third))
        second.stop()
        send(topics, by_time.slice(2 * third))
        check_results(topics, events)
        first.stop()
    topics.close()
