"""Druid's address leads to something else: one error, no traceback."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from driver_score.local_stack.server_process import LOOPBACK
from druid_specs.client import DruidClient
from druid_specs.errors import DruidRefusedError, QueryRefusedError
from druid_specs.sql_connection import DruidConnection


class _Page(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    do_GET = do_POST = _answer  # noqa: N815 - the server's own names

    def log_message(self, *_: object) -> None:
        """Leave the test's output alone."""


@pytest.fixture
def other_server() -> Iterator[str]:
    server = ThreadingHTTPServer((LOOPBACK, 0), _Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.supervisor("driver-scores"),
        lambda client: client.supervisor_status("driver-scores"),
        lambda client: client.row_count("driver-scores"),
        lambda client: client.is_known("driver-scores"),
    ],
)
def test_another_servers_page_is_an_error_that_says_so(other_server: str, ask: Callable[[DruidClient], Any]) -> None:
    with DruidClient(other_server) as client, pytest.raises(DruidRefusedError, match="not JSON"):
        ask(client)


def test_another_servers_page_is_no_answer_to_a_query(other_server: str) -> None:
    with DruidConnection(other_server) as connection, pytest.raises(QueryRefusedError, match="not from Druid"):
        connection.query("SELECT 1")
