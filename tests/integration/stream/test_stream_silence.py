"""Trips that never end: closed by the wall clock where their partition has gone silent, and only there."""

import uuid

import pytest

from tests.support.examples.decoding import message
from tests.support.servers.brokers import RunningBroker, create_topics, producer
from tests.support.servers.running_worker import Topics, running_worker

pytestmark = pytest.mark.integration

QUICK = {"worker__session_timeout_s": 6, "worker__silent_partition_s": 2}
PATIENT = {**QUICK, "worker__silent_partition_s": 300}

START_MS = 1_772_435_700_000


@pytest.fixture
def topics(each_broker: RunningBroker) -> Topics:
    prefix = f"silence-{uuid.uuid4().hex[:8]}-"
    create_topics(each_broker.bootstrap, prefix, 2)
    return Topics(each_broker.bootstrap, prefix)


def send(topics: Topics, seconds: range, *, partition: int = 0, trip_id: str = "endless") -> None:
    client = producer(topics.bootstrap)
    for second in seconds:
        value = message(trip_id=trip_id, vehicle_id=trip_id, timestamp=START_MS + second * 1000)
        client.produce(f"{topics.prefix}trip-events", value, trip_id.encode(), partition=partition)
    assert client.flush(60) == 0


def wait_for_final(topics: Topics, events: int, trip_id: str = "endless") -> int:
    """Wait for a final score of so many events; return its revision."""
    wanted = {"trip_id": trip_id, "kind": "trip", "final": True, "event_count": events}.items()
    scores = topics.wait_for("driver-scores", lambda scores: any(wanted <= score.items() for score in scores))
    return next(int(score["revision"]) for score in scores if wanted <= score.items())


def test_a_trip_without_an_end_is_closed_once_its_partition_is_silent_and_scored_again_if_it_goes_on(
    topics: Topics,
) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send(topics, range(300))
        first = wait_for_final(topics, 300)
        send(topics, range(300, 400))
        assert wait_for_final(topics, 400) > first
        worker.stop()
    topics.close()


def test_a_worker_that_is_assigned_a_silent_partition_closes_its_trips_though_it_has_read_nothing(
    topics: Topics,
) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **PATIENT) as worker:
        send(topics, range(300))
        topics.wait_until_committed()
        worker.stop()
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        wait_for_final(topics, 300)
        assert worker.events_read() == 0
        worker.stop()
    topics.close()
