"""What the exporter tells Prometheus of a real Druid and a real Kafka."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from driver_score.cli.main import app
from driver_score.local_stack.server_process import LOOPBACK, free_port
from driver_score.local_stack.servers.prometheus import EXPORTER_JOB, NativePrometheus
from grafana.boards.pipeline import PIPELINE_OPERATIONS
from grafana.datasources import PromQl
from tests.support.servers.brokers import PATIENCE_S, create_topics, producer, wait_until
from tests.support.servers.druid_servers import RunningDruid
from tests.support.servers.running_worker import PARTITIONS

pytestmark = pytest.mark.integration

Numbers = dict[tuple[str, str], float]
"""By metric, without its common beginning, and data source."""


@contextmanager
def exporter(folder: Path, **variables: str) -> Iterator[str]:
    """Run ``driver-score exporter``; yield the address of its metrics."""
    log_path = folder / "exporter.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "driver_score", "exporter"],
            stderr=log,
            env={**os.environ, **variables, "DRIVER_SCORE_EXPORTER__PORT": "0"},
        )
    try:
        wait_until(lambda: process.poll() is not None or "/metrics" in log_path.read_text(), "it listens")
        found = re.search(r'"address": "(http://[^"]+)"', log_path.read_text())
        assert found, log_path.read_text()
        yield found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0, log_path.read_text()
    finally:
        process.kill()
        process.wait()


def scraped(address: str) -> Numbers:
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own, on 127.0.0.1
        lines = [line for line in answer.read().decode().splitlines() if line[0] != "#"]
    numbers: Numbers = {}
    for line in lines:
        name, value = line.rsplit(" ", 1)
        metric, _, label = name.removeprefix("driver_score_").partition('{data_source="')
        numbers[metric, label.removesuffix('"}')] = float(value)
    return numbers


def profile(number: int) -> dict[str, Any]:
    """Return a driver profile, the smallest of the messages."""
    return {
        "driver_id": f"drv_{number}",
        "client_id": "client_acme",
        "updated_at": "2026-03-02T08:00:00.000Z",
        "event_time": "2026-03-02T08:00:00.000Z",
        "trip_count": number,
    }


def panels_have_series(address: str, folder: Path) -> None:
    """Ask the panels about Druid of a Prometheus that scrapes the exporter."""
    targets = [target for panel in PIPELINE_OPERATIONS.panels() for target in panel.targets]
    expressions = [one.expression for one in targets if isinstance(one, PromQl) and "_druid_" in one.expression]
    assert len(expressions) == 4
    scraped_address = address.removeprefix("http://").removesuffix("/metrics")
    with NativePrometheus(folder, {EXPORTER_JOB: [scraped_address]}, interval="5s") as prometheus:

        def all_answer() -> bool:
            queries = [urllib.parse.urlencode({"query": expression}) for expression in expressions]
            return all(ask(f"{prometheus.url}/api/v1/query?{query}") for query in queries)

        wait_until(all_answer, "series for each panel")


def ask(address: str) -> list[Any]:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - our own, on 127.0.0.1
        return list(json.load(answer)["data"]["result"])


def test_it_tells_how_many_messages_there_are_and_how_many_are_rows(druid: RunningDruid, tmp_path: Path) -> None:
    prefix = f"exporter-{uuid.uuid4().hex[:8]}-"
    variables = {
        "DRIVER_SCORE_KAFKA__BOOTSTRAP": druid.bootstrap,
        "DRIVER_SCORE_KAFKA__TOPIC_PREFIX": prefix,
        "DRIVER_SCORE_DRUID__URL": druid.url,
        "DRIVER_SCORE_DRUID__KAFKA_BOOTSTRAP": druid.kafka_bootstrap,
        "DRIVER_SCORE_DRUID__DATA_SOURCE_PREFIX": prefix,
    }
    profiles = f"{prefix}driver-profiles"
    create_topics(druid.bootstrap, prefix, PARTITIONS)
    with exporter(tmp_path, **variables) as address:
        before = scraped(address)
        assert before["druid_available", ""] == before["exporter_broker_available", ""] == 1
        assert before["druid_supervisor_healthy", profiles] == 0, "there is none yet"
        assert before["druid_published_records", profiles] == before["druid_rows", profiles] == 0
        assert ("druid_published_records", f"{prefix}fleet-hourly") not in before, "a roll-up has fewer rows"

        applied = CliRunner().invoke(app, ["druid", "apply"], env=variables)
        assert applied.exit_code == 0, applied.output
        client = producer(druid.bootstrap)
        for number in range(20):
            client.produce(profiles, json.dumps(profile(number)).encode(), b"drv")
        client.produce(profiles, b"not json", b"drv")
        client.flush()

        def all_taken_in() -> bool:
            now = scraped(address)
            return now["druid_rows", profiles] == 20 and now["druid_unparseable_rows", profiles] == 1

        wait_until(all_taken_in, "20 rows, and one that can't be parsed")
        after = scraped(address)
        assert after["druid_published_records", profiles] == 21
        wait_until(lambda: scraped(address).get(("druid_lag_records", profiles)) == 0, "no lag")
        assert after["druid_supervisor_healthy", profiles] == 1
        panels_have_series(address, tmp_path)
    druid.end_supervisors(prefix)


def test_a_druid_and_a_kafka_that_are_down_are_numbers(tmp_path: Path) -> None:
    nowhere = f"{LOOPBACK}:{free_port()}"
    variables = {"DRIVER_SCORE_KAFKA__BOOTSTRAP": nowhere, "DRIVER_SCORE_DRUID__URL": f"http://{nowhere}"}
    with exporter(tmp_path, **variables) as address:
        assert scraped(address) == {("druid_available", ""): 0, ("exporter_broker_available", ""): 0}
