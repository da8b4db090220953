"""Every way to connect to a protected Kafka, and what is said where it fails."""

import re
import time
from contextlib import closing
from typing import Any

import pytest

from driver_score.local_stack.server_process import free_port
from schemas.errors import SettingsError
from schemas.settings import KafkaSettings
from schemas.topics import DRIVER_SCORES
from stream_app.kafka import (
    AuthenticationError,
    BrokerUnavailableError,
    KafkaAccessError,
    KafkaAdmin,
    SecurityProtocolError,
    TlsError,
    TokenError,
    TopicSizes,
    create_topics,
)
from stream_app.kafka.tokens import TokenSource
from tests.support.servers.brokers import wait_until
from tests.support.servers.secure_kafka import SecureKafka

LISTENERS = ["TLS", "MTLS", "SCRAM", "OAUTH", "MSK"]


@pytest.mark.parametrize("listener", LISTENERS)
def test_topics_are_created_and_counted(secure_kafka: SecureKafka, topic_prefix: str, listener: str) -> None:
    kafka = secure_kafka.settings(listener, topic_prefix=topic_prefix, partitions=1)

    (outcome,) = create_topics(kafka, specs=[DRIVER_SCORES])

    assert outcome.created
    with closing(TopicSizes(kafka)) as sizes:
        assert sizes.count(outcome.name) == 0


def test_a_broker_of_another_name_is_accepted_where_names_are_not_checked(secure_kafka: SecureKafka) -> None:
    address = secure_kafka.address("TLS", "127.0.0.1")
    assert KafkaAdmin(secure_kafka.settings("TLS", bootstrap=address, ssl_check_hostname=False)).metadata().brokers


FAILURES: dict[str, tuple[str, dict[str, Any], type[KafkaAccessError], str]] = {
    "an unknown CA": ("TLS", {"ssl_ca_path": None}, TlsError, "certificate.*SSL_CA_PATH .*the system's CAs"),
    "another CA": ("TLS", {"ssl_ca_path": "other-ca.pem"}, TlsError, "certificate.*SSL_CA_PATH .*other-ca.pem"),
    "another host": ("TLS", {"bootstrap": "127.0.0.1"}, TlsError, "mismatch.*127.0.0.1.*SSL_CHECK_HOSTNAME"),
    "no certificate of the client": (
        "MTLS",
        {"ssl_certificate_path": None, "ssl_key_path": None, "ssl_key_password": None},
        TlsError,
        "requires a certificate of the client.*SSL_CERTIFICATE_PATH and .*SSL_KEY_PATH",
    ),
    "no TLS on a port of TLS": (
        "TLS",
        {"security_protocol": "PLAINTEXT", "ssl_ca_path": None},
        SecurityProtocolError,
        "speaks TLS, .* is PLAINTEXT.*SECURITY_PROTOCOL to SSL or SASL_SSL",
    ),
    "SASL without TLS on a port of TLS": (
        "SCRAM",
        {"security_protocol": "SASL_PLAINTEXT", "ssl_ca_path": None},
        SecurityProtocolError,
        "speaks TLS, .* is SASL_PLAINTEXT",
    ),
    "a wrong password": (
        "SCRAM",
        {"password": "wrong"},
        AuthenticationError,
        "SCRAM-SHA-512: .*USERNAME and .*PASSWORD",
    ),
    "an unknown user": (
        "SCRAM",
        {"username": "nobody"},
        AuthenticationError,
        "SCRAM-SHA-512: .*USERNAME and .*PASSWORD",
    ),
    "another mechanism": ("SCRAM", {"sasl_mechanism": "PLAIN"}, AuthenticationError, "with PLAIN: .*SASL_MECHANISM"),
    "SASL on a port without": (
        "TLS",
        {"security_protocol": "SASL_SSL", "username": "scorer", "password": "x"},
        AuthenticationError,
        "SASL_MECHANISM and .*SECURITY_PROTOCOL",
    ),
    "a wrong client secret": (
        "OAUTH",
        {"oauth_client_secret": "wrong"},
        TokenError,
        "https://localhost.*refuses the client .invalid_client.*OAUTH_CLIENT_SECRET",
    ),
    "another scope": ("OAUTH", {"oauth_scope": "other"}, TokenError, "invalid_scope.*OAUTH_SCOPE"),
    "a token endpoint of an unknown CA": (
        "OAUTH",
        {"oauth_ca_path": None},
        TokenError,
        "TLS handshake .*OAUTH_CA_PATH",
    ),
    "a token that brokers refuse": (
        "MSK",
        {"aws_region": "eu-west-2"},
        AuthenticationError,
        "AWS_MSK_IAM: .*AWS_REGION",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_names_its_cause_and_the_setting(secure_kafka: SecureKafka, failure: str) -> None:
    listener, changes, kind, text = FAILURES[failure]
    if "bootstrap" in changes:
        changes = {**changes, "bootstrap": secure_kafka.address(listener, changes["bootstrap"])}
    if changes.get("ssl_ca_path"):
        changes = {**changes, "ssl_ca_path": secure_kafka.folder / changes["ssl_ca_path"]}

    with pytest.raises(kind) as raised:
        KafkaAdmin(secure_kafka.settings(listener, **changes)).metadata()

    assert re.search(text, str(raised.value)), str(raised.value)
    assert "\n" not in str(raised.value)


def test_tls_on_a_port_without_is_told(secure_kafka: SecureKafka) -> None:
    kafka = KafkaSettings(bootstrap=secure_kafka.plain_bootstrap, security_protocol="SSL")
    with pytest.raises(SecurityProtocolError, match=r"speaks no TLS, .* is SSL.*SECURITY_PROTOCOL to PLAINTEXT"):
        KafkaAdmin(kafka).metadata()


def test_sasl_on_a_port_without_protection_is_told(secure_kafka: SecureKafka) -> None:
    access = {"security_protocol": "SASL_PLAINTEXT", "username": "scorer", "password": "x"}
    with pytest.raises(AuthenticationError, match="SASL_MECHANISM"):
        KafkaAdmin(KafkaSettings(bootstrap=secure_kafka.plain_bootstrap, **access)).metadata()


@pytest.mark.parametrize(
    ("host", "cause"),
    [("127.0.0.1", "127.0.0.1:[0-9]+: Connection refused"), ("no.invalid", "the name no.invalid is not known")],
)
def test_an_address_without_a_broker_says_why(host: str, cause: str) -> None:
    with pytest.raises(BrokerUnavailableError, match=rf"{cause}.*DRIVER_SCORE_KAFKA__BOOTSTRAP"):
        KafkaAdmin(KafkaSettings(bootstrap=f"{host}:{free_port()}")).metadata(timeout_s=0.5)


def test_a_token_endpoint_that_does_not_run_is_told(secure_kafka: SecureKafka) -> None:
    url = f"https://localhost:{free_port()}/token"
    with pytest.raises(TokenError, match=rf"{url}: .*refused.*OAUTH_TOKEN_URL"):
        KafkaAdmin(secure_kafka.settings("OAUTH", oauth_token_url=url))


def test_missing_credentials_of_aws_are_told(secure_kafka: SecureKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(TokenError, match=r"there are no credentials.*AWS_ACCESS_KEY_ID"):
        KafkaAdmin(secure_kafka.settings("MSK"))


def test_a_wrong_password_of_a_key_names_the_setting(secure_kafka: SecureKafka) -> None:
    with pytest.raises(SettingsError, match=r"client\.pem can't be used .*SSL_KEY_PASSWORD"):
        KafkaAdmin(secure_kafka.settings("MTLS", ssl_key_password="wrong"))  # noqa: S106 - no secret


def test_an_unknown_property_of_clients_names_the_setting(secure_kafka: SecureKafka) -> None:
    with pytest.raises(SettingsError, match=r"KAFKA__CLIENT_PROPERTIES.*no\.such"):
        KafkaAdmin(secure_kafka.settings("TLS", client_properties={"no.such": "1"}))


@pytest.mark.parametrize("lifetime_s", [600, None])
def test_a_token_is_used_until_it_is_about_to_expire(secure_kafka: SecureKafka, lifetime_s: int | None) -> None:
    endpoint = secure_kafka.tokens
    before, endpoint.lifetime_s = endpoint.tokens_given, lifetime_s
    source = TokenSource(secure_kafka.settings("OAUTH"))
    try:
        first, second = source.token(), source.token()
    finally:
        endpoint.lifetime_s = 600
    assert first is second
    assert endpoint.tokens_given == before + 1
    assert 200 < first.expires_s - time.time() <= 600


def test_a_token_that_is_about_to_expire_is_replaced(secure_kafka: SecureKafka) -> None:
    endpoint = secure_kafka.tokens
    before, endpoint.lifetime_s = endpoint.tokens_given, 1
    source = TokenSource(secure_kafka.settings("OAUTH"))
    try:
        first = source.token()
        wait_until(lambda: source.token() is not first, "another token")
        assert endpoint.tokens_given >= before + 2
    finally:
        endpoint.lifetime_s = 600
