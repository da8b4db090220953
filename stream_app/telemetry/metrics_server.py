"""Serve metrics to Prometheus, and health to orchestrators."""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app, start_http_server

from schemas.errors import SettingsError

log = structlog.get_logger(__name__)

LIVE_PATH: Final = "/health/live"
READY_PATH: Final = "/health/ready"

Problems = Callable[[], list[str]]
"""Gives the problems; none when healthy."""


def serve_metrics(
    host: str,
    port: int,
    setting: str,
    registry: CollectorRegistry = REGISTRY,
    *,
    live: Problems = list,
    ready: Problems = list,
) -> None:
    """Serve metrics and health on threads of their own, until the process ends.

    Parameters
    ----------
    host, port
        Where; port 0 for any free one, which is logged.
    setting
        The variable that an error names.
    registry
        What is served.
    live, ready
        Give the problems at `LIVE_PATH` and `READY_PATH`; called from any thread.

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
    server.set_app(_with_health(make_wsgi_app(registry), {LIVE_PATH: live, READY_PATH: ready}))
    log.info("metrics", address=f"http://{host}:{server.server_port}/metrics")


def _with_health(metrics: WSGIApplication, checks: Mapping[str, Problems]) -> WSGIApplication:
    """Answer the health paths with status 200, or with 503 and each problem."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        check = checks.get(environ["PATH_INFO"])
        if check is None:
            return metrics(environ, start_response)
        problems = check()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [json.dumps({"ok": not problems, "problems": problems}).encode()]

    return serve
