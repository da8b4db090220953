import json
import re
import threading
from pathlib import Path

import polars as pl
import pytest
import typer
from confluent_kafka import Message, TopicPartition
from typer.testing import CliRunner

from driver_score.cli.trips.replay import replay as replay_command
from driver_score.replay import event_messages, line_messages, plan_sending, replay
from schemas.topics import TRIP_EVENTS
from stream_app.kafka import TopicError
from tests.support.examples.event_frames import event_frame, trip
from tests.support.servers.brokers import RunningBroker, consume, consumer, create_topics, kafka_at

PARTITIONS = 2


class FakeClock:
    """Time passes only by waiting; remembers how long."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def topic(broker: RunningBroker, topic_prefix: str) -> str:
    create_topics(broker.bootstrap, topic_prefix, partitions=PARTITIONS)
    return topic_prefix + TRIP_EVENTS.name


def received(broker: RunningBroker, topic: str, count: int) -> list[Message]:
    client = consumer(broker.bootstrap, f"{topic}-reader")
    client.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    messages = consume(client, count)
    client.close()
    return messages


def a_fleet(vehicles: int, samples: int) -> pl.DataFrame:
    return event_frame(
        *[
            row
            for vehicle in range(vehicles)
            for row in trip(f"trip_{vehicle}", *range(0, samples * 1000, 1000), vehicle_id=f"veh_{vehicle}")
        ]
    )


def test_every_event_arrives_once_in_order_with_all_of_a_vehicle_in_one_partition(
    broker: RunningBroker, topic: str
) -> None:
    events = a_fleet(vehicles=20, samples=200)
    sent_counts: list[int] = []

    summary = replay(events, kafka=kafka_at(broker.bootstrap), topic=topic, progress=sent_counts.append)

    assert (summary.events, summary.messages, sum(sent_counts), summary.stopped) == (4000, 4000, 4000, False)
    times: dict[str, list[int]] = {}
    partitions: dict[str, set[int]] = {}
    for message in received(broker, topic, 4000):
        body = json.loads(message.value() or b"")
        assert message.key() == body["vehicle_id"].encode()
        times.setdefault(body["vehicle_id"], []).append(body["timestamp"])
        partitions.setdefault(body["vehicle_id"], set()).add(message.partition() or 0)
    expected = events.group_by("vehicle_id").agg("timestamp_ms")
    assert times == dict(expected.iter_rows())
    assert {len(found) for found in partitions.values()} == {1}


def test_raw_lines_arrive_as_they_are(broker: RunningBroker, topic: str, tmp_path: Path) -> None:
    lines = [b"not json", b"\xff\xfe", b'{"vehicle_id": "veh_1"}', b" {} ", b'"' + b"x" * 3_000_000]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines))

    replay(line_messages(path), kafka=kafka_at(broker.bootstrap), topic=topic)

    assert sorted(message.value() or b"" for message in received(broker, topic, 5)) == sorted(lines)


@pytest.mark.parametrize(("speed", "expected_s"), [(1.0, 100.0), (20.0, 5.0)])
def test_a_paced_replay_takes_the_time_of_the_trips(
    broker: RunningBroker, topic: str, speed: float, expected_s: float
) -> None:
    clock = FakeClock()
    summary = replay(
        a_fleet(vehicles=2, samples=101), kafka=kafka_at(broker.bootstrap), topic=topic, speed=speed, clock=clock
    )
    assert summary.events == 202
    assert clock.now_s == pytest.approx(expected_s)


def test_a_stopped_replay_ends_at_once_and_what_it_sent_is_confirmed(broker: RunningBroker, topic: str) -> None:
    stop = threading.Event()
    summary = replay(
        a_fleet(vehicles=1, samples=1000),
        kafka=kafka_at(broker.bootstrap),
        topic=topic,
        speed=1.0,
        stop=stop,
        progress=lambda _: stop.set(),
    )
    assert summary.stopped
    assert summary.events < 1000
    assert len(received(broker, topic, summary.messages)) == summary.messages


def test_a_topic_that_does_not_exist_is_one_clear_error(broker: RunningBroker, topic_prefix: str) -> None:
    with pytest.raises(TopicError, match="driver-score topics create"):
        replay(a_fleet(1, 1), kafka=kafka_at(broker.bootstrap), topic=f"{topic_prefix}nothing")


def test_messages_that_can_not_be_delivered_are_counted_in_the_error(
    broker: RunningBroker, topic: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"{}\n" + b"x" * (17 * 1024 * 1024) + b"\n{}\n")
    with pytest.raises(TopicError, match=r"1 of 3 messages were not delivered \(.*too large"):
        replay(line_messages(path), kafka=kafka_at(broker.bootstrap), topic=topic)
    assert [message.value() for message in received(broker, topic, 2)] == [b"{}", b"{}"]


def test_the_command_sends_a_csv_file_through_a_map_and_reports(
    broker: RunningBroker, topic: str, topic_prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "trips.csv"
    path.write_text("ts,vehicle,mph\n1772435700,veh_1,30\n1772435701,veh_1,40\n,veh_1,50\n")
    app = typer.Typer()
    app.command()(replay_command)
    ran = CliRunner().invoke(
        app,
        [
            str(path), "--bootstrap", broker.bootstrap, "--topic-prefix", topic_prefix, "--json",
            "--map", "timestamp=ts:s", "--map", "vehicle_id=vehicle", "--map", "speed_kmh=mph:mph",
            "--map", "client_id==client_acme", "--trip-gap-s", "300",
        ],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    outcome = json.loads(ran.stdout.splitlines()[-1])
    assert (outcome["events"], outcome["file"]["dropped"]) == (3, {"no timestamp": 1})
    assert "warning: 1 of 3 rows (33%) dropped: no timestamp" in " ".join(ran.stderr.split())
    assert re.search(r"3 rows, 2 events, 1 dropped \(1 no timestamp\)", ran.stderr)
    bodies = [json.loads(message.value() or b"") for message in received(broker, topic, 3)]
    assert [body["event_type"] for body in bodies] == ["sample", "sample", "trip_end"]
    assert bodies[0]["speed_kmh"] == pytest.approx(48.28032, rel=1e-6)


def test_messages_can_be_sent_in_envelopes(broker: RunningBroker, topic: str) -> None:
    messages = event_messages(plan_sending(a_fleet(vehicles=3, samples=10)), envelope=10)
    summary = replay(messages, kafka=kafka_at(broker.bootstrap), topic=topic)
    assert (summary.messages, summary.events) == (3, 30)
    assert [len(json.loads(message.value() or b"")["samples"]) for message in received(broker, topic, 3)] == [10] * 3
