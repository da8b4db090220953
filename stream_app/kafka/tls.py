"""TLS as the settings say: the context that the worker's consumer connects with, and its files, checked."""

import ssl

from schemas.errors import SettingsError
from schemas.settings import KafkaSettings
from stream_app.kafka.errors import VARIABLE


def tls_context(kafka: KafkaSettings) -> ssl.SSLContext:
    """Make the context of the settings; it verifies brokers by the given CAs, or by those of the system.

    Raises
    ------
    SettingsError
        If a file holds no certificate or key, the key is of another certificate, or its password is wrong.
    """
    try:
        context = ssl.create_default_context(cafile=None if kafka.ssl_ca_path is None else str(kafka.ssl_ca_path))
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            f"{VARIABLE}SSL_CA_PATH",
            f"no certificates can be read from {kafka.ssl_ca_path} ({_text(error)})",
            remedy="Name a PEM file that this user may read, with the certificates of the CAs",
        ) from error
    context.check_hostname = kafka.ssl_check_hostname
    if kafka.ssl_certificate_path is not None and kafka.ssl_key_path is not None:
        # Without a password OpenSSL would ask for one on the terminal.
        password = kafka.ssl_key_password.get_secret_value() if kafka.ssl_key_password is not None else ""
        try:
            context.load_cert_chain(kafka.ssl_certificate_path, kafka.ssl_key_path, lambda: password)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                f"{VARIABLE}SSL_CERTIFICATE_PATH",
                f"the certificate {kafka.ssl_certificate_path} can't be used with the key {kafka.ssl_key_path} "
                f"({_text(error)})",
                remedy=f"Check that both are PEM files that belong together, and {VARIABLE}SSL_KEY_PASSWORD",
            ) from error
    return context


def _text(error: OSError) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else error.strerror or str(error)
