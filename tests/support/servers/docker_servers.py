"""Kafka and Druid of the compose stack in containers of their own, where a Docker engine answers.

Under another project name and at other ports than a stack that somebody runs on this machine; gone with the tests.
"""

import contextlib
import gc
import importlib
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from testcontainers.compose import DockerCompose

from driver_score.local_stack.server_process import LOOPBACK, free_port

DOCKER_DIR = Path(__file__).parents[3] / "docker"
KAFKA_SERVICES = ["kafka"]
DRUID_SERVICES = ["druid-coordinator", "druid-historical", "druid-indexer", "druid-broker", "druid-router"]
KAFKA_INSIDE = "kafka:9092"
"""Where containers reach Kafka."""


class ComposeServices(DockerCompose):
    """Some services of the compose file, and what they need; a context starts and stops them, and keeps their data."""

    def __init__(self, services: list[str]) -> None:
        super().__init__(DOCKER_DIR, "compose.yaml", services=services, keep_volumes=True)

    def stop(self, down: bool = False) -> None:
        super().stop(down)


@dataclass(frozen=True)
class DockerServers:
    """A compose project; nothing runs until it is started."""

    kafka_port: int = field(default_factory=free_port)
    druid_port: int = field(default_factory=free_port)

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def druid_url(self) -> str:
        return f"http://{LOOPBACK}:{self.druid_port}"

    def environment(self) -> dict[str, str]:
        """Give what the compose file is filled in with."""
        return {
            "COMPOSE_PROJECT_NAME": f"driver-score-test-{uuid.uuid4().hex[:8]}",
            "KAFKA_EXTERNAL_HOST": LOOPBACK,
            "KAFKA_EXTERNAL_PORT": str(self.kafka_port),
            "DRUID_PORT": str(self.druid_port),
            "POSTGRES_PASSWORD": uuid.uuid4().hex,
            "GRAFANA_ADMIN_PASSWORD": "not started",
        }


@contextlib.contextmanager
def docker_project() -> Iterator[DockerServers | None]:
    """Yield containers to start, and remove them in the end; null where no Docker engine answers."""
    if not docker_answers():
        yield None
        return
    servers = DockerServers()
    with pytest.MonkeyPatch.context() as variables:
        for name, value in servers.environment().items():
            variables.setenv(name, value)
        try:
            yield servers
        finally:
            DockerCompose(DOCKER_DIR, "compose.yaml").stop()  # all of the project, its volumes too


def docker_answers() -> bool:
    # By name: to linters and type checkers `docker` is our folder of that name.
    docker = importlib.import_module("docker")
    with warnings.catch_warnings():
        # The Docker client does not close its socket when no engine answers.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = docker.from_env()
        except docker.errors.DockerException:
            client = None
        gc.collect()
    if client is None:
        return False
    with contextlib.closing(client):
        return bool(client.ping())
