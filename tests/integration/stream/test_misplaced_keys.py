"""Records on other partitions than those of their keys: rejected, or at least told, and never two finals in silence."""

from typing import Any, Final

import pytest
from confluent_kafka import Producer

from tests.support.examples.decoding import message
from tests.support.servers.running_worker import Topics, last_finals, running_worker

pytestmark = pytest.mark.integration

START_MS: Final = 1_772_435_700_000
SECONDS: Final = 130
VEHICLES: Final = [f"veh_{number}" for number in range(20)]
MIXED: Final = "driver_score_worker_mixed_partitioners"
REJECTED: Final = 'driver_score_worker_rejects_total{code="misplaced_key"}'


def send(topics: Topics, seconds: range, *, partitioner: str, keyed: bool = True) -> None:
    client = Producer({"bootstrap.servers": topics.bootstrap, "partitioner": partitioner, "log_level": 0})
    for vehicle in VEHICLES:
        for second in seconds:
            value = message(
                trip_id=f"trip_{vehicle}",
                vehicle_id=vehicle,
                timestamp=START_MS + second * 1000,
                event_type="trip_end" if second == SECONDS - 1 else "sample",
            )
            client.produce(f"{topics.prefix}trip-events", value, vehicle.encode() if keyed else None)
    assert client.flush(60) == 0


def wait_for_finals(topics: Topics) -> dict[tuple[str, str], dict[str, Any]]:
    topics.wait_for("driver-scores", lambda scores: len(last_finals(scores)) == len(VEHICLES))
    return last_finals(topics.rows("driver-scores"))


@pytest.mark.parametrize("partitioner", ["murmur2_random", "consistent_random"])
def test_either_of_the_usual_partitioners_is_right_by_default(topics: Topics, partitioner: str) -> None:
    with running_worker(topics.bootstrap, topics.prefix) as worker:
        send(topics, range(SECONDS), partitioner=partitioner)
        finals = wait_for_finals(topics)
        assert {final["event_count"] for final in finals.values()} == {SECONDS}
        assert (worker.metrics()[REJECTED], worker.metrics()[MIXED]) == (0, 0)
        worker.stop()
    topics.close()


def test_both_side_by_side_are_told_by_default_and_one_of_them_is_rejected_where_the_settings_name_the_other(
    topics: Topics,
) -> None:
    with running_worker(topics.bootstrap, topics.prefix, decoding__partitioner="murmur2") as worker:
        send(topics, range(SECONDS), partitioner="murmur2_random")
        finals = wait_for_finals(topics)
        send(topics, range(SECONDS // 2), partitioner="consistent_random")
        topics.wait_until_committed()
        metrics = worker.metrics()
        assert metrics[MIXED] == 1
        assert metrics[REJECTED] == len(topics.everything("trip-events-dlq")) > 0
        assert last_finals(topics.rows("driver-scores")) == finals, "each trip has one final score"
        assert "producers place the same key on different partitions" in worker.log
        worker.stop()
    topics.close()


def test_records_without_a_key_are_rejected_and_none_is_lost(topics: Topics) -> None:
    with running_worker(topics.bootstrap, topics.prefix) as worker:
        send(topics, range(SECONDS), partitioner="consistent_random", keyed=False)
        send(topics, range(SECONDS), partitioner="consistent_random")
        finals = wait_for_finals(topics)
        topics.wait_until_committed()
        assert {final["event_count"] for final in finals.values()} == {SECONDS}
        assert worker.metrics()[REJECTED] == SECONDS * len(VEHICLES)
        worker.stop()
    assert len(topics.everything("trip-events-dlq")) == SECONDS * len(VEHICLES)
    topics.close()
