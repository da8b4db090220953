"""One protected Kafka for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.servers.secure_kafka import AWS_ENVIRONMENT, SecureKafka, running_secure_kafka


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    with running_secure_kafka(tmp_path_factory.mktemp("secure-kafka")) as kafka:
        yield kafka


@pytest.fixture(autouse=True)
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {**AWS_ENVIRONMENT, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, text)
