"""What a worker writes while no broker answers: what happened, and not the same again and again."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from driver_score.local_stack.servers.kafka import NativeKafka
from driver_score.replay import event_messages, plan_sending, replay
from schemas.errors import ExitStatus
from stream_app.telemetry.repeated_lines import SIMILAR_LINES
from tests.integration.conftest import some_trips
from tests.support.servers.brokers import PATIENCE_S, create_topics, kafka_at, wait_until
from tests.support.servers.running_worker import PARTITIONS, Topics, running_worker

pytestmark = pytest.mark.integration

PERIODS = 3
"""An outage of a minute, and the stop after it, begin in one period and end at the latest in the third."""

MAX_BYTES = 50_000


@pytest.fixture
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeKafka]:
    with NativeKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


def kinds(lines: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Count lines by their logger and text, without its numbers."""
    return Counter((line["logger"], re.sub(r"\d+", "#", line["event"])) for line in lines)


def test_a_worker_whose_broker_is_gone_until_it_gives_up_has_a_log_that_can_be_read(
    kafka: NativeKafka, topic_prefix: str
) -> None:
    create_topics(kafka.bootstrap, topic_prefix, PARTITIONS)
    events = event_messages(plan_sending(some_trips(100)))
    replay(events, kafka=kafka_at(kafka.bootstrap), topic=f"{topic_prefix}trip-events")
    topics = Topics(kafka.bootstrap, topic_prefix)
    assert topics.messages("driver-scores") == []  # connected, the reader sees the first score at once
    with running_worker(kafka.bootstrap, topic_prefix, worker__stop_timeout_s=3) as worker:
        wait_until(lambda: len(topics.messages("driver-scores")) > 0, "scores")
        topics.close()
        before = len(worker.log)
        kafka.stop()
        status = worker.process.wait(PATIENCE_S)
        log = worker.log[before:]
    assert status == ExitStatus.FAILED
    assert len(log.encode()) < MAX_BYTES
    *said, last = log.splitlines()
    lines = [json.loads(line) for line in said if line.startswith("{")]  # a thread of Faust may end with a traceback
    reports = [line for line in lines if line["event"] == "repeated lines were suppressed"]
    assert sum(report["suppressed"] for report in reports) > 100, "there were many"
    assert all(report["like"] for report in reports)
    written = kinds([line for line in lines if line not in reports])
    assert written
    assert max(written.values()) <= PERIODS * SIMILAR_LINES, written.most_common(3)
    assert written["stream_app.kafka.broker_watch", "no broker answers"] == 1
    assert "not stopped in time" in last or last.startswith("error: ")
