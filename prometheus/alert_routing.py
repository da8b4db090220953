"""Who is notified of which alert: Alertmanager's configuration, made from the settings.

An alert goes to every channel that has an address and includes its severity. An alert whose cause is another firing
alert is inhibited.
"""

from pathlib import Path
from typing import Any, Final

import yaml

from schemas.settings import SEVERITIES, AlertSettings, Severity

_OWNER_ONLY: Final = 0o600

NOBODY: Final = "nobody"
"""Receiver of alerts without a channel: only Alertmanager's own page shows them."""

_REPEAT: Final[dict[Severity, str]] = {"critical": "1h", "warning": "12h", "info": "24h"}
"""A critical alert is to be handled now, a warning today; an information needs one reminder per day."""

_TITLE: Final = '{{ if eq .Status "resolved" }}Resolved: {{ end }}{{ .CommonAnnotations.summary }}'
_TEXT: Final = "{{ range .Alerts }}{{ .Annotations.description }} {{ .Annotations.runbook_url }}\n{{ end }}"

_INHIBITIONS: Final[tuple[dict[str, Any], ...]] = (
    {
        "source_matchers": ['alertname="BrokerUnavailable"'],
        "target_matchers": ['component=~"worker|model|druid"'],
    },
    {
        "source_matchers": ['alertname="NoWorkerRunning"'],
        "target_matchers": ['component=~"worker|model"'],
    },
    {
        "source_matchers": ['alertname="DruidUnavailable"'],
        "target_matchers": ['component="druid"'],
    },
    {
        "source_matchers": ['alertname="ScoringStalled"'],
        "target_matchers": ['alertname=~"ScoringLag.*"'],
        "equal": ["topic"],
    },
    {
        "source_matchers": ['alertname="ScoringLagTooHigh"'],
        "target_matchers": ['alertname="ScoringLagKeepsIncreasing"'],
        "equal": ["topic"],
    },
)
"""Cause first. In Alertmanager an alert never inhibits itself."""


def alertmanager_config(settings: AlertSettings, *, group_wait: str = "10s") -> dict[str, Any]:
    """Make Alertmanager's configuration, secrets included.

    Parameters
    ----------
    settings
        The channels.
    group_wait
        How long the first message of a group waits for other alerts of it.
    """
    receivers = {severity: _channels(settings, severity) for severity in SEVERITIES}
    used = [severity for severity in SEVERITIES if receivers[severity]]
    return {
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "component"],
            "group_wait": group_wait,
            "group_interval": "5m",
            "repeat_interval": _REPEAT["warning"],
            "routes": [
                {
                    "receiver": severity,
                    "matchers": [f'severity="{severity}"'],
                    "repeat_interval": _REPEAT[severity],
                }
                for severity in used
            ],
        },
        "inhibit_rules": list(_INHIBITIONS),
        "receivers": [{"name": NOBODY}, *({"name": severity, **receivers[severity]} for severity in used)],
    }


def alertmanager_yaml(settings: AlertSettings, *, group_wait: str = "10s") -> str:
    """Write Alertmanager's configuration as its file, secrets included: keep it private."""
    config = alertmanager_config(settings, group_wait=group_wait)
    return yaml.dump(config, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)


def write_alertmanager_yaml(settings: AlertSettings, path: Path, *, group_wait: str = "10s") -> None:
    """Write Alertmanager's configuration to a file that only its owner may read."""
    text = alertmanager_yaml(settings, group_wait=group_wait)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=_OWNER_ONLY)
    path.chmod(_OWNER_ONLY)  # one that was there
    path.write_text(text, encoding="utf-8")


class _PlainDumper(yaml.SafeDumper):
    """Writes what occurs twice in full."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _channels(settings: AlertSettings, severity: Severity) -> dict[str, list[dict[str, Any]]]:
    """Return the channels that take a severity, in Alertmanager's form."""
    made = {
        "webhook_configs": (_webhook(settings), settings.webhook_severities),
        "email_configs": (_email(settings), settings.email_severities),
        "slack_configs": (_chat(settings), settings.chat_severities),
        "sns_configs": (_sns(settings), settings.sns_severities),
    }
    return {kind: [channel] for kind, (channel, severities) in made.items() if channel and severity in severities}


def _webhook(settings: AlertSettings) -> dict[str, Any]:
    if settings.webhook_url is None:
        return {}
    return {"url": settings.webhook_url.get_secret_value(), "send_resolved": True}


def _email(settings: AlertSettings) -> dict[str, Any]:
    if settings.email_to is None:
        return {}
    channel = {
        "to": settings.email_to,
        "from": settings.email_from,
        "smarthost": settings.email_smarthost,
        "require_tls": settings.email_require_tls,
        "headers": {"Subject": _TITLE},
        "text": _TEXT,
        "html": "",
        "send_resolved": True,
    }
    if settings.email_username is not None and settings.email_password is not None:
        channel |= {
            "auth_username": settings.email_username,
            "auth_password": settings.email_password.get_secret_value(),
        }
    return channel


def _chat(settings: AlertSettings) -> dict[str, Any]:
    if settings.chat_url is None:
        return {}
    channel = {
        "api_url": settings.chat_url.get_secret_value(),
        "title": _TITLE,
        "text": _TEXT,
        "send_resolved": True,
    }
    return channel if settings.chat_channel is None else {**channel, "channel": settings.chat_channel}


def _sns(settings: AlertSettings) -> dict[str, Any]:
    if settings.sns_topic_arn is None:
        return {}
    region = settings.sns_topic_arn.split(":")[3]
    return {
        "topic_arn": settings.sns_topic_arn,
        "sigv4": {"region": region},  # who we are is for AWS's own chain to find: role, profile or environment
        "subject": _TITLE,
        "message": _TEXT,
        "send_resolved": True,
    }
