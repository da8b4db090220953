"""Which receiver is notified of which alert."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from prometheus.alert_routing import NOBODY, alertmanager_config, alertmanager_yaml, write_alertmanager_yaml
from schemas.settings import AlertSettings
from tests.support.checks.alert_rules import alerts, run

WEBHOOK: dict[str, Any] = {"webhook_url": "https://example.org/hook"}
EMAIL: dict[str, Any] = {
    "email_to": "fleet@example.org",
    "email_from": "scores@example.org",
    "email_smarthost": "smtp.example.org:587",
    "email_username": "scores",
    "email_password": "s3cret",
}
CHAT: dict[str, Any] = {"chat_url": "https://chat.example.org/hooks/x", "chat_channel": "#fleet"}
SNS: dict[str, Any] = {"sns_topic_arn": "arn:aws:sns:eu-central-1:123456789012:fleet-alerts"}


def written(folder: Path, **settings: Any) -> Path:
    path = folder / "alertmanager.yaml"
    path.write_text(alertmanager_yaml(AlertSettings(**settings)))
    return path


def channels(settings: dict[str, Any], severity: str) -> set[str]:
    """Return the channels that are notified of a severity."""
    config = alertmanager_config(AlertSettings(**settings))
    routed = {route["matchers"][0]: route["receiver"] for route in config["route"]["routes"]}
    receiver = routed.get(f'severity="{severity}"', NOBODY)
    (found,) = [one for one in config["receivers"] if one["name"] == receiver]
    return {key.removesuffix("_configs") for key in found if key != "name"}


@pytest.mark.parametrize("settings", [{}, WEBHOOK, EMAIL, CHAT, SNS, {**WEBHOOK, **EMAIL, **CHAT, **SNS}])
def test_amtool_accepts_the_configuration_of_every_channel(tmp_path: Path, settings: dict[str, Any]) -> None:
    checked = run("amtool", "check-config", written(tmp_path, **settings))
    assert checked.status == 0, checked.output


@pytest.mark.parametrize(
    ("settings", "severity", "expected"),
    [
        ({}, "critical", set()),
        (WEBHOOK, "info", {"webhook"}),
        ({**EMAIL, **CHAT, **SNS}, "critical", {"email", "slack", "sns"}),
        ({**EMAIL, **CHAT, **SNS}, "warning", {"email", "slack"}),
        ({**EMAIL, **CHAT, "email_severities": ["info"]}, "warning", {"slack"}),
        ({**WEBHOOK, "webhook_severities": []}, "critical", set()),
    ],
)
def test_an_alert_goes_to_each_channel_that_takes_its_severity(
    settings: dict[str, Any], severity: str, expected: set[str]
) -> None:
    assert channels(settings, severity) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (WEBHOOK, {"critical": "critical", "warning": "warning", "info": "info"}),
        (SNS, {"critical": "critical", "warning": NOBODY, "info": NOBODY}),
    ],
)
def test_amtool_routes_every_alert_as_its_severity_says(
    tmp_path: Path, settings: dict[str, Any], expected: dict[str, str]
) -> None:
    path = written(tmp_path, **settings)
    for alert, rule in alerts().items():
        labels = [f"{name}={value}" for name, value in {"alertname": alert, **rule["labels"]}.items()]
        receiver = expected[rule["labels"]["severity"]]
        routed = run(
            "amtool", "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={receiver}", *labels
        )
        assert routed.status == 0, f"{alert}: {routed.output}"


def test_inhibitions_name_alerts_that_there_are() -> None:
    matchers = [
        matcher
        for rule in alertmanager_config(AlertSettings())["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {matcher.split('"')[1] for matcher in matchers if matcher.startswith("alertname=")} - {"ScoringLag.*"}
    components = {
        one for matcher in matchers if matcher.startswith("component") for one in matcher.split('"')[1].split("|")
    }
    assert named <= set(alerts())
    assert components <= {rule["labels"]["component"] for rule in alerts().values()}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"email_to": "fleet@example.org"}, "email_from"),
        ({**EMAIL, "email_password": None}, "or neither"),
        ({"sns_topic_arn": "fleet-alerts"}, "sns_topic_arn"),
        ({**WEBHOOK, "webhook_severities": ["urgent"]}, "webhook_severities"),
        ({"runbook_base": "https://example.org/no-slash-at-the-end"}, "runbook_base"),
    ],
)
def test_a_channel_that_can_not_work_is_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        AlertSettings(**settings)


def test_secrets_are_in_the_file_and_in_no_log() -> None:
    settings = AlertSettings(**WEBHOOK, **EMAIL, **CHAT)
    secrets = ("s3cret", "https://example.org/hook", "https://chat.example.org/hooks/x")
    text = alertmanager_yaml(settings)
    for secret in secrets:
        assert secret in text
        assert secret not in repr(settings)
        assert secret not in str(settings.model_dump(mode="json"))
    assert yaml.safe_load(text) == alertmanager_config(settings)


def test_the_file_is_its_owners_alone_also_where_one_was_that_all_could_read(tmp_path: Path) -> None:
    path = tmp_path / "made" / "alertmanager.yaml"
    path.parent.mkdir()
    path.touch(mode=0o644)
    settings = AlertSettings(**WEBHOOK)
    write_alertmanager_yaml(settings, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == alertmanager_yaml(settings)
