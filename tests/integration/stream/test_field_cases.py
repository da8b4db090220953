"""Files as people's loggers write them, through a worker on real Kafka: each gets the score that is right for it."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from driver_score.replay import replay
from scoring.features.batch import trip_features
from tests.support.checks.feature_equality import unequal_features
from tests.support.examples.demo_input import DemoInput, demo_input
from tests.support.examples.field_cases import FIELD_CASES, FieldCase, differences
from tests.support.servers.brokers import RunningBroker, create_topics, kafka_at, wait_until
from tests.support.servers.running_worker import PARTITIONS, Topics, last_finals, running_worker

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Scored:
    """What was read of the files, and what the worker published of them all."""

    inputs: dict[str, DemoInput]
    scores: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    profiles: list[dict[str, Any]]

    def finals(self, case: FieldCase) -> list[dict[str, Any]]:
        """Give the newest final score of each trip of a file, by vehicle and start."""
        vehicles = set(self.inputs[case.name].events["vehicle_id"])
        finals = [final for final in last_finals(self.scores).values() if final["vehicle_id"] in vehicles]
        return sorted(finals, key=lambda final: (final["vehicle_id"], final["window_start"]))


@pytest.fixture(scope="module")
def scored(native_kafka: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scored]:
    """Read each file by the demo's command, and have one worker score what the demo would send of them all."""
    folder: Path = tmp_path_factory.mktemp("field-cases")
    inputs = {case.name: demo_input(folder / f"{case.name}.csv", case.content, case.arguments) for case in FIELD_CASES}
    prefix = f"field-{uuid.uuid4().hex[:8]}-"
    create_topics(native_kafka.bootstrap, prefix, PARTITIONS)
    topics = Topics(native_kafka.bootstrap, prefix)
    with running_worker(native_kafka.bootstrap, prefix) as worker:
        sent = replay(
            itertools.chain.from_iterable(read.messages for read in inputs.values()),
            kafka=kafka_at(native_kafka.bootstrap),
            topic=f"{prefix}trip-events",
        )
        wait_until(lambda: worker.events_read() == sent.events, "all is read")
        trips = sum(len(case.trips) for case in FIELD_CASES)
        topics.wait_for("driver-scores", lambda scores: len(last_finals(scores)) == trips)
        for topic in ("trip-events", "driver-scores-by-driver"):
            topics.wait_until_committed(topic)
        worker.stop()
    yield Scored(inputs, *(topics.rows(topic) for topic in ("driver-scores", "trip-alerts", "driver-profiles")))
    topics.close()


@pytest.mark.parametrize("case", FIELD_CASES, ids=lambda case: case.name)
def test_a_file_with_a_fault_is_scored_as_is_right(scored: Scored, case: FieldCase) -> None:
    finals = scored.finals(case)
    assert [differences(final, expected) for final, expected in zip(finals, case.trips, strict=True)] == [
        {} for _ in case.trips
    ]
    smooth = [final for final in finals if not final["hard_event_count"]]
    assert [final["band"] for final in smooth] == ["low"] * len(smooth)
    names = {(final["vehicle_id"], final["trip_id"]) for final in smooth}
    assert [alert for alert in scored.alerts if (alert["vehicle_id"], alert["trip_id"]) in names] == []


def test_the_worker_gives_all_files_the_features_of_whole_trips(scored: Scored) -> None:
    expected = pl.concat([trip_features(read.events) for read in scored.inputs.values()])
    assert unequal_features(scored.scores, expected) == []


def test_a_trip_whose_driver_logs_in_late_is_the_driver_s(scored: Scored) -> None:
    drivers = {profile["driver_id"]: profile["distance_km"] for profile in scored.profiles}
    assert drivers["drv_7"] == pytest.approx(5.25)
    assert "none" not in drivers
