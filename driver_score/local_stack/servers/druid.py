"""Apache Druid 33 as plain Java processes: ZooKeeper and five services, 3.5 GB of memory in all."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from driver_score.local_stack.programs import DEFAULT_CACHE_DIR, fetch_jars, program
from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, http_answers, listens, start_all, stop_all
from driver_score.local_stack.servers.druid_properties import DruidPorts, Service, properties_text, services

START_TIMEOUT_S: Final = 180.0
"""Twenty seconds on two idle cores; a busy machine takes several times as long."""

_OPENED_PACKAGES: Final = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.nio",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
)
"""What Druid needs of Java 17, by its own start scripts."""

_JAVA_OPTIONS: Final = (
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED_PACKAGES),
    "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8",
    "-Dorg.apache.logging.log4j.level=INFO",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+UseSerialGC",  # many small heaps share few cores
)

_QUICK_START: Final = "-XX:TieredStopAtLevel=1"
"""Leaves the second compiler out: all services start with 47 s of processor time, not 71, and run slower then."""


class ZooKeeper(ServerProcess):
    """The ZooKeeper that Druid's services find each other by.

    Parameters
    ----------
    work_dir
        Folder of its data, settings and log.
    port
        Where it listens.
    cache_dir
        Folder of the jars.
    """

    def __init__(self, work_dir: Path, port: int, cache_dir: Path) -> None:
        super().__init__("ZooKeeper", work_dir / "logs" / "zookeeper.log", start_timeout_s=START_TIMEOUT_S)
        self.port = port
        self._work_dir = work_dir
        self._cache_dir = cache_dir

    def answers(self) -> bool:
        """Return whether it listens."""
        return listens(self.port)

    def _command(self) -> list[str]:
        jars_dir = fetch_jars("druid", self._cache_dir)
        path = self._work_dir / "conf" / "zookeeper" / "zoo.cfg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"dataDir={self._work_dir}/data/zookeeper\n"
            f"clientPort={self.port}\n"
            f"clientPortAddress={LOOPBACK}\n"
            "admin.enableServer=false\n"
            "tickTime=2000\n"
            "autopurge.purgeInterval=1\n"
        )
        return [
            program("java"), "-Xmx128m", *_JAVA_OPTIONS, "-cp", f"{jars_dir}/*",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", str(path),
        ]  # fmt: skip


class DruidService(ServerProcess):
    """One of Druid's services.

    Parameters
    ----------
    service
        Which, with its properties.
    work_dir
        Folder of all services' data, settings and logs.
    ports
        Where they listen.
    cache_dir
        Folder of the jars.
    options
        Further options of Java.
    memory_factor
        Times the memory that the service asks for.
    """

    def __init__(
        self,
        service: Service,
        work_dir: Path,
        ports: DruidPorts,
        cache_dir: Path,
        options: Sequence[str] = (),
        memory_factor: float = 1.0,
    ) -> None:
        name = f"Druid {service.name}"
        super().__init__(name, work_dir / "logs" / f"{service.name}.log", start_timeout_s=START_TIMEOUT_S)
        self.service = service.name
        self.port: int = getattr(ports, service.name)
        self._service = service
        self._work_dir = work_dir
        self._ports = ports
        self._cache_dir = cache_dir
        self._options = options
        self._memory_factor = memory_factor

    def answers(self) -> bool:
        """Return whether it is healthy, by its own account."""
        return http_answers(self.port, "/status/health")

    def _command(self) -> list[str]:
        jars_dir = fetch_jars("druid", self._cache_dir)
        conf_dir = self._work_dir / "conf" / self._service.name
        temporary_dir = self._work_dir / "data" / "tmp"
        for folder in (conf_dir, temporary_dir):
            folder.mkdir(parents=True, exist_ok=True)
        text = properties_text(self._service, self._ports, self._work_dir / "data", self._cache_dir)
        (conf_dir / "runtime.properties").write_text(text)
        return [
            program("java"),
            f"-Xmx{self._service.heap_mb * self._memory_factor:.0f}m",
            f"-XX:MaxDirectMemorySize={self._service.direct_mb * self._memory_factor:.0f}m",
            *_JAVA_OPTIONS,
            f"-Dderby.stream.error.file={self.log_path.with_name('derby.log')}",
            *self._options,
            f"-Djava.io.tmpdir={temporary_dir}",
            "-cp", f"{conf_dir}:{jars_dir}/*",
            "org.apache.druid.cli.Main", "server", self._service.name,
        ]  # fmt: skip


class NativeDruid:
    """All processes of an Apache Druid 33 on loopback; use it as a context manager, or call `start` and `stop`.

    Parameters
    ----------
    work_dir
        Folder of data, settings and logs; data of an earlier run is used.
    cache_dir
        Folder of the jars, shared by all.
    ports
        Where the processes listen; free ones when null.
    quick_start
        Start with a third less work, and answer more slowly then: for tests.
    memory_factor
        Times the memory of each service.
    """

    def __init__(
        self,
        work_dir: Path,
        *,
        cache_dir: Path = DEFAULT_CACHE_DIR,
        ports: DruidPorts | None = None,
        quick_start: bool = False,
        memory_factor: float = 1.0,
    ) -> None:
        work_dir = work_dir.absolute()
        ports = ports or DruidPorts.free()
        self.url = f"http://{LOOPBACK}:{ports.router}"
        self.processes: tuple[ServerProcess, ...] = (
            ZooKeeper(work_dir, ports.zookeeper, cache_dir),
            *(
                DruidService(service, work_dir, ports, cache_dir, [_QUICK_START] if quick_start else [], memory_factor)
                for service in services(work_dir / "data")
            ),
        )

    def start(self) -> None:
        """Start all processes and wait until all answer.

        Raises
        ------
        ServerFailedError
            If one ends, or does not answer in time.
        """
        start_all(self.processes)

    def stop(self) -> None:
        """Stop all processes; data stays."""
        # ZooKeeper last: the others take their leave there.
        stop_all(self.processes[:0:-1])
        stop_all(self.processes[:1])

    def restart(self) -> None:
        """Stop all processes and start them again on the same ports, with their data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
