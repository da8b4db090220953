"""The clients of every component: connected as the settings say, with errors that name their cause."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata

from schemas.errors import SettingsError
from schemas.settings import KafkaSettings
from stream_app.kafka.diagnosis import DEFINITE, access_error
from stream_app.kafka.errors import VARIABLE, BrokerUnavailableError, KafkaAccessError, TokenError
from stream_app.kafka.tls import tls_context
from stream_app.kafka.tokens import TokenSource

log = structlog.get_logger(__name__)

ANSWER_TIMEOUT_S: Final = 5.0
"""A broker that runs answers within a second; five allow for a slow network and still end soon."""

_FIRST_TRY_S: Final = 0.5
"""Until the first look at what librdkafka tells: refused credentials are reported at once, not after the whole time.
Later looks come later, as a busy broker must have time to answer."""

_TOLD_ERRORS: Final = 16


class _ConnectedClient:
    """What the clients have in common.

    Parameters
    ----------
    kafka
        Where Kafka is, and how to connect.
    properties
        Further properties of librdkafka.
    options
        Further options of confluent-kafka.

    Raises
    ------
    SettingsError
        If a file of TLS, or a property, can't be used.
    TokenError
        If tokens are used, and none can be had.
    """

    list_topics: Callable[..., ClusterMetadata]
    poll: Callable[[float], Any]

    def __init__(self, kafka: KafkaSettings, properties: Mapping[str, Any] | None = None, **options: Any) -> None:
        self._kafka = kafka
        self._told: deque[KafkaError] = deque(maxlen=_TOLD_ERRORS)
        config = {
            **({} if "logger" in options else {"log_level": 0}),
            **(properties or {}),
            **kafka.client_properties,
            **_connection(kafka),
            "error_cb": self._told.append,
        }
        try:
            super().__init__(config, **options)  # type: ignore[call-arg] # of confluent-kafka's client
        except KafkaException as error:
            raise SettingsError(
                f"{VARIABLE}CLIENT_PROPERTIES",
                f"librdkafka refuses a property ({error.args[0].str()})",
                remedy="Correct it there, or in DRIVER_SCORE_WORKER__CHANGELOG_PROPERTIES",
            ) from error

    def metadata(self, topic: str | None = None, timeout_s: float = ANSWER_TIMEOUT_S) -> ClusterMetadata:
        """List the brokers, and all topics or one.

        Raises
        ------
        KafkaAccessError
            If no broker answers in time, or this client can't connect for another reason, then at once.
        """
        topics = [] if topic is None else [topic]
        deadline = time.monotonic() + timeout_s
        patience_s = _FIRST_TRY_S
        while True:
            left_s = deadline - time.monotonic()
            try:
                metadata = self.list_topics(
                    *topics, timeout=patience_s if left_s > 3 * patience_s else max(left_s, 0.1)
                )
            except KafkaException as error:
                self.poll(0)  # tells of errors
                if time.monotonic() >= deadline or any(told.code() in DEFINITE for told in self._told):
                    raise self.access_error(error) from error
                patience_s *= 2
            else:
                self._told.clear()
                return metadata

    def access_error(self, error: KafkaException) -> KafkaAccessError:
        """Return the error that says why a call failed without an answer of a broker."""
        self.poll(0)
        return access_error(self._kafka, list(self._told), str(error.args[0].str()))


class KafkaAdmin(_ConnectedClient, AdminClient):
    """An `AdminClient`."""


class KafkaConsumer(_ConnectedClient, Consumer):
    """A `Consumer`."""


class KafkaProducer(_ConnectedClient, Producer):
    """A `Producer`."""


class OffsetsConsumer(KafkaConsumer):
    """Asks for offsets of partitions, and for those that the group has committed.

    An `AdminClient` of librdkafka 2.16 is no use for that: once a broker was restarted it asks with an outdated leader
    epoch for good, and to replace it while no leader is known ends the process by a failed assertion.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        group = {"group.id": kafka.topic_prefix + kafka.group, "isolation.level": "read_uncommitted"}
        super().__init__(kafka, group)

    def watermarks(self, topic: str, partition: int, *, timeout_s: float) -> tuple[int, int]:
        """Give the offset of the first record that is left of a partition, and of the one written next.

        Raises
        ------
        KafkaException
            If no broker answers in time, or there is no such partition.
        """
        place = TopicPartition(topic, partition)
        try:
            first, end = self.get_watermark_offsets(place, timeout=timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._UNKNOWN_PARTITION:  # noqa: SLF001 - its public name
                raise
            self.list_topics(topic, timeout=timeout_s)  # or only partitions that the topic once had are known for long
            first, end = self.get_watermark_offsets(place, timeout=timeout_s)
        return first, end


def explain_failure(kafka: KafkaSettings, text: str) -> KafkaAccessError:
    """Return the error that says why another kind of client could not connect, which said the text."""
    try:
        KafkaAdmin(kafka).metadata()
    except KafkaAccessError as error:
        return error
    return BrokerUnavailableError(kafka.bootstrap, cause=text)


def _connection(kafka: KafkaSettings) -> dict[str, Any]:
    config: dict[str, Any] = {"bootstrap.servers": kafka.bootstrap, "security.protocol": kafka.security_protocol}
    if kafka.uses_tls:
        tls_context(kafka)  # says which file can't be used
        config["ssl.endpoint.identification.algorithm"] = "https" if kafka.ssl_check_hostname else "none"
        files = {
            "ssl.ca.location": kafka.ssl_ca_path,
            "ssl.certificate.location": kafka.ssl_certificate_path,
            "ssl.key.location": kafka.ssl_key_path,
        }
        config |= {name: str(path) for name, path in files.items() if path is not None}
        if kafka.ssl_key_password is not None:
            config["ssl.key.password"] = kafka.ssl_key_password.get_secret_value()
    if kafka.uses_tokens:
        config |= {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": _token_callback(kafka)}
    elif kafka.uses_sasl:
        password = "" if kafka.password is None else kafka.password.get_secret_value()
        config |= {"sasl.mechanism": kafka.sasl_mechanism, "sasl.username": kafka.username, "sasl.password": password}
    return config


def _token_callback(kafka: KafkaSettings) -> Any:
    """Return librdkafka's callback for tokens; the first is fetched now, so that a failure is one clear error."""
    source = TokenSource(kafka)
    source.token()

    def give_token(_config: str) -> tuple[str, float, str, dict[str, str]]:
        try:
            token = source.token()
        except TokenError as error:
            log.error("no token; Kafka is asked again with the next one", reason=str(error))  # noqa: TRY400 - one line
            raise
        return token.text, token.expires_s, "", source.extensions

    return give_token
