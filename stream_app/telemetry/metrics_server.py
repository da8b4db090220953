"""Serve metrics to Prometheus, and health to orchestrators."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from schemas.errors import SettingsError
from stream_app.telemetry.health import HEALTHY, HealthReport
from stream_app.telemetry.http_server import start_server

log = structlog.get_logger(__name__)

METRICS_PATH: Final = "/metrics"
LIVE_PATH: Final = "/health/live"
READY_PATH: Final = "/health/ready"

Check = Callable[[], HealthReport]


def serve_metrics(
    host: str,
    port: int,
    setting: str,
    registry: CollectorRegistry = REGISTRY,
    *,
    live: Check = lambda: HEALTHY,
    ready: Check = lambda: HEALTHY,
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
        Give the health at `LIVE_PATH` and `READY_PATH`; called from any thread.

    Raises
    ------
    SettingsError
        When it can't listen there.
    """
    paths = {METRICS_PATH: make_wsgi_app(registry), LIVE_PATH: _answer(live), READY_PATH: _answer(ready)}
    try:
        server = start_server(host, port, _routes(paths))
    except OSError as error:
        raise SettingsError(
            setting, f"can't listen on {host}:{port} ({error.strerror})", remedy="Choose a free port, or 0"
        ) from error
    log.info("metrics", address=f"http://{host}:{server.server_port}{METRICS_PATH}")


def _routes(paths: Mapping[str, WSGIApplication]) -> WSGIApplication:
    """Answer GET requests of these paths, and of ``/`` with a list of them; others with an error that lists them."""
    listed = f"This process serves {', '.join(paths)}.\n"

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path != "/" and path not in paths:
            return _text(start_response, HTTPStatus.NOT_FOUND, f"No such path. {listed}")
        if method != "GET":
            return _text(start_response, HTTPStatus.METHOD_NOT_ALLOWED, f"Use GET, not {method}. {listed}")
        if path == "/":
            return _text(start_response, HTTPStatus.OK, listed)
        return paths[path](environ, start_response)

    return serve


def _answer(check: Check) -> WSGIApplication:
    """Answer with status 200, or with 503 where something is wrong, and with all reasons."""

    def serve(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        report = check()
        status = HTTPStatus.OK if report.ok else HTTPStatus.SERVICE_UNAVAILABLE
        return _respond(start_response, status, "application/json", orjson.dumps(report.as_json()))

    return serve


def _text(start_response: StartResponse, status: HTTPStatus, text: str) -> Iterable[bytes]:
    return _respond(start_response, status, "text/plain; charset=utf-8", text.encode())


def _respond(start_response: StartResponse, status: HTTPStatus, content_type: str, body: bytes) -> Iterable[bytes]:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "GET"))
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
