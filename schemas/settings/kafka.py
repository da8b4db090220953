"""Where Kafka is, and how clients connect to it."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from schemas.settings.component import Component


class KafkaSettings(Component):
    """Where Kafka is, and how its topics are named."""

    bootstrap: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Bootstrap servers, host:port, comma-separated"
    )
    topic_prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.\-]{0,100}$", description="Prefix of each topic's name"
    )
    partitions: int = Field(default=4, ge=1, le=10_000, description="Number of partitions of each topic")
    replication: int = Field(default=1, ge=1, le=10, description="Replication factor of each topic")
    group: str = Field(default="driver-score", pattern=r"^[A-Za-z0-9_.\-]{1,100}$", description="Consumer group")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Security protocol"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="SASL mechanism"
    )
    username: str | None = Field(default=None, description="User name; required with SASL")
    password: SecretStr | None = Field(default=None, description="Password; required with SASL; never logged")

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if self.security_protocol.startswith("SASL") and (self.username is None or self.password is None):
            raise ValueError(f"{self.security_protocol} requires username and password")
        return self

    def client_config(self) -> dict[str, str]:
        """Return the properties of a confluent-kafka client, without the bootstrap servers."""
        config: dict[str, str] = {"security.protocol": self.security_protocol}
        if self.username is not None and self.password is not None:
            config |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password.get_secret_value(),
            }
        return config
