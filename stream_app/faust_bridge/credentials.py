"""How Faust's consumer and producer authenticate: as the settings say, like all other clients."""

import asyncio

from aiokafka.abc import AbstractTokenProvider
from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials

from schemas.settings import KafkaSettings
from stream_app.kafka.tls import tls_context
from stream_app.kafka.tokens import TokenSource


class _Tokens(AbstractTokenProvider):
    """Gives aiokafka the tokens of a source, without blocking its event loop."""

    def __init__(self, source: TokenSource) -> None:
        super().__init__()
        self._source = source

    async def token(self) -> str:
        return (await asyncio.to_thread(self._source.token)).text

    def extensions(self) -> dict[str, str]:
        return self._source.extensions


def credentials(kafka: KafkaSettings) -> Credentials | None:
    """Make Faust's credentials of the settings; null for neither TLS nor SASL.

    Raises
    ------
    SettingsError
        If a file of TLS can't be used.
    """
    context = tls_context(kafka) if kafka.uses_tls else None
    if kafka.uses_tokens:
        return OAuthCredentials(oauth_cb=_Tokens(TokenSource(kafka)), ssl_context=context)
    if kafka.uses_sasl:
        return SASLCredentials(
            username=kafka.username,
            password=None if kafka.password is None else kafka.password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context is not None else None
