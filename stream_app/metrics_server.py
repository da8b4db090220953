"""Serve metrics to Prometheus."""

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server

from scoring.errors import SettingsError

log = structlog.get_logger(__name__)


def serve_metrics(host: str, port: int, setting: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve metrics on a thread of their own, until the process ends.

    Parameters
    ----------
    host, port
        Where; port 0 for any free one, which the log tells.
    setting
        The variable that an error names.
    registry
        What is served.

    Raises
    ------
    SettingsError
        When it can't listen there.
    """
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise SettingsError(
            setting, f"can't listen on {host}:{port} ({error.strerror})", remedy="Choose a free port, or 0"
        ) from error
    log.info("metrics", address=f"http://{host}:{server.server_port}/metrics")
