"""The properties of each Druid service, for a small machine: one coordinator with overlord, one of each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from driver_score.local_stack.programs import DEFAULT_CACHE_DIR, fetch_jars
from driver_score.local_stack.server_process import LOOPBACK, free_port

EXTENSIONS: Final = ("druid-kafka-indexing-service", "druid-datasketches")

TASK_SLOTS: Final = 20
"""Five supervisors with two tasks each, or with two prefixes; as many again while they hand over to the next."""

_BUFFER: Final = "25MiB"
_HTTP_THREADS: Final = 16
"""Each running task holds requests open; fewer threads than tasks and queries would wait for each other."""


@dataclass(frozen=True)
class DruidPorts:
    """Where each process listens on loopback."""

    router: int
    zookeeper: int
    metadata: int
    coordinator: int
    broker: int
    historical: int
    indexer: int

    @classmethod
    def free(cls) -> Self:
        """Choose ports that nothing listens on."""
        return cls(*(free_port() for _ in range(7)))


@dataclass(frozen=True)
class Service:
    """One of Druid's services.

    Attributes
    ----------
    name
        As Druid's command line knows it.
    heap_mb, direct_mb
        Java heap, and memory outside of it: buffers for merging and processing.
    properties
        Its own, beside those that all share.
    """

    name: str
    heap_mb: int
    direct_mb: int
    properties: dict[str, object]


def services(data_dir: Path) -> tuple[Service, ...]:
    """Return the services, the one that people and programs ask last.

    Parameters
    ----------
    data_dir
        Where segments, the metadata and what is in work is kept.
    """
    processing: dict[str, object] = {
        "druid.processing.buffer.sizeBytes": _BUFFER,
        "druid.processing.numMergeBuffers": 2,
        "druid.processing.numThreads": 1,
        "druid.processing.tmpDir": data_dir / "processing",
        "druid.server.http.numThreads": _HTTP_THREADS,
    }
    return (
        Service(
            "coordinator",
            384,
            128,
            {
                "druid.coordinator.startDelay": "PT5S",
                "druid.coordinator.period": "PT5S",
                "druid.coordinator.asOverlord.enabled": "true",
                "druid.coordinator.asOverlord.overlordService": "druid/overlord",
                "druid.indexer.queue.startDelay": "PT1S",
                "druid.indexer.runner.type": "httpRemote",
                "druid.indexer.storage.type": "metadata",
                # Else it deletes what is set for a data source that has no rows yet.
                "druid.coordinator.kill.compaction.on": "false",
                "druid.coordinator.kill.rule.on": "false",
                "druid.manager.segments.pollDuration": "PT5S",
                "druid.manager.config.pollDuration": "PT5S",
                "druid.manager.rules.pollDuration": "PT5S",
            },
        ),
        Service(
            "historical",
            384,
            256,
            {
                **processing,
                "druid.segmentCache.locations": f'[{{"path":"{data_dir}/segment-cache","maxSize":"20g"}}]',
                "druid.historical.cache.useCache": "true",
                "druid.historical.cache.populateCache": "true",
                "druid.cache.type": "caffeine",
                "druid.cache.sizeInBytes": "50MiB",
            },
        ),
        Service(
            "indexer",
            1024,
            256,
            {
                **processing,
                "druid.worker.capacity": TASK_SLOTS,
                "druid.worker.globalIngestionHeapLimitBytes": 400_000_000,
                "druid.indexer.task.baseTaskDir": data_dir / "task",
                "druid.indexer.task.gracefulShutdownTimeout": "PT5S",
                "druid.server.http.numThreads": 2 * TASK_SLOTS,
            },
        ),
        Service(
            "broker",
            384,
            256,
            {
                **processing,
                "druid.broker.http.numConnections": 10,
                "druid.broker.http.maxQueuedBytes": "5MiB",
                "druid.sql.enable": "true",
                "druid.sql.planner.metadataRefreshPeriod": "PT5S",
            },
        ),
        Service(
            "router",
            160,
            128,
            {
                "druid.router.http.numConnections": 10,
                "druid.router.http.numMaxThreads": _HTTP_THREADS,
                "druid.router.defaultBrokerServiceName": "druid/broker",
                "druid.router.coordinatorServiceName": "druid/coordinator",
                "druid.router.managementProxy.enabled": "true",
            },
        ),
    )


def properties_text(service: Service, ports: DruidPorts, data_dir: Path, cache_dir: Path = DEFAULT_CACHE_DIR) -> str:
    """Return the ``runtime.properties`` of a service: those that all share, then its own.

    Parameters
    ----------
    service
        Whose.
    ports
        Where the services listen.
    data_dir
        As for `services`.
    cache_dir
        Where the jars of the extensions are, or will be.
    """
    extensions = ",".join(f'"{fetch_jars(name, cache_dir)}"' for name in EXTENSIONS)
    shared: dict[str, object] = {
        "druid.service": f"druid/{service.name}",
        "druid.host": LOOPBACK,
        "druid.plaintextPort": getattr(ports, service.name),
        "druid.extensions.loadList": f"[{extensions}]",
        "druid.startup.logging.logProperties": "false",
        "druid.zk.service.host": f"{LOOPBACK}:{ports.zookeeper}",
        "druid.zk.paths.base": "/druid",
        "druid.metadata.storage.type": "derby",
        "druid.metadata.storage.connector.connectURI": (
            f"jdbc:derby://{LOOPBACK}:{ports.metadata}/{data_dir}/metadata;create=true"
        ),
        "druid.metadata.storage.connector.host": LOOPBACK,
        "druid.metadata.storage.connector.port": ports.metadata,
        "druid.storage.type": "local",
        "druid.storage.storageDirectory": data_dir / "segments",
        "druid.indexer.logs.type": "file",
        "druid.indexer.logs.directory": data_dir / "indexing-logs",
        "druid.selectors.indexing.serviceName": "druid/overlord",
        "druid.selectors.coordinator.serviceName": "druid/coordinator",
        "druid.monitoring.monitors": "[]",
        "druid.emitter": "noop",
        "druid.server.hiddenProperties": '["password"]',
        "druid.server.http.gracefulShutdownTimeout": "PT1S",
        "druid.lookup.enableLookupSyncOnStartup": "false",
    }
    settings = {**shared, **service.properties}
    return "".join(f"{key}={setting}\n" for key, setting in settings.items())
