"""Health of real workers, as an orchestrator asks for it."""

import json
import signal
from collections.abc import Iterator

import pytest
import requests

from driver_score.local_stack.servers.kafka import NativeKafka
from stream_app.telemetry.metrics_server import LIVE_PATH, READY_PATH
from tests.support.examples.decoding import message
from tests.support.servers.brokers import create_topics, producer, wait_until
from tests.support.servers.running_worker import RunningWorker, running_worker, started_worker

pytestmark = pytest.mark.integration

ONE_PARTITION = {"kafka__partitions": 1}

PATIENT_GROUP = {"worker__session_timeout_s": 85}
"""A member that sends no heartbeats stays one, for as long as Faust allows."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeKafka]:
    with NativeKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


def problems(worker: RunningWorker, path: str) -> list[str]:
    answer = requests.get(f"http://{worker.metrics_address}{path}", timeout=10)
    said = answer.json()
    assert (answer.status_code, said["ok"]) == ((503, False) if said["problems"] else (200, True))
    return list(said["problems"])


def wait_until_ready(worker: RunningWorker) -> None:
    wait_until(lambda: problems(worker, READY_PATH) == [], "readiness")


def test_a_worker_is_ready_with_its_place_in_the_group_also_a_spare_one_and_not_without_a_broker(
    kafka: NativeKafka, topic_prefix: str
) -> None:
    with running_worker(kafka.bootstrap, topic_prefix, **ONE_PARTITION, **PATIENT_GROUP) as first:
        wait_until_ready(first)
        first.process.send_signal(signal.SIGSTOP)  # the group waits for it, so nobody else becomes a member
        with started_worker(kafka.bootstrap, topic_prefix, **ONE_PARTITION, **PATIENT_GROUP) as spare:
            wait_until(lambda: '"metrics"' in spare.log, "the address")
            assert problems(spare, LIVE_PATH) == []
            assert problems(spare, READY_PATH), "it has not joined its group yet"
            first.process.send_signal(signal.SIGCONT)
            wait_until_ready(spare)
            wait_until_ready(first)
            wait_until(lambda: first.partitions() ^ spare.partitions() == {0}, "one of them has the partition")

            kafka.stop()
            try:
                wait_until(lambda: "no broker answers" in problems(first, READY_PATH), "the outage is reported")
                assert problems(first, LIVE_PATH) == []
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
        answers: list[list[str]] = []

        def stands_still() -> bool:
            answers.append(problems(worker, LIVE_PATH))
            return answers[-1] != []

        wait_until(stands_still, "the standstill is reported")
        (problem,) = answers[-1]
        assert problem.startswith(f"{topic_prefix}trip-events 0: nothing committed for ")
        assert problem.endswith("with 1 records to read")
        assert json.loads(worker.stop().splitlines()[-1])["event"] == "stopped"
