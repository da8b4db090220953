"""An HTTP server for probes and scrapes: no client keeps a thread for long, and there are only so many threads.

It is the standard library's server, with what that lacks: a limit to the time in which a request must have arrived, and
one to the number of connections.
"""

import socket
import sys
import threading
import time
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

import structlog

log = structlog.get_logger(__name__)

REQUEST_TIMEOUT_S: Final = 5.0
"""A request of Prometheus or of a probe is one packet; in five seconds it can be sent again several times."""

MAX_CONNECTIONS: Final = 32
"""Each has a thread. A scraper and some probes have a few connections at a time."""


def start_server(host: str, port: int, application: WSGIApplication) -> "BoundedServer":
    """Serve an application on threads of its own, until the process ends.

    Parameters
    ----------
    host, port
        Where; port 0 for any free one, which the server's ``server_port`` tells.
    application
        Called on the thread of each connection.

    Raises
    ------
    OSError
        When it can't listen there.
    """
    server = BoundedServer((host, port), _Handler)
    server.set_app(application)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server


class BoundedServer(ThreadingMixIn, WSGIServer):
    """A server with a thread for each connection, which closes connections that do not send their request in time.

    While `MAX_CONNECTIONS` are open, the one that has been sending its request for longest makes room for a new one.

    Parameters
    ----------
    server_address
        Host and port.
    handler
        Class that answers requests; it calls `has_received`.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, server_address: tuple[str, int], handler: type["_Handler"]) -> None:
        found = socket.getaddrinfo(*server_address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]  # IPv4 or IPv6
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._receiving: dict[socket.socket, float] = {}
        """Connections whose request has not arrived, and until when it must, in the order in which they were opened."""
        super().__init__(server_address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection."""
        with self._lock:
            if len(self._open) >= MAX_CONNECTIONS and self._receiving:
                self._give_up(next(iter(self._receiving)))
            is_refused = len(self._open) >= 2 * MAX_CONNECTIONS  # what was given up takes a moment to end
            if not is_refused:
                self._open.add(request)
                self._receiving[request] = time.monotonic() + REQUEST_TIMEOUT_S
        if is_refused:
            log.warning("too many connections; one was refused", client=client_address[0])
            super().shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def has_received(self, request: socket.socket) -> None:
        """Note that a connection's request has arrived; to answer it may take longer."""
        with self._lock:
            self._receiving.pop(request, None)

    def service_actions(self) -> None:
        """Give up connections whose time is over; the standard library calls this twice a second."""
        now_s = time.monotonic()
        with self._lock:
            for request in [request for request, until_s in self._receiving.items() if until_s <= now_s]:
                self._give_up(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._receiving.pop(request, None)
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log why a connection was not answered."""
        del request
        log.warning("request not answered", client=client_address[0], exc_info=sys.exception())

    def _give_up(self, request: socket.socket) -> None:
        """Wake the thread that waits for a request; it then closes the connection."""
        del self._receiving[request]
        try:
            request.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.info("a slow client has closed its connection", reason=str(error))


class _Handler(WSGIRequestHandler):
    """Answers one request of a connection."""

    server: BoundedServer
    timeout = REQUEST_TIMEOUT_S
    """Of each read and write: a client that does not read its answer is given up too."""

    def handle(self) -> None:
        """Read a request and answer it."""
        try:
            super().handle()
        except (TimeoutError, ConnectionError) as error:
            log.warning("a client was too slow, or has gone", client=self.client_address[0], reason=repr(error))

    def parse_request(self) -> bool:
        """Parse the request; false if there is none, or if it was answered with an error."""
        is_valid = super().parse_request()
        self.server.has_received(self.connection)
        return is_valid

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Log no requests: there is one every few seconds."""
