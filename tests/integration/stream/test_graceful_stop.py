"""SIGTERM in the middle of the work: nothing to do again, or one line that says why not."""

import contextlib
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pytest

from driver_score.local_stack.servers.kafka import NativeKafka
from driver_score.replay import event_messages, plan_sending, replay
from schemas.errors import ExitStatus
from tests.integration.conftest import SETTINGS, some_trips
from tests.support.servers.brokers import PATIENCE_S, create_topics, kafka_at, wait_until
from tests.support.servers.running_worker import PARTITIONS, Topics, running_worker

pytestmark = pytest.mark.integration

UNTIL_STOPPED = {**SETTINGS, "worker__checkpoint_s": 60, "worker__fetch_bytes": 64 * 1024}
"""Nothing is committed before the stop; small batches, so that many are queued when it comes."""

STOP_TIMEOUT_S = 3.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeKafka]:
    with NativeKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return some_trips(100)


@pytest.fixture
def topics(kafka: NativeKafka, topic_prefix: str, events: pl.DataFrame) -> Iterator[Topics]:
    """Give topics with a backlog."""
    create_topics(kafka.bootstrap, topic_prefix, PARTITIONS)
    replay(event_messages(plan_sending(events)), kafka=kafka_at(kafka.bootstrap), topic=f"{topic_prefix}trip-events")
    topics = Topics(kafka.bootstrap, topic_prefix)
    assert topics.messages("driver-scores") == []  # connected, the reader sees the first score at once
    yield topics
    topics.close()


def wait_until_busy(topics: Topics) -> None:
    wait_until(lambda: len(topics.messages("driver-scores")) > 0, "scores")


class _EndlessReplay(threading.Thread):
    """Sends the same trips under new ids, round after round, until it is ended."""

    def __init__(self, topics: Topics, events: pl.DataFrame) -> None:
        super().__init__(daemon=True)
        self._topics = topics
        self._events = events
        self._ending = threading.Event()
        self._round = 0

    def run(self) -> None:
        while not self._ending.is_set():
            self._send_round()

    def end(self) -> None:
        """Finish the round, and send another one: there is more in the topic than before this call."""
        self._ending.set()
        self.join()
        self._send_round()

    def _send_round(self) -> None:
        self._round += 1
        trip_id = pl.format("{}-round-{}", "trip_id", pl.lit(self._round))
        messages = event_messages(plan_sending(self._events.with_columns(trip_id=trip_id)))
        replay(messages, kafka=kafka_at(self._topics.bootstrap), topic=f"{self._topics.prefix}trip-events")


@contextlib.contextmanager
def growing(topics: Topics) -> Iterator[None]:
    """Let the topic of events grow, so that no worker is ever through with it, however fast it is."""
    endless = _EndlessReplay(topics, some_trips(5))
    endless.start()
    try:
        yield
    finally:
        endless.end()


def counts_by_trip(events: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((event["vehicle_id"], event["trip_id"]) for event in events)


def committed_events(topics: Topics) -> list[dict[str, Any]]:
    """Return the events that a worker which starts now would not read."""
    committed = topics.committed("trip-events")
    return [
        json.loads(message.value() or b"")
        for message in topics.everything("trip-events")
        if (message.offset() or 0) < committed[message.partition() or 0]
    ]


def score_ids(topics: Topics) -> list[str]:
    return [json.loads(message.value() or b"")["score_id"] for message in topics.everything("driver-scores")]


def test_a_worker_that_is_stopped_at_full_load_has_committed_what_it_scored_and_leaves_nothing_to_replay(
    topics: Topics,
) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **UNTIL_STOPPED) as worker, growing(topics):
        wait_until_busy(topics)
        worker.stop()
    included = committed_events(topics)
    sent = len(topics.everything("trip-events"))
    assert 0 < len(included) < sent, "it was stopped in the middle"
    there = counts_by_trip(included)
    for message in topics.everything("driver-scores"):
        score = json.loads(message.value() or b"")
        assert score["event_count"] <= there[score["vehicle_id"], score["trip_id"]], "scored, and not committed"

    with running_worker(topics.bootstrap, topics.prefix, **SETTINGS) as worker:
        topics.wait_until_committed()
        metrics = worker.metrics()
        worker.stop()
    assert metrics["driver_score_worker_replayed_events_total"] == 0
    assert metrics["driver_score_worker_events_total"] == sent - len(included), "it has read all others, once"
    published = score_ids(topics)
    assert len(set(published)) == len(published), "nothing is published twice"


def test_without_a_broker_a_stop_is_given_up_in_time_with_one_line_and_all_is_read_again(
    kafka: NativeKafka, topics: Topics, events: pl.DataFrame
) -> None:
    settings = {**UNTIL_STOPPED, "worker__stop_timeout_s": STOP_TIMEOUT_S}
    with running_worker(topics.bootstrap, topics.prefix, **settings) as worker:
        wait_until_busy(topics)
        kafka.stop()
        worker.process.send_signal(signal.SIGTERM)
        status = worker.process.wait(PATIENCE_S)
        log = worker.log
        kafka.start()
    assert status == ExitStatus.FAILED
    assert "Traceback" not in log
    last = json.loads(log.splitlines()[-1])
    assert last["event"] == "not stopped in time; what is not committed will be read again"
    assert last["timeout_s"] == STOP_TIMEOUT_S
    assert log.count("not stopped in time") == 1

    with running_worker(topics.bootstrap, topics.prefix, **SETTINGS) as worker:
        wait_until(lambda: worker.events_read() >= len(events), "all events again, as none was committed")
        worker.stop()
