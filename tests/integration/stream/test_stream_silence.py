"""Trips that never end: closed by the wall clock where their partition has gone silent, and only there."""

import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.support.examples.decoding import message
from tests.support.examples.keys import key_on
from tests.support.servers.brokers import RunningBroker, create_topics, producer, wait_until
from tests.support.servers.running_worker import PARTITIONS, RunningWorker, Topics, running_worker

pytestmark = pytest.mark.integration

QUICK = {"worker__session_timeout_s": 6, "worker__silent_partition_s": 2}
PATIENT = {**QUICK, "worker__silent_partition_s": 300}

START_MS = 1_772_435_700_000


@pytest.fixture
def topics(each_broker: RunningBroker) -> Topics:
    prefix = f"silence-{uuid.uuid4().hex[:8]}-"
    create_topics(each_broker.bootstrap, prefix, 2)
    return Topics(each_broker.bootstrap, prefix)


def send(topics: Topics, seconds: range, trip_id: str = "endless") -> None:
    client = producer(topics.bootstrap)
    for second in seconds:
        value = message(trip_id=trip_id, vehicle_id=trip_id, timestamp=START_MS + second * 1000)
        client.produce(f"{topics.prefix}trip-events", value, trip_id.encode())
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


MANY = 200_000
"""Open trips on one partition, as after an outage of everything that sends."""


def test_many_trips_are_closed_in_bounded_memory_while_another_partition_is_scored(native_kafka: RunningBroker) -> None:
    topics = Topics(native_kafka.bootstrap, f"many-{uuid.uuid4().hex[:8]}-")
    create_topics(topics.bootstrap, topics.prefix, PARTITIONS)
    with running_worker(topics.bootstrap, topics.prefix, **{**QUICK, "worker__silent_partition_s": 10}) as worker:
        send_open_trips(topics, MANY)
        wait_until(lambda: worker.events_read() == MANY, "all is read")
        wait_until(lambda: topics.committed("trip-events")[0] == MANY, "all is stored")
        before_kb = memory_kb(worker, "VmRSS")
        Path(f"/proc/{worker.process.pid}/clear_refs").write_text("5")  # the peak begins anew

        wait_until(lambda: closing(worker) > 0, "closing")
        send(topics, range(300), trip_id=key_on(1, PARTITIONS, "driving"))
        topics.wait_for("driver-scores", lambda scores: any(score["trip_id"].startswith("driving") for score in scores))
        assert closing(worker) > 0, "scores of the other partition did not wait"
        wait_until(lambda: closing(worker) == 0, "all are closed")
        wait_until(lambda: worker.metrics()[FINALS] >= MANY, "all are scored")
        assert memory_kb(worker, "VmHWM") < 1.5 * before_kb
        worker.stop()
    assert messages_in(topics, "driver-scores") >= 2 * MANY, "a window and a trip each"
    topics.close()


FINALS = 'driver_score_worker_scores_total{kind="trip",status="insufficient_exposure"}'


def send_open_trips(topics: Topics, count: int) -> None:
    client = producer(topics.bootstrap, {"queue.buffering.max.messages": str(2 * count)})
    key = key_on(0, PARTITIONS).encode()
    for number in range(count):
        value = message(trip_id=f"trip_{number}", vehicle_id=f"veh_{number}", timestamp=START_MS)
        client.produce(f"{topics.prefix}trip-events", value, key)
    assert client.flush(120) == 0


def closing(worker: RunningWorker) -> float:
    return worker.metrics().get('driver_score_worker_closing_trips{partition="0"}', 0.0)


def memory_kb(worker: RunningWorker, name: str) -> int:
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def messages_in(topics: Topics, topic: str) -> int:
    reader = Consumer({"bootstrap.servers": topics.bootstrap, "group.id": f"{topics.prefix}reader"})
    ends = [
        reader.get_watermark_offsets(TopicPartition(topics.prefix + topic, partition), timeout=10)[1]
        for partition in range(PARTITIONS)
    ]
    reader.close()
    return sum(ends)
