"""Trips that are scored again from stored events: all of them or one client's, with revisions above those of before."""

import os
import subprocess
import sys
import time
from typing import Any, Final

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.errors import ExitStatus
from tests.support.examples.decoding import message
from tests.support.servers.brokers import producer
from tests.support.servers.running_worker import (
    Topics,
    last_finals,
    running_worker,
    without_wall_clock,
    worker_environment,
)

pytestmark = pytest.mark.integration

START_MS: Final = 1_772_435_700_000
SECONDS: Final = 200
CLIENTS: Final = ("atlas", "borea")
TRIPS: Final = 20
"""More than a driver's profile remembers, all of one driver a client."""

FIRST_REVISION: Final = 10_000
QUICK: Final = {"worker__session_timeout_s": 6, "profiles__min_distance_km": 0}


def send_trips(topics: Topics, numbers: range) -> None:
    client = producer(topics.bootstrap)
    for number in numbers:
        for client_id in CLIENTS:
            vehicle = f"{client_id}_vehicle"
            for second in range(SECONDS):
                value = message(
                    trip_id=f"{client_id}_{number}", vehicle_id=vehicle, driver_id=f"{client_id}_driver",
                    client_id=client_id, speed_kmh=60.0 + second % 7,
                    timestamp=START_MS + (number * 1000 + second) * 1000,
                    event_type="trip_end" if second == SECONDS - 1 else "sample",
                )  # fmt: skip
                client.produce(f"{topics.prefix}trip-events", value, vehicle.encode())
    assert client.flush(60) == 0


def wait_for_finals(topics: Topics, count: int, *, revision: int = 0) -> None:
    def are_there(scores: list[dict[str, Any]]) -> bool:
        return len([final for final in last_finals(scores).values() if final["revision"] >= revision]) == count

    topics.wait_for("driver-scores", are_there)


def reprocess(topics: Topics, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "driver_score", "reprocess", *options]
    environment = {**os.environ, **worker_environment(topics.bootstrap, topics.prefix)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def an_hour_ago() -> str:
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 3600))


def rest_of(final: dict[str, Any]) -> dict[str, Any]:
    """Return what must be the same when a trip is scored again."""
    return {name: given for name, given in without_wall_clock(final).items() if name not in {"score_id", "revision"}}


@pytest.mark.parametrize("only", [None, "borea"])
def test_trips_are_scored_again_with_higher_revisions_and_profiles_count_each_once(
    topics: Topics, only: str | None
) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send_trips(topics, range(TRIPS))
        wait_for_finals(topics, 2 * TRIPS)
        topics.wait_until_committed()
        topics.wait_until_committed("driver-scores-by-driver")
        assert reprocess(topics, "--from", an_hour_ago()).returncode == ExitStatus.FAILED, "a worker runs"
        worker.stop()
    before = last_finals(topics.rows("driver-scores"))

    done = reprocess(topics, "--from", an_hour_ago(), *(["--client", only] if only else []))
    assert done.returncode == 0, done.stderr
    assert f"{2 * TRIPS * SECONDS} records will be read again" in done.stdout

    expected_again = TRIPS if only else 2 * TRIPS
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        wait_for_finals(topics, expected_again, revision=FIRST_REVISION)
        send_trips(topics, range(TRIPS, TRIPS + 1))
        wait_for_finals(topics, expected_again + 2, revision=FIRST_REVISION)
        topics.wait_until_committed()
        topics.wait_until_committed("driver-scores-by-driver")
        worker.stop()
    after = last_finals(topics.rows("driver-scores"))
    assert len(after) == 2 * TRIPS + 2
    for key, final in before.items():
        is_again = only in {None, final["client_id"]}
        assert (after[key]["revision"] >= FIRST_REVISION) == is_again
        assert rest_of(after[key]) == rest_of(final)
    profiles = {profile["driver_id"]: profile["trip_count"] for profile in topics.rows("driver-profiles")}
    assert profiles == {f"{client}_driver": TRIPS + 1 for client in CLIENTS}
    topics.close()


def test_a_time_whose_events_have_expired_is_refused(topics: Topics) -> None:
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:
        send_trips(topics, range(2))
        wait_for_finals(topics, 4)
        topics.wait_until_committed()
        worker.stop()
    expire_first_records(topics, 10)
    refused = reprocess(topics, "--from", an_hour_ago())
    assert refused.returncode == ExitStatus.FAILED
    assert "have expired" in refused.stderr
    with running_worker(topics.bootstrap, topics.prefix, **QUICK) as worker:  # nothing was reset
        send_trips(topics, range(2, 3))
        wait_for_finals(topics, 6)
        worker.stop()
    topics.close()


def expire_first_records(topics: Topics, count: int) -> None:
    admin = AdminClient({"bootstrap.servers": topics.bootstrap})
    places = [
        TopicPartition(f"{topics.prefix}trip-events", partition, count)
        for partition, offset in topics.committed("trip-events").items()
        if offset > count
    ]
    for deleted in admin.delete_records(places).values():
        deleted.result()
