"""A recorder in front of a server of the tests: it passes requests on and keeps them with their answers.

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


def without_secret(name: str, value: str) -> str:
    """A header's value; of credentials only the kind."""
    return value.partition(" ")[0] + " ***" if name.lower() in ("authorization", "proxy-authorization") else value


@dataclass
class Exchange:
    """One request as it arrived, and how it was answered. Credentials are kept by kind, never by value."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int = 0
    answer: str = ""

    @property
    def writes(self) -> bool:
        """Whether it asks for a change."""
        return self.method in WRITES

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status} {self.body}"


# Answers a request in the server's place: status, content type and body; None lets it through.
Answer = Callable[[Exchange], tuple[int, str, str] | None]


class Upstream(Protocol):
    """What a recorder needs of the server that it stands in front of."""

    port: int


@dataclass
class Recorder:
    """Passes every request on to a server and keeps what was asked and answered.

    `instead` may answer in the server's place, for what a well-behaved server never says.
    """

    upstream: Upstream | None = None
    instead: Answer = lambda exchange: None
    exchanges: list[Exchange] = field(default_factory=list)

    def __enter__(self) -> "Recorder":
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                recorder._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            def handle_error(self, *about: object) -> None:
                # A client that is killed closes its connection at any moment; its traces would hide what failed.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(*about)

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
        """The SCIM base URL that a connection gets."""
        return f"http://{LOOPBACK}:{self._server.server_port}/v2"

    def writes(self) -> list[Exchange]:
        """What asked for a change."""
        return [exchange for exchange in self.exchanges if exchange.writes]

    def forget(self) -> None:
        """Starts over, for the next cycle."""
        self.exchanges.clear()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name: without_secret(name, value) for name, value in handler.headers.items()}
        exchange = Exchange(handler.command, handler.path, headers, body.decode("utf-8", "replace"))
        self.exchanges.append(exchange)
        made_up = self.instead(exchange)
        if made_up is not None:
            status, content_type, text = made_up
            answered = [("Content-Type", content_type)]
            data = text.encode()
        elif self.upstream is None:
            status, answered, data = 404, [], b""
        else:
            status, answered, data = self._pass_on(handler, body)
        exchange.status = status
        exchange.answer = data.decode("utf-8", "replace")
        handler.send_response_only(status)
        for name, value in answered:
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.upstream.port, timeout=30)
        try:
            connection.request(handler.command, handler.path, body or None, dict(handler.headers))
            answer = connection.getresponse()
            hop = ("connection", "content-length", "transfer-encoding", "server", "date")
            return answer.status, [(n, v) for n, v in answer.getheaders() if n.lower() not in hop], answer.read()
        finally:
            connection.close()
