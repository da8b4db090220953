"""One broker, or a cluster of three of which one is away at a time."""

from collections.abc import Sequence
from pathlib import Path

from driver_score.local_stack.server_process import start_all, stop_all
from driver_score.local_stack.servers.kafka import NativeKafka
from tests.support.servers.kafka_cluster import KafkaCluster


class Brokers:
    """The brokers of a run.

    Parameters
    ----------
    folder
        Of their data and logs.
    count
        One; or three, with three replicas of each partition, of which two must be in sync to accept a message.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._all: Sequence[NativeKafka]
        if count == 1:
            self._all = [NativeKafka(folder)]
            self.bootstrap = self._all[0].bootstrap
        else:
            cluster = KafkaCluster(folder)
            self._all = cluster.brokers
            self.bootstrap = cluster.bootstrap

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, place: int) -> NativeKafka:
        return self._all[place]

    def start(self) -> None:
        start_all(self._all)

    def stop(self) -> None:
        stop_all(self._all)
