"""A webhook on loopback, as Alertmanager calls it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from driver_score.local_stack.server_process import LOOPBACK
from tests.support.servers.brokers import wait_until


class Webhook:
    """What was posted; `url` is where to."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Leave the test's output alone."""

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self.server.server_port}/alerts"

    def alerts(self, name: str, status: str = "firing") -> list[dict[str, Any]]:
        """Return the received alerts of a name, in one status."""
        return [
            alert
            for message in list(self.posted)
            for alert in message["alerts"]
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]

    def wait_for(self, name: str, status: str = "firing") -> dict[str, Any]:
        wait_until(lambda: bool(self.alerts(name, status)), f"{name} {status} at the webhook")
        return self.alerts(name, status)[0]


@contextlib.contextmanager
def running_webhook() -> Iterator[Webhook]:
    webhook = Webhook()
    thread = threading.Thread(target=webhook.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield webhook
    finally:
        webhook.server.shutdown()
        webhook.server.server_close()
        thread.join()
