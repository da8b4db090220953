"""Streamed features equal batch features on whole sets: the simulated fleet, and real drives where available."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from driver_score.replay import append_trip_ends, replay
from scoring.features.batch import trip_features
from scoring.trip_files import DEFAULT_FLEET_PATH, read_trip_file
from tests.integration.conftest import SETTINGS, has_all_events
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.brokers import RunningBroker, create_topics, kafka_at
from tests.support.servers.running_worker import PARTITIONS, Topics, running_worker

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def topics(embedded_broker: RunningBroker) -> Iterator[Topics]:
    """Topics of a worker that runs."""
    create_topics(embedded_broker.bootstrap, "equality-", PARTITIONS)
    topics = Topics(embedded_broker.bootstrap, "equality-")
    with running_worker(embedded_broker.bootstrap, "equality-", **SETTINGS) as worker:
        yield topics
        worker.stop()
    topics.close()


def check_equality(topics: Topics, events: pl.DataFrame, trips: int) -> None:
    expected = trip_features(events)
    assert len(expected) == trips
    replay(events, kafka=kafka_at(topics.bootstrap), topic=f"{topics.prefix}trip-events")
    scores = topics.wait_for("driver-scores", lambda scores: has_all_events(scores, expected))
    assert unequal_features(scores, expected) == []


def test_on_the_whole_simulated_fleet(topics: Topics) -> None:
    events = read_trip_file(DEFAULT_FLEET_PATH, file_format="fleet").events
    check_equality(topics, append_trip_ends(events), trips=5000)


@pytest.mark.real_data
def test_on_the_100car_study(topics: Topics, shared_data: Path) -> None:
    events = read_trip_file(shared_data / "100car.parquet", file_format="100car").events
    check_equality(topics, append_trip_ends(events), trips=569)


@pytest.mark.real_data
def test_on_the_kit_trips(topics: Topics, shared_data: Path) -> None:
    events = read_trip_file(shared_data / "kit_obd2.csv.gz", file_format="kit-obd2").events
    check_equality(topics, append_trip_ends(events), trips=62)
