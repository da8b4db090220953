"""An OIDC provider for tests: its token endpoint over TLS, and the keys that brokers check its tokens with."""

import base64
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import trustme
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "scorer"
CLIENT_SECRET = "of-the-tests"  # noqa: S105 - no secret
SCOPE = "kafka"
LIFETIME_S = 600


class TokenEndpoint:
    """Gives tokens to the one client that it knows, and counts them."""

    def __init__(self, folder: Path) -> None:
        self._key = RSAKey.generate_key(2048, {"kid": "tests", "use": "sig", "alg": "RS256"})
        self.keys_path = folder / "jwks.json"
        self.keys_path.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))
        self.tokens_given = 0
        self.lifetime_s: int | None = LIFETIME_S
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/token"

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Answer a request as RFC 6749 says, sections 4.4 and 5.2."""
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {known}":
            return 401, {"error": "invalid_client", "error_description": "unknown client or wrong secret"}
        if form.get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        if form.get("scope", [SCOPE]) != [SCOPE]:
            return 400, {"error": "invalid_scope"}
        self.tokens_given += 1
        now_s = int(time.time())
        claims = {"sub": "oidc-scorer", "scope": SCOPE, "iat": now_s, "exp": now_s + LIFETIME_S}
        token = jwt.encode({"alg": "RS256", "kid": "tests"}, claims, self._key)
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer"}
        return 200, answer if self.lifetime_s is None else {**answer, "expires_in": self.lifetime_s}


@contextlib.contextmanager
def running_token_endpoint(authority: trustme.CA, folder: Path) -> Iterator[TokenEndpoint]:
    """Serve an endpoint on loopback, with a certificate of an authority."""
    endpoint = TokenEndpoint(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, answer = endpoint.answer(self.headers.get("Authorization", ""), form)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            """Say nothing."""

    class QuietServer(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: tests begin handshakes that fail."""

    server = QuietServer(("localhost", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    endpoint.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name="token-endpoint", daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
