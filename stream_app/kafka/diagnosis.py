"""Why a client can't connect, as an error that says what to do.

librdkafka and aiokafka word causes differently and tell some of them apart from nothing else: an unknown CA and a wrong
host name are one message. So after a failure the bootstrap servers are asked once more, with Python's own sockets.
"""

import re
import socket
import ssl
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError

from schemas.settings import KafkaSettings
from stream_app.kafka.errors import (
    VARIABLE,
    AuthenticationError,
    BrokerUnavailableError,
    KafkaAccessError,
    SecurityProtocolError,
    TlsError,
)
from stream_app.kafka.tls import tls_context

DEFINITE: Final = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL})  # noqa: SLF001 - public in librdkafka
"""Codes of errors that waiting does not change."""

_ANSWER_S: Final = 3.0
_ALERT_S: Final = 0.5
"""A broker that refuses a client's certificate says so right after the handshake of TLS 1.3."""

_CREDENTIALS: Final = {
    "OAUTHBEARER": ("OAUTH_CLIENT_ID", "OAUTH_SCOPE", "OAUTH_EXTENSIONS"),
    "AWS_MSK_IAM": ("AWS_REGION",),
}
_SHARED_SECRET: Final = ("USERNAME", "PASSWORD")

_NOISE: Final = re.compile(r"^\S+://\S+: |^\S+:\d+/\S+: | \(after \d+ms in state [^)]*\)")
"""What librdkafka puts around a cause: the client's own name of the broker, and how long it took."""


def access_error(kafka: KafkaSettings, told: Sequence[KafkaError], text: str) -> KafkaAccessError:
    """Return the error that says why Kafka can't be used.

    Parameters
    ----------
    kafka
        Settings of the client.
    told
        Errors that librdkafka told of its connections, the newest last.
    text
        What the failed call said.
    """
    for error in reversed(told):
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - public in librdkafka
            return authentication_error(kafka, _cause(error.str()))
    cause = _cause(told[-1].str()) if told else text
    return connection_error(kafka, cause)


def authentication_error(kafka: KafkaSettings, cause: str) -> AuthenticationError:
    """Return the error of refused credentials."""
    variables = _CREDENTIALS.get(kafka.sasl_mechanism, _SHARED_SECRET)
    return AuthenticationError(kafka.bootstrap, kafka.sasl_mechanism, cause, variables=variables)


def connection_error(kafka: KafkaSettings, cause: str) -> KafkaAccessError:
    """Return the error of a connection that fails, by asking each bootstrap server; takes a few seconds at most.

    Parameters
    ----------
    kafka
        Settings of the client.
    cause
        What the client said, where the servers show nothing else.
    """
    found = [_probe(kafka, address.strip()) for address in kafka.bootstrap.split(",")]
    problems = [problem for problem in found if problem is not None]
    if len(problems) < len(found):  # one is well, so the cause lies elsewhere
        return BrokerUnavailableError(kafka.bootstrap, cause=cause)
    telling = [problem for problem in problems if not isinstance(problem, BrokerUnavailableError)]
    return (telling or problems)[0]


def _probe(kafka: KafkaSettings, address: str) -> KafkaAccessError | None:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        connection = socket.create_connection((host, int(port)), timeout=_ANSWER_S)
    except socket.gaierror as error:
        cause = f"the name {host} is not known: {error.strerror}"
    except TimeoutError:
        cause = f"{address}: no connection within {_ANSWER_S:g} s"
    except OSError as error:
        cause = f"{address}: {error.strerror or error}"
    except ValueError:
        cause = f"{address} is not host:port"
    else:
        return _protocol_problem(kafka, connection, address, host)
    return BrokerUnavailableError(kafka.bootstrap, cause=cause)


def _protocol_problem(
    kafka: KafkaSettings, connection: socket.socket, address: str, host: str
) -> KafkaAccessError | None:
    with connection:
        if kafka.uses_tls:
            return _handshake_problem(kafka, connection, address, host)
        if _speaks_tls(connection, host):
            return SecurityProtocolError(address, kafka.security_protocol, broker_speaks_tls=True)
    return None


def _handshake_problem(
    kafka: KafkaSettings, connection: socket.socket, address: str, host: str
) -> KafkaAccessError | None:
    try:
        with tls_context(kafka).wrap_socket(connection, server_hostname=host) as encrypted:
            encrypted.settimeout(_ALERT_S)
            encrypted.recv(1)
    except ssl.SSLCertVerificationError as error:
        return TlsError(address, error.verify_message.rstrip("."), remedy=_certificate_remedy(kafka, error))
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
        return SecurityProtocolError(address, kafka.security_protocol, broker_speaks_tls=False)
    except TimeoutError:
        return None  # it waits for a request
    except ssl.SSLError as error:
        if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
            return SecurityProtocolError(address, kafka.security_protocol, broker_speaks_tls=False)
        cause = (error.reason or str(error)).replace("_", " ").lower()
        if kafka.ssl_certificate_path is None:
            cause = f"the broker requires a certificate of the client ({cause})"
        names = f"{VARIABLE}SSL_CERTIFICATE_PATH and {VARIABLE}SSL_KEY_PATH"
        return TlsError(
            address, cause, remedy=f"Set {names} to a certificate of a CA that the brokers trust, and its key"
        )
    return None


def _certificate_remedy(kafka: KafkaSettings, error: ssl.SSLCertVerificationError) -> str:
    if "mismatch" in error.verify_message.lower():
        return (
            f"Name the brokers in {VARIABLE}BOOTSTRAP as their certificates do, or set {VARIABLE}SSL_CHECK_HOSTNAME to "
            "false where another network separates them from strangers"
        )
    if "expired" in error.verify_message:
        return "Let the cluster's administrator renew the brokers' certificates, and check this machine's clock"
    given = "the system's CAs" if kafka.ssl_ca_path is None else str(kafka.ssl_ca_path)
    return f"Set {VARIABLE}SSL_CA_PATH to the CA that signs the brokers' certificates; it is {given}"


def _speaks_tls(connection: socket.socket, host: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with context.wrap_socket(connection, server_hostname=host):
            return True
    except (ssl.SSLEOFError, ConnectionError, TimeoutError):
        return False
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")


def _cause(text: str) -> str:
    return _NOISE.sub("", text).rstrip(" .:")
