"""The benchmark's Kafka Streams peer does the job that it is compared in: the same scores, the same dead letters."""

import asyncio
import contextlib
import json
import math
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from bench.fleet import Fleet
from bench.measuring import CommittedOffsets
from bench.peers import kafka_streams
from bench.sending import PARTITIONS, ready_content, send
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.driver_scores import SEVERE_EVENT_KIND, ScoreMaker, ServedModel
from scoring.engine import ScoringEngine
from scoring.features.parameters import kernel_parameters
from scoring.features.state.trip_states import TripStates
from scoring.model import DEFAULT_MODEL, ExposureLimits, Scorer
from tests.support.examples.bad_input import BAD_INPUT
from tests.support.examples.decoding import a_decoder, batch_of
from tests.support.servers.brokers import (
    PATIENCE_S,
    RunningBroker,
    consume,
    consumer,
    create_topics,
    producer,
    wait_until,
)

EVENTS = 20_000
FLEET = Fleet(vehicles=50)
TOLERANCE = 1e-6
"""Of risks: another build of ONNX Runtime adds up trees in float32. Features agree far closer."""

NOT_COMPARED = {"score_id", "scored_at", "alerting", "latitude", "longitude", "event_type", "peak_mps2"}
NOT_ASKED = ("an envelope", "`samples`", "a field twice", "a value of 10 MB", "a byte order mark")
"""What the peer does not do, see `bench.peers.kafka_streams`, and what its parser is more lenient with."""

BAD_SINGLES = [row for row in BAD_INPUT if not row.title.startswith(NOT_ASKED)]


@contextlib.contextmanager
def running_peer(bootstrap: str, prefix: str, folder: Path) -> Iterator[None]:
    command = kafka_streams.command(
        bootstrap, prefix, group=f"{prefix}driver-score", state_dir=folder / "state", commit_interval_s=0.2, heap_mb=512
    )
    log_path = folder / "peer.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
        assert process.poll() is None, log_path.read_text()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def send_all(bootstrap: str, topic: str) -> None:
    asyncio.run(send(bootstrap, topic, ready_content(FLEET, EVENTS).batches, events_per_s=None))
    client = producer(bootstrap)
    for row in BAD_SINGLES:
        client.produce(topic, row.value(time.time_ns() // 1_000_000), row.title.encode())
    assert client.flush(60) == 0


def messages_of(broker: RunningBroker, topic: str) -> list[Any]:
    client = consumer(broker.bootstrap, f"{topic}-reader")
    parts = [TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)]
    client.assign(parts)
    count = sum(client.get_watermark_offsets(part)[1] for part in parts)
    messages = consume(client, count)
    client.close()
    return messages


def our_scores() -> list[dict[str, Any]]:
    lines = [line for frame in FLEET.frames(EVENTS) for line in frame.drop("vehicle").write_ndjson().encode().split()]
    profile = ThresholdProfile()
    maker = ScoreMaker(
        threshold_profile=profile.identity,
        trip_exposure=ExposureLimits.of_trips(ExposureSettings()),
        window_exposure=ExposureLimits.of_windows(ExposureSettings()),
    )
    model = ServedModel(Scorer.load(DEFAULT_MODEL), "champion")
    engine = ScoringEngine(kernel_parameters(profile, WindowSettings()), maker, model)
    events = a_decoder().decode(batch_of(*lines)).events
    scores = engine.process([(TripStates(), events)], scored_at_ms=0)
    assert scores is not None
    rows = scores.rows(tuple(scores.columns), range(len(scores)))
    return [row for row in rows if row["kind"] != SEVERE_EVENT_KIND]


def by_identity(scores: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    rows = {(score["trip_id"], score["kind"], score["window_end"], score["final"]): score for score in scores}
    assert len(rows) == len(scores)
    return rows


def differs(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, int | float):
        return not math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(ours != theirs)


@pytest.fixture(scope="module")
def outputs(native_kafka: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """All messages of the peer's topics, after it has committed everything that was sent."""
    prefix = "streams-peer-"
    topic = f"{prefix}trip-events"
    create_topics(native_kafka.bootstrap, prefix, PARTITIONS)
    send_all(native_kafka.bootstrap, topic)
    offsets = CommittedOffsets(native_kafka.bootstrap, f"{prefix}driver-score", topic)
    with running_peer(native_kafka.bootstrap, prefix, tmp_path_factory.mktemp("streams-peer")):
        wait_until(lambda: offsets.records() == EVENTS + len(BAD_SINGLES), "everything committed")
    offsets.close()
    topics = ("driver-scores", "trip-events-dlq", "driver-score-trips-changelog")
    return {name: messages_of(native_kafka, prefix + name) for name in topics}


def test_the_peer_publishes_the_scores_that_our_worker_publishes(outputs: dict[str, list[Any]]) -> None:
    messages = [json.loads(message.value()) for message in outputs["driver-scores"]]
    theirs = by_identity([score for score in messages if score["trip_id"].startswith("trip-")])
    ours = by_identity(our_scores())
    assert len(ours) > 500
    assert theirs.keys() == ours.keys()
    different = [
        (identity, name, score[name], theirs[identity][name])
        for identity, score in ours.items()
        for name in score.keys() - NOT_COMPARED
        if not name.startswith("reason_") and differs(score[name], theirs[identity][name])
    ]
    assert different == []


def test_the_peer_rejects_what_the_contract_rejects(outputs: dict[str, list[Any]]) -> None:
    rejected = {message.key().decode() for message in outputs["trip-events-dlq"]}
    assert rejected == {row.title for row in BAD_SINGLES if row.code is not None}
    assert all(dict(message.headers())["error-code"] for message in outputs["trip-events-dlq"])


def test_the_peer_keeps_its_states_in_a_changelog(outputs: dict[str, list[Any]]) -> None:
    states = {message.key().decode() for message in outputs["driver-score-trips-changelog"] if message.value()}
    assert {f"veh-{vehicle:06}" for vehicle in range(50)} <= {key.partition("|")[0] for key in states}
