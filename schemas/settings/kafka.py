"""Where Kafka is, how clients connect to it, and what its topics allow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from schemas.settings.component import Component
from schemas.topics import MIB

_OWN_PROPERTIES: Final = {
    "bootstrap.servers": "bootstrap",
    "metadata.broker.list": "bootstrap",
    "group.id": "group",
    "message.max.bytes": "max_message_bytes",
    "security.protocol": "security_protocol",
    "ssl.ca.location": "ssl_ca_path",
    "ssl.certificate.location": "ssl_certificate_path",
    "ssl.key.location": "ssl_key_path",
    "ssl.key.password": "ssl_key_password",
    "ssl.endpoint.identification.algorithm": "ssl_check_hostname",
    "enable.ssl.certificate.verification": "ssl_ca_path",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "username",
    "sasl.password": "password",
    "sasl.oauthbearer.extensions": "oauth_extensions",
}
"""Properties of librdkafka that have a setting of their own, which the worker's consumer follows too."""

_RELIED_UPON: Final = ("acks", "enable.idempotence", "enable.auto.commit")
"""Properties without which outputs could be lost."""


class KafkaSettings(Component):
    """Where Kafka is, how clients connect to it, and how its topics are named."""

    bootstrap: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Bootstrap servers, host:port, comma-separated"
    )
    topic_prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.\-]{0,100}$", description="Prefix of each topic's name"
    )
    partitions: int = Field(default=4, ge=1, le=10_000, description="Number of partitions of each topic")
    replication: int = Field(default=1, ge=1, le=10, description="Replication factor of each topic")
    group: str = Field(default="driver-score", pattern=r"^[A-Za-z0-9_.\-]{1,100}$", description="Consumer group")
    max_message_bytes: int = Field(
        default=16 * MIB,
        ge=MIB,
        le=16 * MIB,
        description="Largest message that the cluster allows; limits those of each topic, and stored chunks of states",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Security protocol"
    )
    ssl_ca_path: Path | None = Field(
        default=None,
        description="PEM file of the CAs that sign the brokers' certificates; those of the system if unset",
    )
    ssl_certificate_path: Path | None = Field(
        default=None, description="PEM file of the client's certificate, if brokers require one, with its chain"
    )
    ssl_key_path: Path | None = Field(default=None, description="PEM file of the client certificate's private key")
    ssl_key_password: SecretStr | None = Field(default=None, description="Password of the private key; never logged")
    ssl_check_hostname: bool = Field(
        default=True, description="Whether a broker's certificate must be for the name that clients connect to"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM"] = Field(
        default="SCRAM-SHA-512", description="SASL mechanism; AWS_MSK_IAM needs the extra `msk`"
    )
    username: str | None = Field(default=None, description="User name; required with PLAIN and SCRAM")
    password: SecretStr | None = Field(
        default=None, description="Password; required with PLAIN and SCRAM; never logged"
    )
    oauth_token_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s/]+", description="Token endpoint (OIDC); required with OAUTHBEARER"
    )
    oauth_client_id: str | None = Field(default=None, description="Client id; required with OAUTHBEARER")
    oauth_client_secret: SecretStr | None = Field(
        default=None, description="Client secret; required with OAUTHBEARER; never logged"
    )
    oauth_scope: str | None = Field(default=None, description="Scope that tokens are requested for")
    oauth_extensions: dict[str, str] = Field(
        default_factory=dict, description="SASL extensions, such as logicalCluster of Confluent Cloud; JSON"
    )
    oauth_ca_path: Path | None = Field(
        default=None, description="PEM file of the CAs that sign the token endpoint's certificate"
    )
    aws_region: str | None = Field(
        default=None, pattern=r"^[a-z0-9-]+$", description="Region of the cluster; required with AWS_MSK_IAM"
    )
    client_properties: dict[str, str] = Field(
        default_factory=dict,
        description="Further librdkafka properties of all clients but the worker's consumer; no secrets; JSON",
    )

    @classmethod
    def access_fields(cls) -> list[str]:
        """Return the names of the settings that say how clients connect, without the address."""
        first = list(cls.model_fields).index("security_protocol")
        return list(cls.model_fields)[first:]

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether clients authenticate by SASL."""
        return self.security_protocol.startswith("SASL")

    @property
    def uses_tokens(self) -> bool:
        """Whether clients authenticate by tokens that expire."""
        return self.uses_sasl and self.sasl_mechanism in {"OAUTHBEARER", "AWS_MSK_IAM"}

    @field_validator("ssl_ca_path", "ssl_certificate_path", "ssl_key_path", "oauth_ca_path")
    @classmethod
    def _is_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for problem in (*self._tls_problems(), *self._sasl_problems(), *self._property_problems()):
            raise ValueError(problem)
        return self

    def _tls_problems(self) -> Iterator[str]:
        files = ("ssl_ca_path", "ssl_certificate_path", "ssl_key_path", "ssl_key_password")
        given = [name for name in files if getattr(self, name) is not None]
        if given and not self.uses_tls:
            yield f"{given[0]} has no effect with security_protocol {self.security_protocol}; set SSL or SASL_SSL"
        if (self.ssl_certificate_path is None) != (self.ssl_key_path is None):
            yield "set both ssl_certificate_path and ssl_key_path, or neither"
        if self.ssl_key_password is not None and self.ssl_key_path is None:
            yield "ssl_key_password requires ssl_key_path"

    def _sasl_problems(self) -> Iterator[str]:
        of_mechanism = {
            "OAUTHBEARER": ("oauth_token_url", "oauth_client_id", "oauth_client_secret"),
            "AWS_MSK_IAM": ("aws_region",),
        }
        required = of_mechanism.get(self.sasl_mechanism, ("username", "password"))
        if not self.uses_sasl:
            credentials = ("username", "password", *(name for names in of_mechanism.values() for name in names))
            given = [name for name in credentials if getattr(self, name) is not None]
            if given:
                yield f"{given[0]} has no effect with security_protocol {self.security_protocol}; set SASL_SSL"
            return
        missing = [name for name in required if getattr(self, name) is None]
        if missing:
            yield f"{self.security_protocol} with {self.sasl_mechanism} requires {' and '.join(missing)}"
        if self.sasl_mechanism == "AWS_MSK_IAM" and not self.uses_tls:
            yield "AWS_MSK_IAM requires security_protocol SASL_SSL"

    def _property_problems(self) -> Iterator[str]:
        for name in self.client_properties:
            if name in _OWN_PROPERTIES:
                yield f"client_properties must not have {name}; set {_OWN_PROPERTIES[name]} instead"
            if name in _RELIED_UPON:
                yield f"client_properties must not have {name}, which outputs rely on"
