"""One long run of the real worker for each broker, which many tests check."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest
from confluent_kafka import Producer

from driver_score.replay import Disturbance, append_trip_ends, disturb, event_messages, plan_sending, replay
from schemas.topics import TOPICS
from scoring.features.batch import trip_features
from scoring.trip_files import DEFAULT_FLEET_PATH, read_trip_file
from tests.support.examples.bad_input import BAD_INPUT
from tests.support.examples.decoding import RIGHT, message
from tests.support.examples.keys import key_on
from tests.support.servers.brokers import RunningBroker, create_topics, kafka_at, producer
from tests.support.servers.running_worker import PARTITIONS, Topics, last_finals, running_worker

SETTINGS = {"worker__session_timeout_s": 6, "worker__silent_partition_s": 3}
"""What is emitted when a worker or a partition becomes silent must not take minutes."""

FLEET_SETTINGS = {"profiles__min_distance_km": 5}
"""Trips of the simulated fleet are short."""

PUSHERS = {key_on(partition, PARTITIONS, "pusher") for partition in range(PARTITIONS)}

DRIVERS = 20


@dataclass(frozen=True)
class BadRecord:
    """A record with a row of `BAD_INPUT`, as it was sent."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    code: str | None


@dataclass
class FleetRun:
    """What was sent to the worker, and what was observed of it."""

    broker: RunningBroker
    prefix: str
    bad: list[BadRecord]
    garbage: list[bytes]
    sent_records: int
    sent_events: int
    expected: pl.DataFrame
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    dead_letters: list[Any] = field(default_factory=list)
    keys: dict[str, list[bytes]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    uncommitted: dict[str, int] = field(default_factory=dict)
    log: str = ""
    metrics_after_restart: dict[str, float] = field(default_factory=dict)
    rows_after_restart: int = 0


def some_trips(drivers: int, skip: int = 0) -> pl.DataFrame:
    """Return the events of some drivers of the simulated fleet, each trip with an end."""
    fleet = read_trip_file(DEFAULT_FLEET_PATH, file_format="fleet").events
    chosen = fleet["driver_id"].unique().sort()[skip : skip + drivers]
    return append_trip_ends(fleet.filter(pl.col("driver_id").is_in(chosen.implode())))


@pytest.fixture(scope="session", params=["embedded", "kafka"])
def each_broker(request: pytest.FixtureRequest) -> RunningBroker:
    fixture = {"embedded": "embedded_broker", "kafka": "native_kafka"}[request.param]
    running: RunningBroker = request.getfixturevalue(fixture)
    return running


@pytest.fixture(scope="session")
def fleet_run(each_broker: RunningBroker) -> FleetRun:
    """Bad input of every kind, then 200 disturbed trips; a clean stop; a restart, and one event more."""
    prefix = f"fleet-run-{uuid.uuid4().hex[:8]}-"
    create_topics(each_broker.bootstrap, prefix, PARTITIONS)
    topics = Topics(each_broker.bootstrap, prefix)
    events = some_trips(DRIVERS)
    with running_worker(each_broker.bootstrap, prefix, **FLEET_SETTINGS) as worker:
        bad = _send_bad_input(each_broker, prefix)
        plan = disturb(plan_sending(events), Disturbance(duplicates=0.03, out_of_order=0.05, garbage=0.01, seed=3))
        sent = replay(event_messages(plan), kafka=kafka_at(each_broker.bootstrap), topic=f"{prefix}trip-events")
        pushes = _push_clocks(each_broker, prefix, plan.select(pl.col("timestamp_ms").max()).item())
        run = FleetRun(
            each_broker,
            prefix,
            bad,
            garbage=plan["garbage"].drop_nulls().to_list(),
            sent_records=sent.messages + len(bad) + pushes,
            sent_events=sent.events + sum(row.events for row in BAD_INPUT) + pushes,
            expected=trip_features(events),
        )
        topics.wait_for("driver-scores", lambda scores: len(final_trips(scores) & PUSHERS) == PARTITIONS)
        for topic in ("trip-events", "driver-scores-by-driver"):
            topics.wait_until_committed(topic)
        run.metrics = worker.metrics()
        run.log = worker.stop()
    for topic in (spec.name for spec in TOPICS if not spec.name.startswith("trip-events")):
        messages = topics.everything(topic)
        run.keys[topic] = [bytes(each.key() or b"") for each in messages]
        run.rows[topic] = [json.loads(each.value() or b"") for each in messages]
    run.dead_letters = topics.everything("trip-events-dlq")
    run.uncommitted = {topic: topics.uncommitted(topic) for topic in ("trip-events", "driver-scores-by-driver")}
    with running_worker(each_broker.bootstrap, prefix, **FLEET_SETTINGS) as worker:
        client = producer(each_broker.bootstrap)
        client.produce(f"{prefix}trip-events", message(trip_id="last", event_type="trip_end"), b"veh_1")
        client.flush()
        is_last = {"trip_id": "last", "final": True}.items()
        topics.wait_for("driver-scores", lambda scores: any(is_last <= score.items() for score in scores))
        run.metrics_after_restart = worker.metrics()
        worker.stop()
    run.rows_after_restart = len(topics.everything("driver-scores"))
    topics.close()
    return run


def has_all_events(scores: list[dict[str, Any]], expected: pl.DataFrame) -> bool:
    """Tell whether every trip's newest final score includes all its events."""
    finals = last_finals(scores)
    rows = expected.select("vehicle_id", "trip_id", "event_count").iter_rows()
    return all(
        (vehicle_id, trip_id) in finals and finals[vehicle_id, trip_id]["event_count"] == count
        for vehicle_id, trip_id, count in rows
    )


def final_trips(scores: list[dict[str, Any]]) -> set[str]:
    return {score["trip_id"] for score in scores if score["kind"] == "trip" and score["final"]}


def _push_clocks(broker: RunningBroker, prefix: str, start_ms: int) -> int:
    """Send a last trip to each partition that moves its clock on, so that all pending windows are emitted.

    Compressed, as gateways send.
    """
    count = 0
    for trip_id, codec in zip(sorted(PUSHERS), ("lz4", "zstd"), strict=True):
        client = Producer({"bootstrap.servers": broker.bootstrap, "compression.type": codec, "log_level": 0})
        for step in range(400):
            kind = "trip_end" if step == 399 else "sample"
            value = message(trip_id=trip_id, vehicle_id=trip_id, timestamp=start_ms + step * 5000, event_type=kind)
            client.produce(f"{prefix}trip-events", value, trip_id.encode())
            count += 1
        assert client.flush(60) == 0
    return count


def _send_bad_input(broker: RunningBroker, prefix: str) -> list[BadRecord]:
    client = producer(broker.bootstrap)
    now_ms = time.time_ns() // 1_000_000
    sent = []
    for number, row in enumerate(BAD_INPUT):
        headers = [("device", f"unit-{number}".encode()), ("binary", bytes(range(256))), ("empty", b"")]
        # Events of one vehicle belong to one partition: on two, its trip would be scored twice.
        key = RIGHT["vehicle_id"] if row.events and row.code is None else f"bad-{number}"
        record = BadRecord(key.encode(), row.value(now_ms), headers, row.code.value if row.code is not None else None)
        client.produce(f"{prefix}trip-events", record.value, record.key, headers=list(record.headers))
        sent.append(record)
    assert client.flush(60) == 0
    return sent
