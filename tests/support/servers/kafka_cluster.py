"""Three brokers as plain processes, which are also the controllers: leaders move, and one may be lost for good."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from driver_score.local_stack.server_process import LOOPBACK, free_port, start_all, stop_all
from driver_score.local_stack.servers.kafka import NativeKafka

NODES: Final = 3


class KafkaCluster:
    """A KRaft cluster on loopback with three replicas of everything, two of them in sync to accept a message.

    Parameters
    ----------
    work_dir
        Folder of its data, settings and logs.
    """

    def __init__(self, work_dir: Path) -> None:
        controllers = [free_port() for _ in range(NODES)]
        voters = ",".join(f"{node}@{LOOPBACK}:{port}" for node, port in enumerate(controllers, start=1))
        self.brokers: Sequence[NativeKafka] = [
            NativeKafka(
                work_dir / f"node-{node}",
                controller_port=port,
                heap_mb=320,
                properties={
                    "node.id": node,
                    "controller.quorum.voters": voters,
                    "default.replication.factor": NODES,
                    "min.insync.replicas": 2,
                    "offsets.topic.replication.factor": NODES,
                    "transaction.state.log.replication.factor": NODES,
                    "transaction.state.log.min.isr": 2,
                },
            )
            for node, port in enumerate(controllers, start=1)
        ]
        self.bootstrap = ",".join(broker.bootstrap for broker in self.brokers)

    def __enter__(self) -> Self:
        start_all(self.brokers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_all(self.brokers)
