"""More than a worker can do at once: floods of bad messages, one vehicle that sends all there is, a long backlog."""

import random
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.support.examples.decoding import message
from tests.support.examples.keys import key_on
from tests.support.servers.brokers import wait_until
from tests.support.servers.running_worker import PARTITIONS, RunningWorker, Topics, running_worker

pytestmark = pytest.mark.integration

START_MS = 1_772_435_700_000
TRIP_S = 300
FLOOD = 200_000
MIB = 2**20


class Sender:
    """Sends to one partition of the events, without waiting, and in order also when a request is tried again."""

    def __init__(self, topics: Topics, partition: int) -> None:
        self._topic, self._key = f"{topics.prefix}trip-events", key_on(partition, PARTITIONS).encode()
        settings = {"bootstrap.servers": topics.bootstrap, "linger.ms": 20, "enable.idempotence": True, "log_level": 0}
        self._client = Producer(settings)

    def send(self, value: bytes) -> None:
        while True:
            try:
                self._client.produce(self._topic, value, self._key)
            except BufferError:
                self._client.poll(0.1)
            else:
                return

    def flush(self) -> None:
        assert self._client.flush(120) == 0


def a_trip(trip_id: str, seconds: int = TRIP_S) -> list[bytes]:
    """Return the messages of a trip with an end, one a second."""
    same = {"trip_id": trip_id, "vehicle_id": f"veh_{trip_id}"}
    samples = [message(**same, timestamp=START_MS + second * 1000) for second in range(seconds)]
    return [*samples, message(**same, timestamp=START_MS + seconds * 1000, event_type="trip_end")]


def wait_for_final(topics: Topics, trip_id: str, events: int) -> None:
    wanted = {"trip_id": trip_id, "kind": "trip", "final": True, "event_count": events}.items()
    topics.wait_for("driver-scores", lambda scores: any(wanted <= score.items() for score in scores))


def message_count(topics: Topics, topic: str) -> int:
    client = Consumer({"bootstrap.servers": topics.bootstrap, "group.id": f"{topics.prefix}count", "log_level": 0})
    parts = [TopicPartition(topics.prefix + topic, partition) for partition in range(PARTITIONS)]
    count: int = sum(client.get_watermark_offsets(part, timeout=10)[1] for part in parts)
    client.close()
    return count


def resident_mib(worker: RunningWorker, name: str) -> float:
    """Return the resident memory, ``VmRSS`` now or ``VmHWM`` at the most."""
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def test_a_flood_of_dead_letters_stops_no_good_event_and_loses_no_letter(topics: Topics) -> None:
    #   partition 0   100,000 bad ones, then 332 bad ones before each of 301 good ones
    with running_worker(topics.bootstrap, topics.prefix) as worker:
        idle_mib = resident_mib(worker, "VmRSS")
        sender = Sender(topics, 0)
        good = a_trip("patient")
        for number in range(FLOOD):
            sender.send(b'{"trip_id": "bad", "speed_kmh": %d' % number)
            if number >= FLOOD // 2 and number % 332 == 0 and good:
                sender.send(good.pop(0))
        sender.flush()
        assert good == []
        wait_for_final(topics, "patient", TRIP_S + 1)
        topics.wait_until_committed()
        assert worker.metrics()['driver_score_worker_rejects_total{code="not_json"}'] == FLOOD
        assert message_count(topics, "trip-events-dlq") == FLOOD
        assert resident_mib(worker, "VmHWM") - idle_mib < 400
        worker.stop()


def test_one_vehicle_with_a_long_backlog_starves_no_other_partition(topics: Topics) -> None:
    #   partition 0   greedy: 100 times as much as all others, there before the worker begins
    #   partition 1                      modest
    # Within a partition order is kept, so what is behind a backlog waits for it.
    for partition, trip_id, seconds in ((0, "greedy", 100 * TRIP_S), (1, "modest", TRIP_S)):
        sender = Sender(topics, partition)
        for value in a_trip(trip_id, seconds):
            sender.send(value)
        sender.flush()
    with running_worker(topics.bootstrap, topics.prefix, worker__fetch_bytes=256 * 1024) as worker:
        wait_for_final(topics, "greedy", 100 * TRIP_S + 1)
        wait_for_final(topics, "modest", TRIP_S + 1)
        worker.stop()
    published_at: dict[str, int] = {}
    for score, letter in zip(topics.rows("driver-scores"), topics.messages("driver-scores"), strict=True):
        if score["kind"] == "trip" and score["final"]:
            published_at[score["trip_id"]] = letter.timestamp()[1]
    assert published_at["modest"] < published_at["greedy"]


def test_memory_does_not_grow_with_the_backlog(topics: Topics) -> None:
    #   400 MiB wait in two partitions when the worker begins
    pad = random.Random(3).randbytes(2000).hex()
    senders = [Sender(topics, partition) for partition in range(PARTITIONS)]
    count = 400 * MIB // len(pad) // PARTITIONS
    for sender, trip_id in zip(senders, ("left", "right"), strict=True):
        for second in range(count):
            value = message(trip_id=trip_id, vehicle_id=trip_id, timestamp=START_MS + second * 1000, pad=pad)
            sender.send(value)
    for sender in senders:
        sender.flush()
    with running_worker(topics.bootstrap, topics.prefix) as worker:
        all_events = count * PARTITIONS
        wait_until(lambda: sum(topics.committed("trip-events").values()) == all_events, "all committed")
        assert worker.metrics()["driver_score_worker_events_total"] == all_events
        assert resident_mib(worker, "VmHWM") < 600
        worker.stop()
