"""A device that begins a trip with each event, and ends none: other vehicles of its partition are scored as ever."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from confluent_kafka import Producer

from schemas.topics import TRIPS_TABLE
from tests.support.checks.alert_rules import RULE_FILES, alerts, run
from tests.support.examples.decoding import message
from tests.support.examples.keys import key_on
from tests.support.servers.brokers import wait_until
from tests.support.servers.running_worker import PARTITIONS, RunningWorker, Topics, last_finals, running_worker

pytestmark = pytest.mark.integration

START_MS: Final = 1_772_435_700_000
FAULTY_EVENTS: Final = 200_000
HONEST_TRIPS: Final = 20
TRIP_S: Final = 300
STARTS_EVERY_S: Final = 60
"""So the last trip ends after 1,440 s of event time, and others end all the time from 300 s on."""

SECONDS: Final = TRIP_S + (HONEST_TRIPS - 1) * STARTS_EVERY_S + 1
MAX_VEHICLE_TRIPS: Final = 64
MAX_PARTITION_TRIPS: Final = 3000
"""More than begin while an honest trip is silent, for a second."""

MAX_ROW_BYTES: Final = 512 * 1024
"""Of what is stored at once: a chunk, a sixteenth of the trips that are kept. All trips would be 30 times as much."""

EVICTED: Final = 'driver_score_worker_evicted_trips_total{cause="%s"}'
KEPT: Final = 'driver_score_worker_trips{partition="0"}'


def honest_ends(second: int) -> list[str]:
    """Return the honest trips that have ended before a second."""
    return [f"honest_{number}" for number in range(HONEST_TRIPS) if number * STARTS_EVERY_S + TRIP_S <= second]


def events_of(second: int, *, one_vehicle: bool) -> Iterator[bytes]:
    """Give all events of a second: one of each honest trip that is under way, and many of the faulty device."""
    at_ms = START_MS + second * 1000
    for number in range(HONEST_TRIPS):
        since_start = second - number * STARTS_EVERY_S
        if 0 <= since_start < TRIP_S:
            name, kind = f"honest_{number}", "trip_end" if since_start == TRIP_S - 1 else "sample"
            yield message(trip_id=name, vehicle_id=name, driver_id=name, timestamp=at_ms, event_type=kind)
    a_second = FAULTY_EVENTS // SECONDS + 1
    for number in range(second * a_second, (second + 1) * a_second):
        vehicle = "faulty" if one_vehicle else f"faulty_{number}"
        yield message(
            trip_id=f"faulty_{number}", vehicle_id=vehicle, driver_id="faulty", timestamp=at_ms + number % a_second
        )


def send(topics: Topics, seconds: range, *, one_vehicle: bool) -> int:
    """Send all events of some seconds to one partition; return how many."""
    client = Producer({"bootstrap.servers": topics.bootstrap, "linger.ms": 20, "enable.idempotence": True})
    topic, key, count = f"{topics.prefix}trip-events", key_on(0, PARTITIONS).encode(), 0
    for second in seconds:
        for value in events_of(second, one_vehicle=one_vehicle):
            client.produce(topic, value, key)
            count += 1
        while len(client) > 50_000:
            client.poll(0.1)
    assert client.flush(120) == 0
    return count


def finals_of(topics: Topics, names: list[str]) -> dict[str, Any]:
    """Wait for the final scores of trips, and return their counts of events."""
    wanted = {(name, name) for name in names}
    scores = topics.wait_for("driver-scores", lambda scores: wanted <= last_finals(scores).keys())
    finals = last_finals(scores)
    return {name: finals[name, name]["event_count"] for name in names}


@pytest.mark.parametrize(
    ("one_vehicle", "cause", "most"),
    [
        pytest.param(True, "vehicle", MAX_VEHICLE_TRIPS + HONEST_TRIPS, id="of one vehicle"),
        pytest.param(False, "partition", MAX_PARTITION_TRIPS, id="of a new vehicle each"),
    ],
)
def test_a_device_that_begins_a_trip_with_each_event_delays_and_cuts_no_other_trip(
    topics: Topics, tmp_path: Path, one_vehicle: bool, cause: str, most: int
) -> None:
    settings: Mapping[str, object] = {
        "windows__max_vehicle_trips": MAX_VEHICLE_TRIPS,
        "windows__max_partition_trips": MAX_PARTITION_TRIPS,
        "worker__silent_partition_s": 300,
    }
    half = SECONDS // 2
    kept = []
    with running_worker(topics.bootstrap, topics.prefix, **settings) as worker:
        sent = send(topics, range(half), one_vehicle=one_vehicle)
        finals = finals_of(topics, honest_ends(half))  # the faulty device goes on later: they do not wait for it
        kept.append(worker.metrics()[KEPT])
        sent += send(topics, range(half, SECONDS), one_vehicle=one_vehicle)
        finals |= finals_of(topics, honest_ends(SECONDS))
        wait_until(lambda: worker.events_read() == sent, "all is read")
        topics.wait_until_committed()
        kept.append(worker.metrics()[KEPT])
        check_evictions(worker, tmp_path, cause, at_least=sent - HONEST_TRIPS * TRIP_S - most)
        worker.stop()
    assert finals == dict.fromkeys(honest_ends(SECONDS), TRIP_S)
    assert len(finals) == HONEST_TRIPS
    assert max(kept) <= most
    rows = topics.everything(f"driver-score-{TRIPS_TABLE}-changelog")
    assert max(len(row.value() or b"") for row in rows) <= MAX_ROW_BYTES


def check_evictions(worker: RunningWorker, folder: Path, cause: str, *, at_least: int) -> None:
    """Check that evictions are counted by their cause, enough of them for the alert TripsEvicted."""
    counts = {each: worker.metrics()[EVICTED % each] for each in ("vehicle", "partition")}
    assert counts[cause] >= at_least
    assert sum(counts.values()) == counts[cause]
    evaluation = {
        "expr": f"count by (cause) ({alerts()['TripsEvicted']['expr']})",
        "eval_time": "5m",
        "exp_samples": [{"labels": f'{{cause="{cause}"}}', "value": 1}],
    }
    series = [{"series": EVICTED % each, "values": f"0 {count:.0f}x5"} for each, count in counts.items()]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [evaluation]}
    path = folder / "evicted.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(rules) for rules in RULE_FILES], "tests": [test]}))
    evaluated = run("promtool", "test", "rules", path)
    assert evaluated.status == 0, evaluated.output
