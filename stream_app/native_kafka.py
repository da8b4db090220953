"""Apache Kafka as a plain Java process, for integration tests and machines without Docker.

Maven fetches the jars that ``docker/native/pom.xml`` lists, once; the broker is a single KRaft node.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import structlog

from scoring.errors import DriverScoreError
from stream_app.embedded_broker import BrokerProcess, BrokerStartError, free_port

REPOSITORY_DIR = Path(__file__).resolve().parents[1]
POM_PATH = REPOSITORY_DIR / "docker" / "native" / "pom.xml"
DEFAULT_CACHE_DIR = REPOSITORY_DIR / "var" / "native"

CLUSTER_ID = "ZHJpdmVyLXNjb3JlLTEyMw"
"""Any 16 bytes in base64; fixed, since each data folder belongs to one broker."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Above the 12 MiB of the dead-letter topic, so that the topics' own limits decide."""

_PROGRAMS = {"java": "openjdk-17-jre-headless", "mvn": "maven"}

_log = structlog.get_logger(__name__)


class NativeKafkaError(DriverScoreError):
    """Apache Kafka can't be fetched or prepared on this machine."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"native Kafka: {problem}. {remedy}")


class NativeKafka(BrokerProcess):
    """A single-node Apache Kafka 4.1 on a free loopback port.

    Parameters
    ----------
    work_dir
        Folder of its data, settings and log; a folder with data of an earlier run goes on from there.
    cache_dir
        Folder of the jars, shared by all.
    partitions
        Partitions of topics that are created without a number of their own.
    heap_mb
        Java heap; 512 MB serve a few hundred partitions and 10 MB messages.
    """

    def __init__(
        self,
        work_dir: Path,
        *,
        cache_dir: Path = DEFAULT_CACHE_DIR,
        partitions: int = 4,
        heap_mb: int = 512,
    ) -> None:
        super().__init__("native Kafka", work_dir / "logs", start_timeout_s=60.0)
        self._work_dir = work_dir.absolute()
        self._cache_dir = cache_dir
        self._partitions = partitions
        self._heap_mb = heap_mb
        self._controller = f"127.0.0.1:{free_port()}"

    def restart(self) -> None:
        """Stop the broker and start it again on the same port, with its data."""
        self.stop()
        self.start()

    def _command(self) -> list[str]:
        jars_dir = fetch_kafka(self._cache_dir)
        java = _program("java")
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
            raise BrokerStartError(self._name, "can't format its data folder", log_path=self.log_path)


def fetch_kafka(cache_dir: Path = DEFAULT_CACHE_DIR) -> Path:
    """Return the folder with Kafka's jars, fetched by Maven unless it is there.

    The folder's name holds a hash of the ``pom.xml``, so a changed one is fetched anew. Several callers at
    once do no harm: each fetches into a folder of its own, and the first to finish wins.

    Parameters
    ----------
    cache_dir
        Where the folder is, or will be.

    Raises
    ------
    NativeKafkaError
        If Java or Maven is missing and can't be installed, or Maven fails.
    """
    if not POM_PATH.exists():
        raise NativeKafkaError(f"{POM_PATH} is missing", remedy="Run it from a clone of the repository.")
    jars_dir = cache_dir.absolute() / f"kafka-{hashlib.sha256(POM_PATH.read_bytes()).hexdigest()[:12]}"
    if jars_dir.is_dir():
        return jars_dir
    maven = _program("mvn")
    cache_dir.mkdir(parents=True, exist_ok=True)
    _log.info("fetching Apache Kafka", pom=str(POM_PATH), into=str(jars_dir))
    with tempfile.TemporaryDirectory(dir=cache_dir.absolute(), prefix=".fetching-") as staging:
        done = subprocess.run(  # noqa: S603 - the command is built here
            [
                maven, "-q", "-B", "-f", str(POM_PATH), "dependency:copy-dependencies",
                "-DincludeScope=runtime", f"-DoutputDirectory={staging}/jars",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NativeKafkaError(
                f"Maven failed: {_last_line(done.stdout + done.stderr)}",
                remedy="Check that Maven reaches its repository (proxy or mirror in ~/.m2/settings.xml).",
            )
        try:
            Path(staging, "jars").rename(jars_dir)
        except OSError:
            if not jars_dir.is_dir():
                raise
    return jars_dir


def _program(name: str) -> str:
    """Return the path of ``java`` or ``mvn``; installs its Debian package where that is possible."""
    path = shutil.which(name) or _install(name)
    if path is None:
        raise NativeKafkaError(
            f"`{name}` is not installed",
            remedy=f"Install Java 17 or later and Maven; on Debian: apt-get install {' '.join(_PROGRAMS.values())}",
        )
    return path


def _install(name: str) -> str | None:
    apt_get = shutil.which("apt-get")
    if apt_get is None or os.geteuid() != 0:
        return None
    package = _PROGRAMS[name]
    _log.info("installing a Debian package", package=package)
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        done = subprocess.run(  # noqa: S603 - the command is built here
            [apt_get, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NativeKafkaError(
                f"apt-get {arguments[0]} failed: {_last_line(done.stdout + done.stderr)}",
                remedy=f"Install {package} by hand.",
            )
    return shutil.which(name)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
