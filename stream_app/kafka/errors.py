"""What goes wrong between us and Kafka: one class for each cause, since each has another remedy.

::

    KafkaAccessError
    ├── BrokerUnavailableError    no broker answers: wrong address, not running, or no route to it
    ├── TlsError                  the TLS handshake fails
    ├── SecurityProtocolError     a port speaks TLS and the client does not, or the reverse
    ├── AuthenticationError       brokers refuse the credentials or the mechanism
    ├── TokenError                no token can be had
    ├── AuthorizationError        a right is missing
    └── GroupJoinError            a worker does not become a member of its consumer group
    TopicError                    a topic is missing, or is not as it must be
"""

from schemas.errors import DriverScoreError

VARIABLE = "DRIVER_SCORE_KAFKA__"
"""Before the name of each setting."""


class KafkaAccessError(DriverScoreError):
    """Kafka can't be used; each cause is a class of its own."""


class BrokerUnavailableError(KafkaAccessError):
    """No Kafka broker answers at the address."""

    def __init__(self, bootstrap: str, *, cause: str = "no answer") -> None:
        super().__init__(
            f"no Kafka broker answers at {bootstrap} ({cause}). Check that it runs and that "
            f"{VARIABLE}BOOTSTRAP names it; `driver-score demo` needs none."
        )


class TlsError(KafkaAccessError):
    """The TLS handshake with a broker fails."""

    def __init__(self, address: str, cause: str, *, remedy: str) -> None:
        super().__init__(f"the TLS handshake with Kafka at {address} fails: {cause}. {remedy}")


class SecurityProtocolError(KafkaAccessError):
    """Client and broker disagree about TLS."""

    def __init__(self, address: str, protocol: str, *, broker_speaks_tls: bool) -> None:
        spoken, other = ("TLS", "SSL or SASL_SSL") if broker_speaks_tls else ("no TLS", "PLAINTEXT or SASL_PLAINTEXT")
        super().__init__(
            f"Kafka at {address} speaks {spoken}, but the security protocol is {protocol}. Set "
            f"{VARIABLE}SECURITY_PROTOCOL to {other}, or {VARIABLE}BOOTSTRAP to the port of {protocol}."
        )


class AuthenticationError(KafkaAccessError):
    """Brokers refuse the client's credentials, or the SASL mechanism."""

    def __init__(self, bootstrap: str, mechanism: str, cause: str, *, variables: tuple[str, ...]) -> None:
        names = " and ".join(VARIABLE + name for name in variables)
        super().__init__(
            f"Kafka at {bootstrap} refuses to authenticate this client with {mechanism}: {cause}. Check {names}, and "
            f"that the brokers enable what {VARIABLE}SASL_MECHANISM and {VARIABLE}SECURITY_PROTOCOL say."
        )


class TokenError(KafkaAccessError):
    """No token can be had to authenticate with."""

    def __init__(self, source: str, cause: str, *, remedy: str) -> None:
        super().__init__(f"no token from {source}: {cause}. {remedy}")


class AuthorizationError(KafkaAccessError):
    """A right of this client's principal is missing."""

    def __init__(self, operation: str, kind: str, name: str) -> None:
        self.operation, self.kind, self.name = operation, kind, name
        resource = f"{kind} {name}" if name else kind
        super().__init__(
            f"Kafka denies this client the right {operation} on {resource}. Let the cluster's administrator add an ACL "
            "for it; docs/kafka-access.md lists the rights that each command needs."
        )


class GroupJoinError(KafkaAccessError):
    """A worker does not become a member of its consumer group."""

    def __init__(self, group: str, timeout_s: float, cause: str) -> None:
        super().__init__(
            f"the worker has not joined the consumer group {group} within {timeout_s:g} s: {cause}. Check the brokers "
            "and the other workers of the group; if they need longer, raise DRIVER_SCORE_WORKER__START_TIMEOUT_S."
        )


class TopicError(DriverScoreError):
    """A topic is missing, or is not as it must be."""

    def __init__(self, topic: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"topic {topic}: {problem}. {remedy}")
