"""A replayed fleet in a real Druid, its worker under a real Prometheus: what named queries and panels are run on."""

import json
import re
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest

from driver_score.local_stack.servers.prometheus import WORKER_JOB, NativePrometheus
from driver_score.replay import append_trip_ends, event_messages, plan_sending, replay
from druid_specs.apply import plan_changes, plan_first_rows
from druid_specs.client import DruidClient
from druid_specs.from_settings import data_sources
from druid_specs.sql_connection import DruidConnection
from schemas.settings import load_settings
from scoring.trip_files import DEFAULT_FLEET_PATH, read_trip_file
from tests.support.servers.brokers import RunningBroker, create_topics, kafka_at, producer, wait_until
from tests.support.servers.druid_servers import RunningDruid
from tests.support.servers.running_worker import PARTITIONS, Topics, last_finals, running_worker

DRIVERS = 24

TOPICS = ("driver-scores", "driver-profiles", "trip-alerts", "trip-features")


@dataclass
class DruidFleet:
    """What was published, and where it can be asked for.

    `prefix` stands before the name of each data source; `empty_prefix` before that of data sources that have no row
    but the first, of 1900.
    """

    url: str
    prefix: str
    empty_prefix: str
    prometheus_url: str
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def frame(self, topic: str) -> pl.DataFrame:
        return pl.from_dicts(self.rows[topic], infer_schema_length=None)

    def connection(self) -> DruidConnection:
        return DruidConnection(self.url)

    def final_trips(self, role: str = "champion") -> pl.DataFrame:
        """Return the newest final score of each trip, as Polars finds it in the published messages."""
        return (
            self.frame("driver-scores")
            .filter(kind="trip", final=True, model_role=role)
            .sort("revision")
            .unique(["vehicle_id", "trip_id"], keep="last")
        )

    def ask_prometheus(self, expression: str) -> list[Any]:
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.prometheus_url}/api/v1/query?{query}", timeout=30) as answer:  # noqa: S310
            said = json.load(answer)
        assert said["status"] == "success", said
        return list(said["data"]["result"])


@pytest.fixture(scope="session")
def druid_fleet(
    native_kafka: RunningBroker, druid: RunningDruid, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DruidFleet]:
    """Replay some drivers through the worker into Druid, and publish some scores twice, as after a crash."""
    prefix = f"fleet-{uuid.uuid4().hex[:8]}-"
    empty_prefix = f"empty-{prefix}"
    for each in (prefix, empty_prefix):
        create_topics(native_kafka.bootstrap, each, PARTITIONS)
    topics = Topics(native_kafka.bootstrap, prefix)
    with running_worker(native_kafka.bootstrap, prefix, profiles__min_distance_km=5) as worker:
        address = re.search(r'"address": "http://([^"/]+)', worker.log)
        assert address, worker.log
        prometheus = NativePrometheus(tmp_path_factory.mktemp("prometheus"), {WORKER_JOB: [address[1]]}, interval="1s")
        with prometheus:
            fleet = DruidFleet(druid.url, prefix, empty_prefix, prometheus.url)
            wait_until(lambda: bool(fleet.ask_prometheus("driver_score_worker_events_total")), "first scrape")
            _apply_specs(druid, empty_prefix, first_rows=True)
            druid.end_supervisors(empty_prefix)  # what they have stays, and nothing more comes
            _apply_specs(druid, prefix, first_rows=False)
            _publish(native_kafka, topics, prefix)
            _wait_for_rows(fleet, topics)
            profiles = "rate(driver_score_worker_profiles_total[1h]) > 0"
            wait_until(lambda: bool(fleet.ask_prometheus(profiles)), "a scrape after the last of the work")
            yield fleet
    druid.end_supervisors(prefix)
    topics.close()


def _apply_specs(druid: RunningDruid, prefix: str, *, first_rows: bool) -> None:
    settings = load_settings(
        kafka={"bootstrap": druid.bootstrap, "topic_prefix": prefix},
        druid={"url": druid.url, "kafka_bootstrap": druid.kafka_bootstrap, "data_source_prefix": prefix},
    )
    with DruidClient(druid.url) as client:
        desired = data_sources(settings)
        for change in plan_changes(client, desired):
            change.make()
        if first_rows:
            for change in plan_first_rows(client, desired):
                change.make()
            wait_until(lambda: plan_first_rows(client, desired) == [], "first rows")
            assert [client.row_count(source.name) for source in desired] == [0] * len(desired)


def _publish(broker: RunningBroker, topics: Topics, prefix: str) -> None:
    fleet_events = read_trip_file(DEFAULT_FLEET_PATH, file_format="fleet").events
    drivers = fleet_events["driver_id"].unique().sort()[:DRIVERS]
    events = append_trip_ends(fleet_events.filter(pl.col("driver_id").is_in(drivers.implode())))
    replay(event_messages(plan_sending(events)), kafka=kafka_at(broker.bootstrap), topic=f"{prefix}trip-events")
    count = events.select("vehicle_id", "trip_id").n_unique()
    topics.wait_for("driver-scores", lambda scores: len(last_finals(scores)) == count)
    topics.wait_until_committed()
    topics.wait_until_committed("driver-scores-by-driver")
    finals = sorted(last_finals(topics.rows("driver-scores")).values(), key=lambda score: score["score_id"])
    client = producer(broker.bootstrap)
    for number, score in enumerate(finals):
        sent = []
        if number % 4 == 0:  # the same message again
            sent.append(score)
        if number % 3 == 0:  # late events: scored again, and much worse
            sent.append({**score, "score_id": f"again-{number}", "revision": score["revision"] + 3, **_HIGH_RISK})
        if number % 5 == 0:
            sent.append({**score, "score_id": f"other-{number}", "model_role": "challenger", "model_version": "v2"})
        for each in sent:
            client.produce(f"{prefix}driver-scores", json.dumps(each), each["trip_id"].encode())
    assert client.flush(60) == 0


_HIGH_RISK = {"score": 12.34, "risk": 0.9, "band": "high", "status": "scored", "late_event_count": 7}


def _wait_for_rows(fleet: DruidFleet, topics: Topics) -> None:
    with DruidClient(fleet.url) as client:

        def all_there() -> bool:
            # Read again each time: the worker's last scores may still be on their way to Kafka.
            fleet.rows = {topic: list(topics.rows(topic)) for topic in TOPICS}
            return all(client.row_count(fleet.prefix + topic) == len(fleet.rows[topic]) for topic in TOPICS)

        wait_until(all_there, "every published message in Druid")
    finals = sum(row["kind"] == "trip" and row["final"] for row in fleet.rows["driver-scores"])
    statement = f'SELECT SUM(trip_count) FROM "{fleet.prefix}fleet-hourly"'
    with fleet.connection() as connection:
        wait_until(lambda: connection.query(statement).rows == [(finals,)], "all in the roll-up")
