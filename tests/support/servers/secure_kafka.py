"""One Kafka with a listener for each way to connect, an authorizer, and a token endpoint."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from driver_score.local_stack.programs import fetch_jars, program
from driver_score.local_stack.server_process import LOOPBACK, free_port
from driver_score.local_stack.servers.kafka import NativeKafka
from schemas.settings import KafkaSettings
from stream_app.kafka import AuthenticationError, KafkaAdmin
from tests.support.servers.brokers import wait_until
from tests.support.servers.token_endpoint import (
    CLIENT_ID,
    CLIENT_SECRET,
    SCOPE,
    TokenEndpoint,
    running_token_endpoint,
)

SUPER_USER = "scorer"
PASSWORD = "of-the-tests"  # noqa: S105 - no secret
KEY_PASSWORD = "of-the-key"  # noqa: S105 - no secret
AWS_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIADRIVERSCORE", "AWS_SECRET_ACCESS_KEY": "of-the-tests"}
"""What Amazon's signer signs with; `MskTokenHandler` knows the key's id."""

_PROTOCOLS = {"TLS": "SSL", "MTLS": "SSL", "SCRAM": "SASL_SSL", "OAUTH": "SASL_SSL", "MSK": "SASL_SSL"}
_JAVA_DIR = Path(__file__).parent / "java"
_OAUTH_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"


class _SecureKafkaProcess(NativeKafka):
    """A broker with further classes, and a file that it may read keys from."""

    def __init__(self, work_dir: Path, keys_path: Path, properties: Mapping[str, object], *, port: int) -> None:
        super().__init__(work_dir, port=port, properties=properties)
        self._classes_dir = work_dir / "classes"
        self._keys_path = keys_path

    def _command(self) -> list[str]:
        java, *options = super()._command()
        jars = f"{fetch_jars('kafka')}/*"
        subprocess.run(
            [program("javac"), "-cp", jars, "-d", str(self._classes_dir), str(_JAVA_DIR / "MskTokenHandler.java")],
            check=True,
        )
        options[options.index("-cp") + 1] = f"{jars}:{self._classes_dir}"
        return [java, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys_path.as_uri()}", *options]


@dataclass(frozen=True)
class SecureKafka:
    """The running broker: how to connect, by listener, and what makes users and their rights."""

    ports: dict[str, int]
    folder: Path
    tokens: TokenEndpoint
    plain_bootstrap: str
    """Of a listener without protection, whose users may do all."""
    admin: AdminClient
    """Connected to that one."""

    def address(self, listener: str, host: str = "localhost") -> str:
        return f"{host}:{self.ports[listener]}"

    def access(self, listener: str, **changes: Any) -> dict[str, Any]:
        """Return the settings of Kafka to connect to a listener; null takes one out."""
        tls = {"bootstrap": self.address(listener), "ssl_ca_path": self.folder / "ca.pem"}
        tls["security_protocol"] = _PROTOCOLS[listener]
        of_listener: dict[str, dict[str, Any]] = {
            "TLS": {},
            "MTLS": {
                "ssl_certificate_path": self.folder / "client.pem",
                "ssl_key_path": self.folder / "client.key",
                "ssl_key_password": KEY_PASSWORD,
            },
            "SCRAM": {"username": SUPER_USER, "password": PASSWORD},
            "OAUTH": {
                "sasl_mechanism": "OAUTHBEARER",
                "oauth_token_url": self.tokens.url,
                "oauth_client_id": CLIENT_ID,
                "oauth_client_secret": CLIENT_SECRET,
                "oauth_scope": SCOPE,
                "oauth_ca_path": self.folder / "ca.pem",
            },
            "MSK": {"sasl_mechanism": "AWS_MSK_IAM", "aws_region": "eu-west-1"},
        }
        access = {**tls, **of_listener[listener], **changes}
        return {name: given for name, given in access.items() if given is not None}

    def settings(self, listener: str, **changes: Any) -> KafkaSettings:
        """Return checked settings to connect to a listener."""
        return KafkaSettings(**self.access(listener, **changes))

    def variables(self, listener: str, **changes: Any) -> dict[str, str]:
        """Return the environment variables to connect to a listener."""
        return {
            f"DRIVER_SCORE_KAFKA__{name.upper()}": str(given)
            for name, given in self.access(listener, **changes).items()
        }

    def add_user(self, name: str) -> None:
        """Add a user of SCRAM without rights, and wait until the broker knows of it."""
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, scram, PASSWORD.encode())
        self.admin.alter_user_scram_credentials([change])[name].result()

        def can_log_in() -> bool:
            try:
                KafkaAdmin(self.settings("SCRAM", username=name, password=PASSWORD)).metadata()
            except AuthenticationError:
                return False
            return True

        wait_until(can_log_in, f"user {name} is known to the broker")

    def allow(self, user: str, kind: ResourceType, prefix: str, *operations: AclOperation) -> None:
        """Give a user rights on all resources whose names begin with a prefix."""
        acls = [_acl(user, kind, prefix, operation) for operation in operations]
        for future in self.admin.create_acls(acls).values():
            future.result()

    def take_away(self, user: str, kind: ResourceType, prefix: str, operation: AclOperation) -> None:
        """Take away one of a user's rights on resources with a prefix."""
        acls = AclBindingFilter(
            kind, prefix, ResourcePatternType.PREFIXED, f"User:{user}", "*", operation, AclPermissionType.ANY
        )
        self.admin.delete_acls([acls])[acls].result()


def _acl(user: str, kind: ResourceType, prefix: str, operation: AclOperation) -> AclBinding:
    return AclBinding(
        kind, prefix, ResourcePatternType.PREFIXED, f"User:{user}", "*", operation, AclPermissionType.ALLOW
    )


@contextlib.contextmanager
def running_secure_kafka(folder: Path) -> Iterator[SecureKafka]:
    """Run the broker and its token endpoint."""
    authority = trustme.CA()
    _write_certificates(authority, folder)
    with running_token_endpoint(authority, folder) as tokens:
        ports = {listener: free_port() for listener in _PROTOCOLS}
        plain_port = free_port()
        controller = f"{LOOPBACK}:{free_port()}"
        properties = _properties(folder, ports, plain_port, controller, tokens.keys_path)
        with _SecureKafkaProcess(folder / "kafka", tokens.keys_path, properties, port=plain_port) as process:
            admin = AdminClient({"bootstrap.servers": process.bootstrap, "log_level": 0})
            secure = SecureKafka(ports, folder, tokens, process.bootstrap, admin)
            secure.add_user(SUPER_USER)
            yield secure


def _properties(
    folder: Path, ports: dict[str, int], plain_port: int, controller: str, keys_path: Path
) -> dict[str, object]:
    plain = f"PLAINTEXT://{LOOPBACK}:{plain_port}"
    protocols = {**_PROTOCOLS, "PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    handlers = {
        "oauth": "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
        "msk": "MskTokenHandler",
    }
    tokens: dict[str, object] = {}
    for name, handler in handlers.items():
        tokens |= {
            f"listener.name.{name}.sasl.enabled.mechanisms": "OAUTHBEARER",
            f"listener.name.{name}.oauthbearer.sasl.jaas.config": _OAUTH_MODULE,
            f"listener.name.{name}.oauthbearer.sasl.server.callback.handler.class": handler,
        }
    return {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": ",".join(
            [plain, f"CONTROLLER://{controller}", *(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())]
        ),
        "advertised.listeners": ",".join([plain, *(f"{name}://localhost:{port}" for name, port in ports.items())]),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "broker.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder / "ca.pem",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+),.*$/$1/",
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "sasl.oauthbearer.jwks.endpoint.url": keys_path.as_uri(),
        **tokens,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{SUPER_USER};User:oidc-scorer;User:msk-role",
    }


def _write_certificates(authority: trustme.CA, folder: Path) -> None:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other-ca.pem")
    broker = authority.issue_cert("localhost")
    key = _as_pkcs8(broker.private_key_pem.bytes(), NoEncryption())
    (folder / "broker.pem").write_bytes(key + b"".join(part.bytes() for part in broker.cert_chain_pems))
    client = authority.issue_cert("client.example", common_name=SUPER_USER)
    (folder / "client.pem").write_bytes(b"".join(part.bytes() for part in client.cert_chain_pems))
    encryption = BestAvailableEncryption(KEY_PASSWORD.encode())
    (folder / "client.key").write_bytes(_as_pkcs8(client.private_key_pem.bytes(), encryption))


def _as_pkcs8(pem: bytes, encryption: KeySerializationEncryption) -> bytes:
    """Return a key in the only format that Kafka reads."""
    return load_pem_private_key(pem, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
