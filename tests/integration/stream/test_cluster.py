"""A cluster of three brokers: leaders move, brokers restart, one is lost for good, and an election loses records."""

import uuid
from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from driver_score.local_stack.server_process import ServerProcess
from driver_score.replay import event_messages, plan_sending, replay
from schemas.errors import ExitStatus
from schemas.topics import TRIP_EVENTS
from scoring.features.batch import trip_features
from tests.integration.conftest import SETTINGS, has_all_events, some_trips
from tests.support.checks.feature_equality import unequal_features
from tests.support.examples.decoding import message
from tests.support.servers.brokers import PATIENCE_S, create_topics, kafka_at, wait_until
from tests.support.servers.kafka_cluster import NODES, KafkaCluster
from tests.support.servers.running_worker import PARTITIONS, Topics, running_worker, started_worker

pytestmark = pytest.mark.integration

CLUSTERED: Final = {**SETTINGS, "worker__silent_partition_s": 300, "kafka__replication": NODES}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with KafkaCluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def topics(cluster: KafkaCluster) -> Topics:
    prefix = f"cluster-{uuid.uuid4().hex[:8]}-"
    create_topics(cluster.bootstrap, prefix, PARTITIONS, NODES)
    return Topics(cluster.bootstrap, prefix)


class Sender:
    """Sends a plan of trips in parts."""

    def __init__(self, topics: Topics, events: pl.DataFrame) -> None:
        self._topics = topics
        self._plan = plan_sending(events)
        self._whole = len(self._plan)

    def send(self, share: float) -> None:
        """Send this share of all messages, or what is left."""
        count = round(share * self._whole) + 1
        part, self._plan = self._plan.slice(0, count), self._plan.slice(count)
        replay(event_messages(part), kafka=kafka_at(self._topics.bootstrap), topic=f"{self._topics.prefix}trip-events")


def check(topics: Topics, events: pl.DataFrame) -> None:
    expected = trip_features(events)
    topics.wait_for("driver-scores", lambda scores: has_all_events(scores, expected))
    assert unequal_features(topics.rows("driver-scores"), expected) == []


def restart(broker: ServerProcess) -> None:
    broker.stop()
    broker.start()


def has_all_replicas(topics: Topics, count: int = NODES) -> bool:
    """Tell whether so many replicas of each partition are in sync, of the internal topics too."""
    listed = AdminClient({"bootstrap.servers": topics.bootstrap, "log_level": 0}).list_topics(timeout=30).topics
    own = [topic for name, topic in listed.items() if name.startswith((topics.prefix, "__"))]
    return all(len(part.isrs) >= count and part.leader > 0 for topic in own for part in topic.partitions.values())


def test_a_rolling_restart_and_a_broker_that_is_lost_for_good_lose_nothing(
    cluster: KafkaCluster, topics: Topics
) -> None:
    events = some_trips(8)
    sender = Sender(topics, events)
    with running_worker(topics.bootstrap, topics.prefix, **CLUSTERED) as worker:
        sender.send(0.2)
        for broker in cluster.brokers:
            restart(broker)
            wait_until(lambda: has_all_replicas(topics), "all replicas are in sync")
            sender.send(0.1)
        lost = cluster.brokers[0]
        lost.stop()
        sender.send(0.5)
        sender.send(1.0)
        check(topics, events)
        worker.stop()
    lost.start()
    wait_until(lambda: has_all_replicas(topics), "all replicas are in sync")
    topics.close()


def test_without_two_replicas_in_sync_nothing_is_accepted_and_nothing_is_lost(
    cluster: KafkaCluster, topics: Topics
) -> None:
    events = some_trips(4, skip=50)
    sender = Sender(topics, events)
    outputs = [f"{topics.prefix}driver-scores", f"{topics.prefix}trip-alerts"]
    with running_worker(topics.bootstrap, topics.prefix, **CLUSTERED) as worker:
        sender.send(0.3)
        topics.wait_until_committed()
        set_config(topics, outputs, "min.insync.replicas", str(NODES))
        cluster.brokers[2].stop()
        sender.send(1.0)  # trip-events needs two of three
        wait_until(lambda: "Not enough in-sync replicas" in worker.log or not worker.alive, "outputs are refused")
        cluster.brokers[2].start()
        if not worker.alive:
            assert worker.process.returncode == ExitStatus.FAILED
    with running_worker(topics.bootstrap, topics.prefix, **CLUSTERED) as worker:
        check(topics, events)
        worker.stop()
    wait_until(lambda: has_all_replicas(topics), "all replicas are in sync")
    topics.close()


def set_config(topics: Topics, names: list[str], name: str, value: str) -> None:
    admin = AdminClient({"bootstrap.servers": topics.bootstrap, "log_level": 0})
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resources = [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry]) for topic in names]
    for changed in admin.incremental_alter_configs(resources).values():
        changed.result()


def test_an_election_that_loses_records_is_told(cluster: KafkaCluster, topics: Topics) -> None:
    admin = AdminClient({"bootstrap.servers": topics.bootstrap, "log_level": 0})
    name = f"{topics.prefix}trip-events"
    admin.delete_topics([name])[name].result()
    wait_until(lambda: name not in admin.list_topics(timeout=30).topics, "the topic is gone")
    config = {
        "unclean.leader.election.enable": "true",
        "min.insync.replicas": "1",
        "max.message.bytes": str(TRIP_EVENTS.max_message_bytes),
    }
    first, second = 1, 2
    on_two = NewTopic(name, replica_assignment=[[first, second]] * PARTITIONS, config=config, num_partitions=PARTITIONS)
    admin.create_topics([on_two])[name].result()

    with running_worker(topics.bootstrap, topics.prefix, **CLUSTERED) as worker:
        produce(topics, 50, acks="all")
        topics.wait_until_committed()
        cluster.brokers[second - 1].stop()
        wait_until(lambda: leaders(admin, name) == {first}, "one leads")
        produce(topics, 500, acks="1")  # on one replica only
        wait_until(lambda: topics.uncommitted("trip-events") == 0, "all is committed")
        worker.stop()
    cluster.brokers[first - 1].stop()
    cluster.brokers[second - 1].start()  # it has the first 50 records only, and leads
    wait_until(lambda: leaders(admin, name) == {second}, "the other one leads")
    with started_worker(topics.bootstrap, topics.prefix, **CLUSTERED) as worker:
        assert worker.process.wait(PATIENCE_S) == ExitStatus.FAILED
        assert "is beyond the end of the log" in worker.log
    cluster.brokers[first - 1].start()
    topics.close()


def leaders(admin: AdminClient, name: str) -> set[Any]:
    return {part.leader for part in admin.list_topics(name, timeout=30).topics[name].partitions.values()}


def produce(topics: Topics, count: int, *, acks: str) -> None:
    client = Producer({"bootstrap.servers": topics.bootstrap, "acks": acks, "log_level": 0})
    for number in range(count):
        for vehicle in range(4):
            value = message(
                trip_id=f"trip_{vehicle}", vehicle_id=f"veh_{vehicle}", timestamp=1_772_435_700_000 + number * 1000
            )
            client.produce(f"{topics.prefix}trip-events", value, f"veh_{vehicle}".encode())
    assert client.flush(PATIENCE_S) == 0
