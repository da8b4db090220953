"""Who is notified of alerts."""

from typing import Final, Literal, Self, get_args

from pydantic import Field, SecretStr, model_validator

from schemas.settings.component import Component

Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)


class AlertSettings(Component):
    """Who is notified of alerts: each channel with an address is used, for alerts of its severities."""

    runbook_base: str = Field(
        default="",
        pattern=r"^(https?://\S+/)?$",
        description="Base URL of links to `docs/runbooks/…`, ends with a slash",
    )
    webhook_url: SecretStr | None = Field(default=None, description="URL that receives Alertmanager's JSON by POST")
    webhook_severities: tuple[Severity, ...] = Field(
        default=SEVERITIES, description="Severities of this channel; JSON list"
    )
    email_to: str | None = Field(default=None, description="Recipients, comma-separated")
    email_from: str | None = Field(default=None, description="Sender; required for e-mail")
    email_smarthost: str | None = Field(
        default=None, pattern=r"^[^\s:]+:\d+$", description="host:port of the SMTP server; required for e-mail"
    )
    email_username: str | None = Field(default=None, description="User of the SMTP server, if it requires one")
    email_password: SecretStr | None = Field(default=None, description="Password of that user; never logged")
    email_require_tls: bool = Field(default=True, description="Reject an SMTP server without STARTTLS")
    email_severities: tuple[Severity, ...] = Field(
        default=SEVERITIES, description="Severities of this channel; JSON list"
    )
    chat_url: SecretStr | None = Field(
        default=None, description="Incoming webhook of Slack or a compatible chat, such as Mattermost"
    )
    chat_channel: str | None = Field(default=None, description="Channel, if the webhook does not define one")
    chat_severities: tuple[Severity, ...] = Field(
        default=SEVERITIES, description="Severities of this channel; JSON list"
    )
    sns_topic_arn: str | None = Field(
        default=None, pattern=r"^arn:aws[\w-]*:sns:[\w-]+:\d{12}:\S+$", description="ARN of the AWS SNS topic"
    )
    sns_severities: tuple[Severity, ...] = Field(
        default=("critical",), description="Severities of this channel; JSON list"
    )

    @model_validator(mode="after")
    def _can_send_email(self) -> Self:
        if self.email_to is not None and (self.email_from is None or self.email_smarthost is None):
            raise ValueError("e-mail requires email_from and email_smarthost")
        if (self.email_username is None) != (self.email_password is None):
            raise ValueError("set both email_username and email_password, or neither")
        return self
