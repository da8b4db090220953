"""From two partitions to four with trips under way: every trip has one final score, of all of its events."""

import subprocess
import sys
import time

import polars as pl
import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from driver_score.replay import event_messages, plan_sending, replay
from schemas.errors import ExitStatus
from scoring.features.batch import trip_features
from tests.integration.conftest import SETTINGS, has_all_events, some_trips
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.brokers import PATIENCE_S, kafka_at
from tests.support.servers.running_worker import PARTITIONS, Topics, running_worker, started_worker, worker_environment

pytestmark = pytest.mark.integration

QUICK = {**SETTINGS, "worker__silent_partition_s": 300, "profiles__min_distance_km": 0}
GROWN = {**QUICK, "kafka__partitions": 2 * PARTITIONS}


def send(topics: Topics, plan: pl.DataFrame) -> None:
    replay(event_messages(plan), kafka=kafka_at(topics.bootstrap), topic=f"{topics.prefix}trip-events")


def grow(topics: Topics) -> subprocess.CompletedProcess[str]:
    environment = worker_environment(topics.bootstrap, topics.prefix, decoding__partitioner="crc32", **QUICK)
    command = [sys.executable, "-m", "driver_score", "topics", "grow", str(2 * PARTITIONS)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def reprocess(topics: Topics, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "driver_score", "reprocess", *options]
    environment = worker_environment(topics.bootstrap, topics.prefix, **GROWN)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_trips_under_way_move_with_their_vehicles_and_profiles_with_their_drivers(topics: Topics) -> None:
    events = some_trips(8)
    plan = plan_sending(events)
    half = len(plan) // 2
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send(topics, plan.slice(0, half))
        topics.wait_until_committed()
        refused = grow(topics)
        assert refused.returncode == ExitStatus.FAILED
        assert "1 workers of the group run" in refused.stderr
        worker.stop()
    before = topics.rows("driver-profiles")
    topics.close()

    done = grow(topics)
    assert done.returncode == 0, done.stderr
    assert " 0 trips" not in done.stdout

    grown = Topics(topics.bootstrap, topics.prefix, 2 * PARTITIONS)
    with running_worker(topics.bootstrap, topics.prefix, **GROWN) as worker:
        send(grown, plan.slice(half))
        expected = trip_features(events)
        grown.wait_for("driver-scores", lambda scores: has_all_events(scores, expected))
        assert unequal_features(grown.rows("driver-scores"), expected) == []
        assert worker.partitions() == set(range(2 * PARTITIONS))
        grown.wait_until_committed("driver-scores-by-driver")
        worker.stop()
    counts = {profile["driver_id"]: profile["trip_count"] for profile in grown.rows("driver-profiles")}
    assert all(counts[profile["driver_id"]] >= profile["trip_count"] for profile in before)
    assert sum(counts.values()) == len(expected)
    grown.close()

    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    refused = reprocess(topics, "--from", now)  # and 24 hours earlier
    assert refused.returncode == ExitStatus.FAILED
    assert "were raised after" in refused.stderr
    done = reprocess(topics, "--from", now, "--margin", "0")
    assert done.returncode == 0, done.stderr
    refused = reprocess(topics, "--from", now)  # still known, with states that have begun since
    assert "were raised after" in refused.stderr


def test_partitions_that_are_raised_under_a_running_worker_stop_it_with_a_line(topics: Topics) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send(topics, plan_sending(some_trips(2)))
        topics.wait_until_committed()
        admin = AdminClient({"bootstrap.servers": topics.bootstrap})
        name = f"{topics.prefix}trip-events"
        admin.create_partitions([NewPartitions(name, 2 * PARTITIONS)])[name].result()
        assert worker.process.wait(PATIENCE_S) == ExitStatus.FAILED
        assert f"trip-events: has {2 * PARTITIONS} partitions" in worker.log
    topics.close()


def test_workers_with_more_partitions_refuse_to_start_until_states_have_moved(topics: Topics) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send(topics, plan_sending(some_trips(2)))
        topics.wait_until_committed()
        topics.wait_until_committed("driver-scores-by-driver")
        worker.stop()
    admin = AdminClient({"bootstrap.servers": topics.bootstrap})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(topics.prefix)]
    for raised in admin.create_partitions([NewPartitions(name, 2 * PARTITIONS) for name in names]).values():
        raised.result()
    with started_worker(topics.bootstrap, topics.prefix, **GROWN) as worker:
        assert worker.process.wait(PATIENCE_S) == ExitStatus.FAILED
        assert "`driver-score topics grow` moves their open trips" in worker.log
    assert grow(topics).returncode == 0
    with running_worker(topics.bootstrap, topics.prefix, **GROWN) as worker:
        worker.stop()
    topics.close()
