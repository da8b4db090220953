"""The topic of trip events and the offsets of the group: what an operator sees of them, and does to them."""

import time

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from schemas.topics import SCORES_BY_DRIVER, TRIP_EVENTS
from stream_app.kafka import BrokerUnavailableError, SourceLogs
from stream_app.state.log_changes import Lineage
from tests.support.servers.brokers import create_topics, kafka_at, wait_until
from tests.support.servers.kafka_tools import kafka_tool


class SourceTopic:
    """The topic that is scored.

    Parameters
    ----------
    bootstrap, prefix
        Where it is.
    partitions, replication
        Of all topics.

    Attributes
    ----------
    created_at_s
        When each topic of this name was created, by the wall clock; the last one is there now.
    is_spread
        Whether its partitions were raised: events of a vehicle are on two partitions then, so that it can't be read
        again from its beginning.
    """

    def __init__(self, bootstrap: str, prefix: str, partitions: int, replication: int) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.name = prefix + TRIP_EVENTS.name
        self.partitions = partitions
        self.created_at_s: list[float] = []
        self.is_spread = False
        self._replication = replication
        self._kafka = kafka_at(bootstrap, prefix, partitions, replication)
        self._group = prefix + self._kafka.group
        self._sources = [self.name, prefix + SCORES_BY_DRIVER.name]
        self._logs = SourceLogs(self._kafka)

    def create(self) -> None:
        """Create what is missing of all topics."""
        create_topics(self.bootstrap, self.prefix, self.partitions, self._replication)
        self.created_at_s.append(time.time())

    def is_committed(self) -> bool:
        """Tell whether everything on both topics that workers read is committed, asked one after the other."""
        try:
            return all(
                log.end_offset == (log.committed or 0)
                for topic in self._sources
                for log in self._logs.read([topic]).values()
            )
        except BrokerUnavailableError:
            return False

    def is_read(self) -> bool:
        """Tell whether the group has members; asked by a client of its own, as one from before a restart times out."""
        return SourceLogs(self._kafka).members() > 0

    def has_states(self) -> bool:
        """Tell whether the group has committed states of this very topic, in all partitions."""
        for log in self._logs.read([self.name]).values():
            lineage = Lineage.parse(log.metadata)
            if lineage is None or (lineage.topic_id, lineage.partition_count) != (log.topic_id, log.partition_count):
                return False
        return True

    def recreate(self, missing_s: float) -> None:
        """Delete it, with all its events, and create it after some seconds."""
        former_id = self._logs.topics([self.name])[self.name].topic_id
        admin = self._admin()
        admin.delete_topics([self.name])[self.name].result()
        time.sleep(missing_s)

        def is_another() -> bool:
            create_topics(self.bootstrap, self.prefix, self.partitions, self._replication)
            found = self._logs.topics([self.name])
            return self.name in found and found[self.name].topic_id != former_id

        wait_until(is_another, "the topic is created anew")
        self.created_at_s.append(time.time())
        self.is_spread = False

    def raise_partitions(self, partitions: int) -> None:
        """Give this topic alone more partitions, as somebody does who knows nothing of states."""
        admin = self._admin()
        admin.create_partitions([NewPartitions(self.name, partitions)])[self.name].result()

    def has_grown(self, partitions: int) -> None:
        """Note that all topics have more partitions."""
        self.partitions = partitions
        self.is_spread = True

    def reset_offsets(self) -> None:
        """Set the offsets of the group to the beginning."""
        kafka_tool(
            "kafka-consumer-groups", self.bootstrap, "--group", self._group, "--topic", self.name,
            "--reset-offsets", "--to-earliest", "--execute",
        )  # fmt: skip

    def set_offsets_beyond_end(self, by: int) -> None:
        """Set the offsets of the group behind the end of each partition."""
        ends = {number: log.end_offset for (_, number), log in self._logs.read([self.name]).items()}
        offsets = [TopicPartition(self.name, number, end + by) for number, end in ends.items()]
        admin = self._admin()
        group = ConsumerGroupTopicPartitions(self._group, offsets)
        admin.alter_consumer_group_offsets([group])[self._group].result()

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
