"""Records the requests of a test: forwards each one to a server, and keeps it with its response.

It listens on loopback only, on a port that the system picks.
"""

import http.client
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from zoo.process import LOOPBACK

WRITES = ("POST", "PUT", "PATCH", "DELETE")
FORWARD_TIMEOUT_SECONDS = 30
# Response headers that are not forwarded. The first and third belong to one connection (RFC 9110, section 7.6.1), and the
# recorder sets the length itself.
DROPPED_HEADERS = ("connection", "content-length", "transfer-encoding", "server", "date")


def redact_credentials(name: str, value: str) -> str:
    """Returns a header's value; of credentials only their scheme."""
    return value.partition(" ")[0] + " ***" if name.lower() in ("authorization", "proxy-authorization") else value


@dataclass
class RawRequest:
    """One request as it arrived, and its response. Of credentials it has the scheme, never the value."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int = 0
    response_body: str = ""

    @property
    def is_write(self) -> bool:
        return self.method in WRITES

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status} {self.body}"


# Responds in place of the server, with status, content type and body; None forwards the request.
Override = Callable[[RawRequest], tuple[int, str, str] | None]


class Upstream(Protocol):
    """What a recorder needs of the server behind it."""

    port: int


@dataclass
class Recorder:
    """Forwards every request to a server, and keeps it with its response.

    `override` can respond in place of the server, for responses that a correct server never sends.
    """

    upstream: Upstream | None = None
    override: Override = lambda request: None
    raw_requests: list[RawRequest] = field(default_factory=list)

    def __enter__(self) -> "Recorder":
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                recorder._respond(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            def handle_error(self, *client: object) -> None:
                # A killed client closes its connection at any moment; a stack trace of that would hide what failed.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(*client)

        self._server = Listener((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The SCIM base URL for a connection."""
        return f"http://{LOOPBACK}:{self._server.server_port}/v2"

    def writes(self) -> list[RawRequest]:
        """Returns the requests that create, change or delete a resource."""
        return [request for request in self.raw_requests if request.is_write]

    def clear_requests(self) -> None:
        """Removes all recorded requests, before the next cycle."""
        self.raw_requests.clear()

    def _respond(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        redacted = {name: redact_credentials(name, value) for name, value in handler.headers.items()}
        request = RawRequest(handler.command, handler.path, redacted, body.decode("utf-8", "replace"))
        self.raw_requests.append(request)
        override = self.override(request)
        if override is not None:
            status, content_type, text = override
            headers = [("Content-Type", content_type)]
            data = text.encode()
        elif self.upstream is None:
            status, headers, data = 404, [], b""
        else:
            status, headers, data = self._forward(handler, body)
        request.status = status
        request.response_body = data.decode("utf-8", "replace")
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.upstream.port, timeout=FORWARD_TIMEOUT_SECONDS)
        try:
            connection.request(handler.command, handler.path, body or None, dict(handler.headers))
            response = connection.getresponse()
            headers = [(name, value) for name, value in response.getheaders() if name.lower() not in DROPPED_HEADERS]
            return response.status, headers, response.read()
        finally:
            connection.close()
