"""Logs, offsets and states that no longer belong together: a worker stops and says so, or begins without states."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Final

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.errors import ExitStatus
from schemas.topics import TRIP_EVENTS, TRIPS_TABLE
from tests.support.examples.decoding import message
from tests.support.servers.brokers import PATIENCE_S, producer, wait_until
from tests.support.servers.kafka_tools import kafka_tool
from tests.support.servers.running_worker import (
    PARTITIONS,
    RunningWorker,
    Topics,
    last_finals,
    running_worker,
    started_worker,
)

pytestmark = pytest.mark.integration

START_MS: Final = 1_772_435_700_000
SECONDS: Final = 130
"""Each trip lasts so long, with an event a second and an end."""

FRESH: Final = {"worker__changed_log": "fresh_states"}
LOG_CHANGES: Final = 'driver_score_worker_log_changes_total{change="%s"}'


def worker_of(topics: Topics, **settings: object) -> AbstractContextManager[RunningWorker]:
    return running_worker(topics.bootstrap, topics.prefix, worker__session_timeout_s=6, **settings)


def send_trips(topics: Topics, names: Iterable[str], seconds: range = range(SECONDS)) -> None:
    """Send trips of so many seconds, with their end if they have all."""
    client = producer(topics.bootstrap)
    for name in names:
        for second in seconds:
            event_type = "trip_end" if second == SECONDS - 1 else "sample"
            value = message(trip_id=name, vehicle_id=name, timestamp=START_MS + second * 1000, event_type=event_type)
            client.produce(f"{topics.prefix}trip-events", value, name.encode())
    assert client.flush(60) == 0


def names(kind: str, count: int = 6) -> list[str]:
    return [f"{kind}_{number}" for number in range(count)]


def wait_for_finals(topics: Topics, wanted: Iterable[str], *, events: int = SECONDS) -> None:
    """Wait until each of these trips has a final score of so many events."""
    expected = {(name, name): events for name in wanted}

    def are_there(scores: list[dict[str, object]]) -> bool:
        finals = last_finals(scores)
        return all(finals.get(key, {}).get("event_count") == count for key, count in expected.items())

    topics.wait_for("driver-scores", are_there)


def score_first_trips(topics: Topics) -> None:
    """Have a worker score some trips, and stop it."""
    with worker_of(topics) as worker:
        send_trips(topics, names("first"))
        wait_for_finals(topics, names("first"))
        topics.wait_until_committed()
        worker.stop()


def recreate_trip_events(topics: Topics) -> None:
    topic = f"{topics.prefix}trip-events"
    kafka_tool("kafka-topics", topics.bootstrap, "--delete", "--topic", topic)
    admin = AdminClient({"bootstrap.servers": topics.bootstrap})
    wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, "the topic is gone")
    size = f"max.message.bytes={TRIP_EVENTS.max_message_bytes}"
    kafka_tool(
        "kafka-topics", topics.bootstrap,
        "--create", "--topic", topic, "--partitions", str(PARTITIONS), "--config", size,
    )  # fmt: skip


def reset_offsets(topics: Topics, *options: str) -> None:
    kafka_tool(
        "kafka-consumer-groups", topics.bootstrap,
        "--group", f"{topics.prefix}driver-score", "--topic", f"{topics.prefix}trip-events", *options,
    )  # fmt: skip


def refusal(topics: Topics, **settings: object) -> str:
    """Return the line with which a worker ends that is started now."""
    with started_worker(topics.bootstrap, topics.prefix, **settings) as worker:
        assert worker.process.wait(PATIENCE_S) == ExitStatus.FAILED
        assert "Traceback" not in worker.log, worker.log
        [line] = [line for line in worker.log.splitlines() if line.startswith("error: ")]
        return line


def test_a_topic_that_was_created_anew_while_the_worker_was_down_is_not_taken_for_the_former_one(
    topics: Topics,
) -> None:
    score_first_trips(topics)
    recreate_trip_events(topics)
    send_trips(topics, names("second", 8))

    line = refusal(topics)
    assert "deleted and created anew" in line
    assert "DRIVER_SCORE_WORKER__CHANGED_LOG" in line

    with worker_of(topics, **FRESH) as worker:
        wait_for_finals(topics, names("second", 8))
        assert worker.metrics()[LOG_CHANGES % "topic_recreated"] >= PARTITIONS
        assert "begun without states" in worker.log
        topics.wait_until_committed("driver-scores-by-driver")
        worker.stop()
    with worker_of(topics) as worker:  # by default again: all is well
        send_trips(topics, names("third"))
        wait_for_finals(topics, names("third"))
        worker.stop()
    topics.close()


def test_a_topic_that_is_created_anew_while_the_worker_runs_is_read_at_once(topics: Topics) -> None:
    with worker_of(topics, **FRESH) as worker:
        send_trips(topics, names("first"))
        wait_for_finals(topics, names("first"))
        topics.wait_until_committed()
        recreate_trip_events(topics)
        send_trips(topics, names("second"))
        wait_for_finals(topics, names("second"))
        assert worker.metrics()[LOG_CHANGES % "topic_recreated"] >= PARTITIONS
        worker.stop()
    topics.close()


def test_a_topic_that_is_created_anew_stops_a_running_worker_by_default(topics: Topics) -> None:
    with worker_of(topics) as worker:
        send_trips(topics, names("first"))
        wait_for_finals(topics, names("first"))
        topics.wait_until_committed()
        recreate_trip_events(topics)
        assert worker.process.wait(PATIENCE_S) == ExitStatus.FAILED
        assert "deleted and created anew" in worker.log
    topics.close()


def test_a_committed_offset_beyond_the_end_of_the_log_is_no_reason_to_wait_for_it(topics: Topics) -> None:
    score_first_trips(topics)
    commit_beyond_the_end(topics, 1000)
    send_trips(topics, names("second"))

    assert "beyond the end of the log" in refusal(topics)

    with worker_of(topics, **FRESH) as worker:
        wait_for_finals(topics, names("second"))
        assert worker.metrics()[LOG_CHANGES % "offset_beyond_end"] >= 1
        worker.stop()
    topics.close()


def commit_beyond_the_end(topics: Topics, by: int) -> None:
    group, topic = f"{topics.prefix}driver-score", f"{topics.prefix}trip-events"
    offsets = [TopicPartition(topic, place, offset + by) for place, offset in topics.committed("trip-events").items()]
    admin = AdminClient({"bootstrap.servers": topics.bootstrap})
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, offsets)])[group].result()


def test_offsets_that_were_reset_by_hand_are_not_taken_for_a_replay_after_a_crash(topics: Topics) -> None:
    score_first_trips(topics)
    reset_offsets(topics, "--reset-offsets", "--to-earliest", "--execute")

    assert "not set by a worker" in refusal(topics)

    with worker_of(topics, **FRESH) as worker:
        wait_until(lambda: worker.events_read() >= 6 * SECONDS, "all is read again")
        topics.wait_until_committed()
        assert worker.metrics()["driver_score_worker_replayed_events_total"] == 0
        assert worker.metrics()[LOG_CHANGES % "offset_set"] == PARTITIONS
        worker.stop()
    topics.close()


def test_offsets_that_were_deleted_are_not_taken_for_a_first_start(topics: Topics) -> None:
    score_first_trips(topics)
    reset_offsets(topics, "--delete-offsets")

    assert "was deleted or has expired" in refusal(topics)

    with worker_of(topics, **FRESH) as worker:
        send_trips(topics, names("second"))
        wait_for_finals(topics, names("second"))
        assert worker.metrics()[LOG_CHANGES % "offset_deleted"] == PARTITIONS
        worker.stop()
    topics.close()


def test_offsets_that_were_set_before_the_first_start_are_where_it_begins(topics: Topics) -> None:
    send_trips(topics, names("history"))
    reset_offsets(topics, "--reset-offsets", "--to-latest", "--execute")
    with worker_of(topics) as worker:
        send_trips(topics, names("first"))
        wait_for_finals(topics, names("first"))
        assert worker.events_read() == 6 * SECONDS
        worker.stop()
    topics.close()


def changelog_of(topics: Topics) -> str:
    return f"{topics.prefix}driver-score-{TRIPS_TABLE}-changelog"


def test_a_changelog_that_was_deleted_is_missed_and_trips_under_way_say_that_events_are_missing(topics: Topics) -> None:
    score_first_trips(topics)
    with worker_of(topics) as worker:
        send_trips(topics, names("open"), range(SECONDS // 2))
        topics.wait_until_committed()
        worker.stop()
    kafka_tool("kafka-topics", topics.bootstrap, "--delete", "--topic", changelog_of(topics))
    admin = AdminClient({"bootstrap.servers": topics.bootstrap})
    wait_until(lambda: changelog_of(topics) not in admin.list_topics(timeout=10).topics, "the topic is gone")

    assert "stored states are missing" in refusal(topics)

    with worker_of(topics, **FRESH) as worker:
        rest = range(SECONDS // 2, SECONDS)
        send_trips(topics, names("open"), rest)
        wait_for_finals(topics, names("open"), events=len(rest))
        finals = last_finals(topics.rows("driver-scores"))
        assert [finals[name, name]["late_event_count"] for name in names("open")] == [1] * 6
        assert worker.metrics()[LOG_CHANGES % "states_lost"] == PARTITIONS
        worker.stop()
    topics.close()


def test_a_chunk_that_the_changelog_has_lost_is_missed(topics: Topics) -> None:
    score_first_trips(topics)
    rows = [row for row in topics.everything(f"driver-score-{TRIPS_TABLE}-changelog") if row.value() is not None]
    chunk = next(row for row in rows if (row.key() or b"").split(b"@")[0].split(b":")[1].isdigit())
    client = producer(topics.bootstrap)
    client.produce(changelog_of(topics), None, chunk.key(), partition=chunk.partition() or 0)
    assert client.flush(60) == 0

    number = (chunk.key() or b"").decode().split("@")[0].split(":")[1]
    assert f"stored states are missing (chunks {number})" in refusal(topics)
    topics.close()


def test_records_of_aborted_transactions_are_not_scored(topics: Topics) -> None:
    with worker_of(topics) as worker:
        for number, name in enumerate(names("trip", 10)):
            send_in_transaction(topics, name, commit=number % 2 == 0)
        committed = names("trip", 10)[::2]
        wait_for_finals(topics, committed)
        wait_until(lambda: worker.metrics()["driver_score_worker_records_total"] == 5 * SECONDS, "all is read")
        assert {key[0] for key in last_finals(topics.rows("driver-scores"))} == set(committed)
        worker.stop()
    topics.close()


def send_in_transaction(topics: Topics, name: str, *, commit: bool) -> None:
    client = producer(topics.bootstrap, {"transactional.id": f"{topics.prefix}{name}"})
    client.init_transactions(60)
    client.begin_transaction()
    for second in range(SECONDS):
        event_type = "trip_end" if second == SECONDS - 1 else "sample"
        value = message(trip_id=name, vehicle_id=name, timestamp=START_MS + second * 1000, event_type=event_type)
        client.produce(f"{topics.prefix}trip-events", value, name.encode())
    if commit:
        client.commit_transaction(60)
    else:
        client.flush(60)  # so that the log has them
        client.abort_transaction(60)
