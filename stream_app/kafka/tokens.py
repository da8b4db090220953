"""Tokens to authenticate with: of an OIDC token endpoint, or signed for Amazon MSK; kept while they are valid."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from schemas.errors import MissingExtraError
from schemas.settings import KafkaSettings
from stream_app.kafka.errors import VARIABLE, TokenError

ENDPOINT_TIMEOUT_S: Final = 10.0
"""A token endpoint answers within a second; brokers wait longer for a client to authenticate."""

_USED_SHARE: Final = 0.8
"""Of a token's lifetime, as librdkafka: the remainder bridges an outage of the endpoint."""

_UNKNOWN_LIFETIME_S: Final = 300.0
"""Of a token whose endpoint does not tell: the shortest that is usual."""


@dataclass(frozen=True)
class Token:
    """A token, and when it expires, epoch seconds."""

    text: str
    expires_s: float


class TokenSource:
    """Gives a token that is valid, a new one before the last expires; from any thread.

    Parameters
    ----------
    kafka
        Settings with a mechanism that uses tokens.

    Raises
    ------
    MissingExtraError
        If tokens of Amazon MSK need a package that is not installed.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._fetch = _msk_signer(kafka) if kafka.sasl_mechanism == "AWS_MSK_IAM" else lambda: _fetch_token(kafka)
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._renew_s = 0.0
        self.extensions = dict(kafka.oauth_extensions)
        """SASL extensions to send with each token."""

    def token(self) -> Token:
        """Return a valid token.

        Raises
        ------
        TokenError
            If there is none, and none can be had.
        """
        with self._lock:
            now_s = time.time()
            if self._token is None or now_s >= self._renew_s:
                self._token = self._fetch()
                self._renew_s = now_s + (self._token.expires_s - now_s) * _USED_SHARE
            return self._token


def _fetch_token(kafka: KafkaSettings) -> Token:
    """Request a token by client credentials (RFC 6749, section 4.4)."""
    url = str(kafka.oauth_token_url)
    secret = kafka.oauth_client_secret.get_secret_value() if kafka.oauth_client_secret is not None else None
    try:
        with OAuth2Session(kafka.oauth_client_id, secret, scope=kafka.oauth_scope) as session:
            given = session.fetch_token(
                url,
                grant_type="client_credentials",
                timeout=ENDPOINT_TIMEOUT_S,
                verify=True if kafka.oauth_ca_path is None else str(kafka.oauth_ca_path),
            )
    except OAuthError as error:
        raise TokenError(
            url,
            f"it refuses the client ({error})",
            remedy=f"Check {VARIABLE}OAUTH_CLIENT_ID, {VARIABLE}OAUTH_CLIENT_SECRET and {VARIABLE}OAUTH_SCOPE",
        ) from error
    except requests.exceptions.SSLError as error:
        raise TokenError(
            url,
            f"the TLS handshake fails ({_innermost(error)})",
            remedy=f"Set {VARIABLE}OAUTH_CA_PATH to the CAs that sign its certificate",
        ) from error
    except requests.exceptions.JSONDecodeError as error:
        raise TokenError(
            url, "it answers without JSON", remedy=f"Check that {VARIABLE}OAUTH_TOKEN_URL is a token endpoint"
        ) from error
    except requests.RequestException as error:
        raise TokenError(
            url,
            f"it does not answer as it should ({_innermost(error)})",
            remedy=f"Check that it runs and that {VARIABLE}OAUTH_TOKEN_URL names it",
        ) from error
    if "access_token" not in given:
        raise TokenError(url, "its answer has none", remedy=f"Check that {VARIABLE}OAUTH_TOKEN_URL is a token endpoint")
    return Token(given["access_token"], given.get("expires_at") or time.time() + _UNKNOWN_LIFETIME_S)


def _msk_signer(kafka: KafkaSettings) -> Callable[[], Token]:
    try:
        import botocore.session  # noqa: PLC0415 - of an extra
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415 - likewise
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise MissingExtraError("the SASL mechanism AWS_MSK_IAM", "msk") from error
    remedy = (
        "Give the process AWS credentials, as a role of its machine or pod, or as AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY"
    )

    def sign() -> Token:
        source = f"AWS's credentials, for MSK in {kafka.aws_region}"
        try:
            if botocore.session.Session().get_credentials() is None:
                raise TokenError(source, "there are no credentials", remedy=remedy)
            text, expires_ms = MSKAuthTokenProvider.generate_auth_token(kafka.aws_region)
        except (BotoCoreError, ValueError) as error:
            raise TokenError(source, str(error), remedy=remedy) from error
        return Token(text, expires_ms / 1000)

    return sign


def _innermost(error: BaseException) -> str:
    """Return the text of the first cause: requests and urllib3 wrap it several times."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error)
