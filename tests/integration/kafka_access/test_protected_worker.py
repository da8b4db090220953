"""The worker, the replay and the topics command on a protected Kafka: an event in, a score out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.examples.decoding import message
from tests.support.servers.brokers import PATIENCE_S, producer
from tests.support.servers.running_worker import PARTITIONS, Topics, running_worker, worker_environment
from tests.support.servers.secure_kafka import KEY_PASSWORD, PASSWORD, SecureKafka


def command(*arguments: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "driver_score", *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_cluster_of_small_messages_gets_dead_letters_that_fit(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    limit = 1024 * 1024
    value = b"{" * (limit - 1000)
    topics = Topics(secure_kafka.plain_bootstrap, topic_prefix, PARTITIONS)
    with running_worker(secure_kafka.plain_bootstrap, topic_prefix, kafka__max_message_bytes=limit) as worker:
        client = producer(secure_kafka.plain_bootstrap)
        client.produce(f"{topic_prefix}trip-events", value, b"veh_1", headers=[("device", b"x" * 500)])
        assert client.flush(60) == 0
        topics.wait_until_committed()
        (letter,) = topics.messages("trip-events-dlq")
        worker.stop()
    topics.close()
    headers = dict(letter.headers() or [])
    assert headers["original-bytes"] == str(len(value)).encode()
    assert value.startswith(letter.value() or b"-")


@pytest.mark.parametrize("listener", ["MTLS", "SCRAM", "OAUTH", "MSK"])
def test_an_event_becomes_a_score(secure_kafka: SecureKafka, topic_prefix: str, tmp_path: Path, listener: str) -> None:
    access = secure_kafka.variables(listener)
    bootstrap = access["DRIVER_SCORE_KAFKA__BOOTSTRAP"]
    variables = {**worker_environment(bootstrap, topic_prefix), **access}
    made = command("topics", "create", variables=variables)
    assert made.returncode == 0, made.stderr
    events = tmp_path / "events.jsonl"
    lines = [message(timestamp=1_772_435_700_000 + at * 1000) for at in range(3)]
    events.write_bytes(b"\n".join([*lines, message(timestamp=1_772_435_703_000, event_type="trip_end")]) + b"\n")
    topics = Topics(secure_kafka.plain_bootstrap, topic_prefix, PARTITIONS)
    settings = {name.removeprefix("DRIVER_SCORE_").lower(): given for name, given in access.items()}
    with running_worker(bootstrap, topic_prefix, **settings) as worker:
        sent = command("replay", str(events), variables=variables)
        assert sent.returncode == 0, sent.stderr
        topics.wait_for("driver-scores", lambda rows: any(row["kind"] == "trip" and row["final"] for row in rows))
        log = worker.stop()
    topics.close()
    assert PASSWORD not in log  # which is also the client secret, and that of AWS
    assert KEY_PASSWORD not in log
