"""Health of real workers, as an orchestrator asks for it."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from driver_score.local_stack.servers.kafka import NativeKafka
from stream_app.kafka import SourceLogs
from stream_app.telemetry.health_reasons import MEANINGS, Effect, HealthCode
from stream_app.telemetry.metrics_server import LIVE_PATH, READY_PATH
from tests.support.examples.decoding import message
from tests.support.servers.brokers import create_topics, kafka_at, producer, wait_until
from tests.support.servers.running_worker import RunningWorker, running_worker, started_worker

pytestmark = pytest.mark.integration

ONE_PARTITION = {"kafka__partitions": 1}

LAG = "driver_score_worker_lag_records"

PATIENT_GROUP = {"worker__session_timeout_s": 20}
"""A member that sends no heartbeats stays one for many times what another one needs from its kernels to its address."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeKafka]:
    with NativeKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


def reasons(worker: RunningWorker, path: str) -> list[dict[str, Any]]:
    """Return the reasons that a worker gives, after a check that its status fits them."""
    answer = requests.get(f"http://{worker.metrics_address}{path}", timeout=10)
    said = answer.json()
    effects = {MEANINGS[HealthCode(reason["code"])].effect for reason in said["reasons"]}
    assert (answer.status_code, said["ok"]) == ((200, True) if effects <= {Effect.NOTE} else (503, False))
    return list(said["reasons"])


def codes(worker: RunningWorker, path: str = READY_PATH) -> set[str]:
    return {reason["code"] for reason in reasons(worker, path)}


def is_ready(worker: RunningWorker) -> bool:
    return all(reason["effect"] == Effect.NOTE for reason in reasons(worker, READY_PATH))


def wait_until_ready(worker: RunningWorker) -> None:
    wait_until(lambda: is_ready(worker), "readiness")


def test_a_worker_is_ready_with_its_place_in_the_group_also_a_spare_one_and_not_without_a_broker(
    kafka: NativeKafka, topic_prefix: str
) -> None:
    with running_worker(kafka.bootstrap, topic_prefix, **ONE_PARTITION, **PATIENT_GROUP) as first:
        wait_until_ready(first)
        with started_worker(kafka.bootstrap, topic_prefix, **ONE_PARTITION, **PATIENT_GROUP) as spare:
            wait_until(lambda: '"kernels ready"' in spare.log, "what takes long of its start")
            first.process.send_signal(signal.SIGSTOP)  # the group waits for it, so nobody else becomes a member
            wait_until(lambda: '"metrics"' in spare.log, "the address")
            assert reasons(spare, LIVE_PATH) == []
            assert codes(spare) & {HealthCode.STARTING, HealthCode.WAITING_FOR_PARTITIONS}, (
                "it has not joined its group"
            )
            first.process.send_signal(signal.SIGCONT)
            wait_until_ready(spare)
            wait_until_ready(first)
            wait_until(lambda: first.partitions() ^ spare.partitions() == {0}, "one of them has the partition")
            without = first if spare.partitions() else spare
            wait_until(lambda: codes(without) == {HealthCode.NO_PARTITION}, "the other one tells that it has none")
            assert without.metrics()['driver_score_worker_health_reason{code="no_partition"}'] == 1

            kafka.stop()
            try:
                wait_until(lambda: HealthCode.NO_BROKER in codes(first), "the outage is reported")
                assert reasons(first, LIVE_PATH) == []
            finally:
                kafka.start()
            wait_until_ready(first)


def test_a_worker_that_commits_nothing_while_records_wait_is_not_alive(kafka: NativeKafka, topic_prefix: str) -> None:
    create_topics(kafka.bootstrap, topic_prefix, 1)
    settings = {**ONE_PARTITION, "worker__checkpoint_s": 60, "worker__stalled_after_s": 5}
    with running_worker(kafka.bootstrap, topic_prefix, **settings) as worker:
        wait_until_ready(worker)
        client = producer(kafka.bootstrap)
        client.produce(f"{topic_prefix}trip-events", message(), b"veh_1")
        assert client.flush(20) == 0
        answers: list[list[dict[str, Any]]] = []

        def stands_still() -> bool:
            answers.append(reasons(worker, LIVE_PATH))
            return answers[-1] != []

        wait_until(stands_still, "the standstill is reported")
        (reason,) = answers[-1]
        assert reason["message"].startswith("nothing committed for ")
        del reason["message"], reason["seconds"]
        assert reason == {
            "code": "stalled",
            "effect": "not live",
            "topic": f"{topic_prefix}trip-events",
            "partition": 0,
            "records": 1,
        }
        assert json.loads(worker.stop().splitlines()[-1])["event"] == "stopped"


def rewind(kafka: NativeKafka, prefix: str) -> None:
    """Commit the beginning of the events for a group that has no members: what a crash before a commit leaves."""
    logs, topic = SourceLogs(kafka_at(kafka.bootstrap, prefix=prefix)), f"{prefix}trip-events"
    committed = logs.read([topic])[topic, 0]
    logs.commit({(topic, 0): (0, committed.metadata)})


def test_events_that_are_read_again_after_a_crash_are_told_and_the_worker_is_ready(
    kafka: NativeKafka, topic_prefix: str
) -> None:
    create_topics(kafka.bootstrap, topic_prefix, 1)
    client = producer(kafka.bootstrap)
    with running_worker(kafka.bootstrap, topic_prefix, **ONE_PARTITION) as worker:
        client.produce(f"{topic_prefix}trip-events", message(), b"veh_1")
        assert client.flush(20) == 0
        wait_until(lambda: worker.events_read() == 1, "the event")
        wait_until(lambda: worker.metrics()[f'{LAG}{{partition="0",topic="{topic_prefix}trip-events"}}'] == 0, "commit")
        assert codes(worker) == set()
        worker.stop()
    rewind(kafka, topic_prefix)
    with running_worker(kafka.bootstrap, topic_prefix, **ONE_PARTITION) as worker:
        wait_until(lambda: codes(worker) == {HealthCode.REPLAYING}, "the note")
        (note,) = reasons(worker, READY_PATH)
        assert note["events"] == 1
        worker.stop()
