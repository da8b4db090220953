"""Events to the worker under test, and commands on its topics, as a user types them."""

import json
import subprocess
import sys

from confluent_kafka import Producer

from tests.reference.random_trips import Event
from tests.support.examples.keys import key_on
from tests.support.servers.running_worker import PARTITIONS, Topics, worker_environment


def send_events(topics: Topics, events: list[Event]) -> None:
    """Send events to one partition, in their order."""
    client = Producer({"bootstrap.servers": topics.bootstrap, "linger.ms": 20, "enable.idempotence": True})
    key = key_on(0, PARTITIONS).encode()
    for one in events:
        message = {name: given for name, given in one.items() if given is not None}
        message["timestamp"] = message.pop("timestamp_ms")
        client.produce(f"{topics.prefix}trip-events", json.dumps(message).encode(), key)
    assert client.flush(60) == 0


def rescore(topics: Topics, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``driver-score rescore``."""
    command = [sys.executable, "-m", "driver_score", "rescore", *options]
    environment = worker_environment(topics.bootstrap, topics.prefix)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
