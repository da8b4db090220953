"""Fixtures that every kind of test may use."""

import contextlib
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import settings

from driver_score.local_stack.servers.embedded_broker import WORKER_ENVIRONMENT, EmbeddedBroker
from schemas.errors import DriverScoreError
from tests.support.golden.golden_files import update_golden_files
from tests.support.servers.brokers import BOOTSTRAP_VARIABLE, RunningBroker, running_kafka
from tests.support.servers.docker_servers import DockerServers, docker_project
from tests.support.servers.running_worker import BROKER_ENVIRONMENTS

pytest_plugins = [  # in the order of their imports
    "tests.support.servers.druid_servers",
    "tests.support.servers.druid_fleet",
    "tests.support.examples.real_data",
]

settings.register_profile("default", deadline=None)  # examples share a machine with brokers
settings.load_profile("default")

SERVER_FIXTURES = {"broker", "druid", "druid_fleet", "embedded_broker", "native_kafka", "secure_kafka"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files again; review the diff")


def pytest_configure(config: pytest.Config) -> None:
    """Write golden files before any test module reads them; once, also where several processes run tests."""
    if config.getoption("--update-golden") and not hasattr(config, "workerinput"):
        update_golden_files()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    with EmbeddedBroker(tmp_path_factory.mktemp("embedded-broker")) as process:
        BROKER_ENVIRONMENTS[process.bootstrap] = WORKER_ENVIRONMENT
        yield RunningBroker("embedded", process.bootstrap)


@pytest.fixture(scope="session")
def docker_servers() -> Iterator[DockerServers | None]:
    with docker_project() as servers:
        yield servers


@pytest.fixture(scope="session")
def native_kafka(
    docker_servers: DockerServers | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBroker]:
    with contextlib.ExitStack() as servers:
        try:
            bootstrap = servers.enter_context(running_kafka(tmp_path_factory.mktemp("native-kafka"), docker_servers))
        except DriverScoreError as error:
            pytest.fail(f"no Kafka to test with; {BOOTSTRAP_VARIABLE} names one that runs. {error}", pytrace=False)
        yield RunningBroker("kafka", bootstrap)


@pytest.fixture(params=["embedded", "kafka"])
def broker(request: pytest.FixtureRequest) -> RunningBroker:
    """Run the test on both brokers."""
    fixture = {"embedded": "embedded_broker", "kafka": "native_kafka"}[request.param]
    running: RunningBroker = request.getfixturevalue(fixture)
    return running


@pytest.fixture
def topic_prefix() -> str:
    """Begin topic names and group ids with what no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}-"
