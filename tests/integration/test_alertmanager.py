"""A real Alertmanager holds back what another alert is the cause of."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driver_score.local_stack.servers.alertmanager import NativeAlertmanager
from schemas.settings import AlertSettings
from tests.support.checks.alert_rules import alerts
from tests.support.servers.brokers import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[NativeAlertmanager]:
    """Start one without alerts: what fires in another test could be a cause in this one."""
    with NativeAlertmanager(tmp_path, AlertSettings(), group_wait="1s") as server:
        yield server


def call(server: NativeAlertmanager, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"http://{server.address}/api/v2/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        text = answer.read()
        return json.loads(text) if text else None


def labels(alert: str, case: str, **further: str) -> dict[str, str]:
    return {"alertname": alert, **alerts()[alert]["labels"], "case": case, **further}


def states(server: NativeAlertmanager, case: str) -> dict[str, str]:
    found = call(server, "alerts")
    return {one["labels"]["alertname"]: one["status"]["state"] for one in found if one["labels"].get("case") == case}


@pytest.mark.parametrize(
    ("cause", "inhibited", "notified"),
    [
        ("ScoringStalled", {"ScoringLagTooHigh", "ScoringLagKeepsIncreasing"}, {"DeadLetterRateHigh"}),
        ("DruidUnavailable", {"DruidSupervisorUnhealthy", "DruidIngestionLagHigh"}, {"ScoreLatencyHigh"}),
        ("NoWorkerRunning", {"WorkerDown", "ScoresSilent", "ModelUnavailable"}, {"HighRiskShareJumped"}),
        (
            "BrokerUnavailable",
            {"NoWorkerRunning", "ScoringStalled", "DruidUnavailable", "ModelUnavailable"},
            {"ExporterDown", "MissingSensorsHigh"},
        ),
    ],
)
def test_a_cause_is_notified_and_what_it_causes_is_inhibited(
    alertmanager: NativeAlertmanager, cause: str, inhibited: set[str], notified: set[str]
) -> None:
    sent = {cause, *inhibited, *notified}
    topic = f"topic-of-{cause}"
    call(alertmanager, "alerts", [{"labels": labels(alert, cause, topic=topic)} for alert in sent])
    expected = {**dict.fromkeys(inhibited, "suppressed"), **dict.fromkeys({cause, *notified}, "active")}
    wait_until(lambda: states(alertmanager, cause) == expected, f"{expected}")


def test_another_topic_that_stalls_is_no_cause(alertmanager: NativeAlertmanager) -> None:
    case = "two topics"
    sent = [labels("ScoringStalled", case, topic="stalls"), labels("ScoringLagTooHigh", case, topic="lags")]
    call(alertmanager, "alerts", [{"labels": one} for one in sent])
    expected = {"ScoringStalled": "active", "ScoringLagTooHigh": "active"}
    wait_until(lambda: states(alertmanager, case) == expected, f"{expected}")
