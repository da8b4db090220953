"""Who is told of alerts."""

from typing import Final, Literal, Self, get_args

from pydantic import Field, SecretStr, model_validator

from schemas.settings.component import Component

Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)


class AlertSettings(Component):
    """Who is told of alerts: each channel that has an address is used, for alerts of its severities."""

    runbook_base: str = Field(
        default="", pattern=r"^(https?://\S+/)?$", description="Before `docs/runbooks/…` in links, ends with a slash"
    )
    webhook_url: SecretStr | None = Field(default=None, description="Gets Alertmanager's JSON by POST")
    webhook_severities: tuple[Severity, ...] = Field(default=SEVERITIES, description="JSON list")
    email_to: str | None = Field(default=None, description="Addresses, comma-separated")
    email_from: str | None = Field(default=None, description="Needed for e-mail")
    email_smarthost: str | None = Field(
        default=None, pattern=r"^[^\s:]+:\d+$", description="host:port of the SMTP server; needed for e-mail"
    )
    email_username: str | None = Field(default=None, description="Of the SMTP server, where it asks for one")
    email_password: SecretStr | None = Field(default=None, description="Goes with the user name; never logged")
    email_require_tls: bool = Field(default=True, description="Refuse an SMTP server without STARTTLS")
    email_severities: tuple[Severity, ...] = Field(default=SEVERITIES, description="JSON list")
    chat_url: SecretStr | None = Field(
        default=None, description="Incoming webhook of Slack, or of a chat that takes its messages, as Mattermost does"
    )
    chat_channel: str | None = Field(default=None, description="Where the webhook does not fix one")
    chat_severities: tuple[Severity, ...] = Field(default=SEVERITIES, description="JSON list")
    sns_topic_arn: str | None = Field(
        default=None, pattern=r"^arn:aws[\w-]*:sns:[\w-]+:\d{12}:\S+$", description="AWS SNS topic"
    )
    sns_severities: tuple[Severity, ...] = Field(default=("critical",), description="JSON list")

    @model_validator(mode="after")
    def _can_send_email(self) -> Self:
        if self.email_to is not None and (self.email_from is None or self.email_smarthost is None):
            raise ValueError("e-mail needs email_from and email_smarthost")
        if (self.email_username is None) != (self.email_password is None):
            raise ValueError("email_username and email_password go together")
        return self
