"""The servers of the stack, as configured by the settings."""

from dataclasses import dataclass

from driver_score.local_stack.server_process import LOOPBACK, ServerProcess
from driver_score.local_stack.servers.alertmanager import NativeAlertmanager
from driver_score.local_stack.servers.druid import DruidService, NativeDruid
from driver_score.local_stack.servers.druid_properties import DruidPorts
from driver_score.local_stack.servers.exporter import NativeExporter
from driver_score.local_stack.servers.grafana import NativeGrafana, grafana_command
from driver_score.local_stack.servers.kafka import NativeKafka
from driver_score.local_stack.servers.prometheus import EXPORTER_JOB, WORKER_JOB, NativePrometheus
from driver_score.local_stack.servers.worker import NativeWorker
from schemas.settings import Settings


@dataclass(frozen=True)
class Member:
    """One server of the stack.

    Attributes
    ----------
    name
        Its name on the command line.
    server
        The server.
    ports
        Its ports on loopback, each with its setting.
    address
        Address for users.
    stop_order
        Lower ones stop first: the worker commits while Kafka runs, Druid unregisters from ZooKeeper.
    """

    name: str
    server: ServerProcess
    ports: dict[int, str]
    address: str
    stop_order: int


def stack_members(settings: Settings) -> list[Member]:
    """List the servers, in the order in which they start."""
    stack = settings.stack
    kafka = NativeKafka(
        stack.folder / "kafka",
        port=stack.kafka_port,
        controller_port=stack.kafka_controller_port,
        partitions=settings.kafka.partitions,
        heap_mb=stack.kafka_heap_mb,
    )
    kafka_ports = {stack.kafka_port: "KAFKA_PORT", stack.kafka_controller_port: "KAFKA_CONTROLLER_PORT"}
    members = [
        Member("kafka", kafka, kafka_ports, kafka.bootstrap, stop_order=2),
        *(_druid_members(settings) if stack.druid else []),
        *_monitoring_members(settings),
    ]
    if stack.druid:
        druid_url = f"http://{LOOPBACK}:{stack.druid_port}"
        exporter = NativeExporter(stack.folder / "logs", kafka.bootstrap, druid_url, stack.exporter_port)
        members.append(_member("exporter", exporter, exporter.port, "EXPORTER_PORT", stop_order=0, path="/metrics"))
    if stack.worker:
        worker = NativeWorker(stack.folder / "logs", kafka, stack.worker_metrics_port)
        members.append(_member("worker", worker, worker.port, "WORKER_METRICS_PORT", stop_order=0, path="/metrics"))
    return members


def _druid_members(settings: Settings) -> list[Member]:
    stack = settings.stack
    ports = DruidPorts(
        router=stack.druid_port,
        zookeeper=stack.druid_zookeeper_port,
        metadata=stack.druid_metadata_port,
        coordinator=stack.druid_coordinator_port,
        broker=stack.druid_broker_port,
        historical=stack.druid_historical_port,
        indexer=stack.druid_indexer_port,
    )
    druid = NativeDruid(stack.folder / "druid", ports=ports, memory_factor=stack.druid_memory_factor)
    members = []
    for process in druid.processes:
        if isinstance(process, DruidService):
            setting = "DRUID_PORT" if process.service == "router" else f"DRUID_{process.service.upper()}_PORT"
            member = _member(f"druid-{process.service}", process, process.port, setting)
            if process.service == "coordinator":
                member.ports[ports.metadata] = "DRUID_METADATA_PORT"
            members.append(member)
        else:
            zookeeper = {ports.zookeeper: "DRUID_ZOOKEEPER_PORT"}
            members.append(Member("druid-zookeeper", process, zookeeper, f"{LOOPBACK}:{ports.zookeeper}", stop_order=2))
    return members


def _monitoring_members(settings: Settings) -> list[Member]:
    stack = settings.stack
    alertmanager = NativeAlertmanager(stack.folder / "alertmanager", settings.alerts, port=stack.alertmanager_port)
    scraped = {
        WORKER_JOB: [f"{LOOPBACK}:{stack.worker_metrics_port}"],
        EXPORTER_JOB: [f"{LOOPBACK}:{stack.exporter_port}"] if stack.druid else [],
        "alertmanager": [alertmanager.address],
    }
    prometheus = NativePrometheus(
        stack.folder / "prometheus",
        scraped,
        port=stack.prometheus_port,
        alertmanager=alertmanager.address,
        runbook_base=settings.alerts.runbook_base,
    )
    members = [
        _member("prometheus", prometheus, prometheus.port, "PROMETHEUS_PORT"),
        _member("alertmanager", alertmanager, alertmanager.port, "ALERTMANAGER_PORT"),
    ]
    command = grafana_command(stack.grafana_home)
    if command is not None:
        grafana = NativeGrafana(
            stack.folder / "grafana",
            command,
            home=stack.grafana_home,
            plugins_dir=stack.grafana_plugins,
            druid_url=f"http://{LOOPBACK}:{stack.druid_port}",
            prometheus_url=prometheus.url,
            port=stack.grafana_port,
        )
        members.append(_member("grafana", grafana, grafana.port, "GRAFANA_PORT"))
    return members


def _member(
    name: str, server: ServerProcess, port: int, setting: str, *, stop_order: int = 1, path: str = ""
) -> Member:
    return Member(name, server, {port: setting}, f"http://{LOOPBACK}:{port}{path}", stop_order)
