"""Druid that tests run against: a pytest plugin with its fixture and marker.

Tests marked ``restarts_druid`` stop and start it. A Druid that the environment names is not ours to stop: they are
deselected then, and the header of the test run says so.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from driver_score.local_stack.servers.druid import NativeDruid
from druid_specs.client import DruidClient
from schemas.errors import DriverScoreError
from schemas.topics import TOPICS
from tests.support.servers.brokers import RunningBroker, wait_until
from tests.support.servers.docker_servers import DRUID_SERVICES, KAFKA_INSIDE, ComposeServices, DockerServers

VARIABLE = "DRIVER_SCORE_TEST_DRUID_URL"


@dataclass(frozen=True)
class RunningDruid:
    """A Druid that ingests from a Kafka.

    `bootstrap` is Kafka's address for tests, `kafka_bootstrap` that for Druid; `servers` is null where the environment
    gave it.
    """

    url: str
    bootstrap: str
    kafka_bootstrap: str
    servers: NativeDruid | ComposeServices | None = None

    def sql(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        typed = [{"type": "VARCHAR", "value": parameter} for parameter in parameters]
        body = {"query": query, "parameters": typed, "context": {"useCache": False, "populateCache": False}}
        answer = requests.post(f"{self.url}/druid/v2/sql", json=body, timeout=60)
        assert answer.ok, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    def rows(self, data_source: str) -> int:
        with DruidClient(self.url) as client:
            return client.row_count(data_source)

    def wait_for_rows(self, data_source: str, count: int) -> None:
        """Wait until a data source has so many rows, or more."""
        wait_until(lambda: self.rows(data_source) >= count, f"{count} rows of {data_source}")

    def stop(self) -> dict[str, int]:
        """Stop it; return how many rows each data source has."""
        assert self.servers is not None, "is this test marked restarts_druid?"
        tables = self.sql("SELECT TABLE_NAME AS name FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'druid'")
        rows = {table["name"]: self.rows(table["name"]) for table in tables}
        self.servers.stop()
        return rows

    def start(self, rows: dict[str, int]) -> None:
        """Start it again, and wait until each data source has its rows: those of other tests, too."""
        assert self.servers is not None, "is this test marked restarts_druid?"
        self.servers.start()
        for name, count in rows.items():
            self.wait_for_rows(name, count)

    def end_supervisors(self, prefix: str) -> None:
        """Free the task slots of a test's data sources."""
        with DruidClient(self.url) as client:
            for name in (*(topic.name for topic in TOPICS), "fleet-hourly"):
                if client.supervisor(prefix + name) is not None:
                    client.terminate_supervisor(prefix + name)


@pytest.fixture(scope="session")
def druid(
    native_kafka: RunningBroker, docker_servers: DockerServers | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDruid]:
    """Give a real Druid: the one that the environment names, one in Docker, or one of plain Java processes."""
    bootstrap = native_kafka.bootstrap
    if url := os.environ.get(VARIABLE):
        yield RunningDruid(url, bootstrap, bootstrap)
    elif docker_servers is not None and bootstrap == docker_servers.bootstrap:
        with ComposeServices(DRUID_SERVICES) as services:
            yield RunningDruid(docker_servers.druid_url, bootstrap, KAFKA_INSIDE, services)
    else:
        process = NativeDruid(tmp_path_factory.mktemp("native-druid"), quick_start=True)
        try:
            process.start()
        except DriverScoreError as error:
            pytest.fail(f"no Druid to test with; {VARIABLE} names one that runs. {error}", pytrace=False)
        try:
            yield RunningDruid(process.url, bootstrap, bootstrap, process)
        finally:
            process.stop()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "restarts_druid: stops and starts Druid")


def pytest_report_header() -> str:
    url = os.environ.get(VARIABLE)
    if url is None:
        return "druid: in Docker with its Kafka, or plain Java processes, started when a test needs them"
    return f"druid: {url}, tests marked restarts_druid are deselected"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get(VARIABLE):
        absent = [item for item in items if item.get_closest_marker("restarts_druid")]
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]
