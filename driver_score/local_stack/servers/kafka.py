"""Apache Kafka as a plain Java process: a single KRaft node."""

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from driver_score.local_stack.programs import DEFAULT_CACHE_DIR, fetch_jars, program
from driver_score.local_stack.server_process import LOOPBACK, ServerFailedError, ServerProcess, free_port
from schemas.settings import KafkaSettings
from stream_app.kafka import KafkaAdmin

CLUSTER_ID: Final = "ZHJpdmVyLXNjb3JlLTEyMw"
"""Any 16 bytes in base64; fixed, since each data folder belongs to one broker."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Above the 12 MiB of the dead-letter topic, so that the topics' own limits decide."""

_ANSWER_TIMEOUT_S: Final = 0.5


def local_access(bootstrap: str) -> dict[str, str | None]:
    """Return variables that connect to a broker of this machine: without what another cluster needs."""
    others = {f"DRIVER_SCORE_KAFKA__{name.upper()}": None for name in KafkaSettings.access_fields()}
    return {**others, "DRIVER_SCORE_KAFKA__BOOTSTRAP": bootstrap}


class BrokerProcess(ServerProcess):
    """A process that speaks Kafka's protocol.

    Parameters
    ----------
    name
        Its name in error messages and log files.
    logs_dir
        Folder of its log.
    port
        Where it listens on loopback; a free one when null.
    start_timeout_s
        How long it may take until it answers a metadata request.
    """

    def __init__(self, name: str, logs_dir: Path, *, port: int | None = None, start_timeout_s: float) -> None:
        self.port = port or free_port()
        self.bootstrap = f"{LOOPBACK}:{self.port}"
        super().__init__(name, logs_dir / f"{name.replace(' ', '-')}-{self.port}.log", start_timeout_s=start_timeout_s)

    def answers(self) -> bool:
        """Return whether it lists its topics."""
        # It is asked often while it starts.
        client = KafkaAdmin(KafkaSettings(bootstrap=self.bootstrap), {"reconnect.backoff.ms": 50})
        with contextlib.suppress(KafkaException):
            client.list_topics(timeout=_ANSWER_TIMEOUT_S)
            return True
        return False


class NativeKafka(BrokerProcess):
    """A single-node Apache Kafka 4.1 on loopback.

    Parameters
    ----------
    work_dir
        Folder of its data, settings and log; data of an earlier run is used.
    cache_dir
        Folder of the jars, shared by all.
    port, controller_port
        Where it listens; free ones when null.
    partitions
        Partitions of topics that are created without a number of their own.
    heap_mb
        Java heap; 512 MB serve a few hundred partitions and 10 MB messages.
    properties
        Settings of the broker that replace or extend those here.
    """

    def __init__(
        self,
        work_dir: Path,
        *,
        cache_dir: Path = DEFAULT_CACHE_DIR,
        port: int | None = None,
        controller_port: int | None = None,
        partitions: int = 4,
        heap_mb: int = 512,
        properties: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__("native Kafka", work_dir / "logs", port=port, start_timeout_s=60.0)
        self._work_dir = work_dir.absolute()
        self._cache_dir = cache_dir
        self._partitions = partitions
        self._heap_mb = heap_mb
        self._properties = properties or {}
        self._controller = f"{LOOPBACK}:{controller_port or free_port()}"

    def restart(self) -> None:
        """Stop the broker and start it again on the same port, with its data."""
        self.stop()
        self.start()

    def _command(self) -> list[str]:
        jars_dir = fetch_jars("kafka", self._cache_dir)
        java = program("java")
        settings_path = self._write_settings()
        if not (self._work_dir / "data" / "meta.properties").exists():
            self._format(java, jars_dir, settings_path)
        return [
            java,
            f"-Xmx{self._heap_mb}m",
            "-Dorg.apache.logging.log4j.level=INFO",
            "-cp", f"{jars_dir}/*",
            "kafka.Kafka",
            str(settings_path),
        ]  # fmt: skip

    def _write_settings(self) -> Path:
        self._work_dir.mkdir(parents=True, exist_ok=True)
        path = self._work_dir / "server.properties"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{self._controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{self._controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self._work_dir / "data",
            "num.partitions": self._partitions,
            "auto.create.topics.enable": "false",  # a misspelt topic is an error
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            **self._properties,
        }
        path.write_text("".join(f"{key}={setting}\n" for key, setting in settings.items()))
        return path

    def _format(self, java: str, jars_dir: Path, settings_path: Path) -> None:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            done = subprocess.run(  # noqa: S603 - the command is built here
                [
                    java, "-cp", f"{jars_dir}/*", "kafka.tools.StorageTool", "format",
                    "-t", CLUSTER_ID, "-c", str(settings_path),
                ],
                stdout=log, stderr=log, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise ServerFailedError(self.name, "can't format its data folder", log_path=self.log_path)
