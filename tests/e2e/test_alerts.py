"""A fault of a running worker becomes a message at a webhook, by a real Prometheus and a real Alertmanager."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from driver_score.local_stack.servers.alertmanager import NativeAlertmanager
from driver_score.local_stack.servers.embedded_broker import EmbeddedBroker
from driver_score.local_stack.servers.prometheus import RULES_DIR, WORKER_JOB, NativePrometheus
from schemas.settings import AlertSettings
from tests.support.servers.brokers import producer, wait_until
from tests.support.servers.running_worker import RunningWorker, running_worker
from tests.support.servers.webhook import Webhook, running_webhook

pytestmark = [pytest.mark.integration, pytest.mark.e2e]

PREFIX = "alerts-"
RUNBOOK_BASE = "https://example.org/driver-score/"
DEAD_LETTERS = 50


@dataclass(frozen=True)
class Watched:
    """A worker on a broker of its own, and those who watch it."""

    broker: EmbeddedBroker
    worker: RunningWorker
    prometheus: NativePrometheus
    webhook: Webhook

    def query(self, expression: str) -> list[dict[str, Any]]:
        url = f"{self.prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own, on 127.0.0.1
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return result


def impatient_rules(folder: Path) -> Path:
    """Copy the rules with shorter waits, and nothing else changed."""
    folder.mkdir()
    for path in RULES_DIR.glob("*.yaml"):
        text = re.sub(r"(for|keep_firing_for|interval): \w+$", r"\1: 1s", path.read_text(), flags=re.MULTILINE)
        (folder / path.name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with (
        EmbeddedBroker(folder) as broker,
        running_worker(broker.bootstrap, PREFIX) as worker,
        running_webhook() as webhook,
        NativeAlertmanager(folder, AlertSettings(webhook_url=webhook.url), group_wait="1s") as alertmanager,
        NativePrometheus(
            folder,
            {WORKER_JOB: [worker.metrics_address]},
            alertmanager=alertmanager.address,
            runbook_base=RUNBOOK_BASE,
            rules_dir=impatient_rules(folder / "rules"),
            interval="1s",
        ) as prometheus,
    ):
        yield Watched(broker, worker, prometheus, webhook)


def test_a_flood_of_dead_letters_arrives_at_the_webhook_with_its_runbook(watched: Watched) -> None:
    counted = 'count(driver_score_worker_rejects_total{job="driver-score-worker"} == 0) > 0'
    wait_until(lambda: bool(watched.query(counted)), "a scrape before the fault")
    assert watched.webhook.alerts("DeadLetterRateHigh") == []

    client = producer(watched.broker.bootstrap)
    for _ in range(DEAD_LETTERS):
        client.produce(f"{PREFIX}trip-events", b"not json", b"veh_1")
    client.flush()

    alert = watched.webhook.wait_for("DeadLetterRateHigh")
    assert alert["labels"] == {"alertname": "DeadLetterRateHigh", "severity": "warning", "component": "data"}
    assert alert["annotations"]["description"].startswith("100% of the records")
    assert alert["generatorURL"].startswith(watched.prometheus.url)
    assert alert["annotations"]["runbook_url"] == f"{RUNBOOK_BASE}docs/runbooks/DeadLetterRateHigh.md"
    by_code = f'driver_score_worker_rejects_total{{code="not_json"}} == {DEAD_LETTERS}'
    wait_until(lambda: bool(watched.query(by_code)), "all of them are counted")


def test_a_broker_that_stops_arrives_at_the_webhook(watched: Watched) -> None:
    wait_until(lambda: bool(watched.query("driver_score_worker_broker_available == 1")), "a scrape before the fault")
    assert watched.webhook.alerts("BrokerUnavailable") == []

    watched.broker.stop()

    alert = watched.webhook.wait_for("BrokerUnavailable")
    assert alert["labels"]["severity"] == "critical"
    assert alert["labels"]["instance"] == watched.worker.metrics_address
