"""Topics of their own for each test of the stream."""

import uuid
from collections.abc import Iterator

import pytest

from tests.support.servers.brokers import RunningBroker, create_topics
from tests.support.servers.running_worker import PARTITIONS, Topics


@pytest.fixture
def topics(native_kafka: RunningBroker) -> Iterator[Topics]:
    """Create the topics, with a prefix that no other test has."""
    prefix = f"test-{uuid.uuid4().hex[:8]}-"
    create_topics(native_kafka.bootstrap, prefix, PARTITIONS)
    found = Topics(native_kafka.bootstrap, prefix)
    yield found
    found.close()
