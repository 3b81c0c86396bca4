"""SCIM servers for tests: a real server as a process of its own, and a recorder in front of it.

Both listen on loopback only, on ports that the system picks. A server that cannot be started is an error, never a
reason to leave a test out.
"""

import http.client
import json
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
START_SECONDS = 30
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class ScimServer:
    """PyPI's scim2-server, as its own command starts it: resources in memory, one bearer token."""

    def __init__(self, *options: str | Path) -> None:
        self.token = secrets.token_hex(24)
        self._options = list(options)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ScimServer":
        said = ""
        # Another program may take the free port before the server does.
        for _ in range(3):
            self.port = free_port()
            command = [Path(sys.executable).with_name("scim2-server"), "--port", str(self.port), "--bearer-token", self.token]
            command += self._options
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if self._answers():
                # Its log would fill the pipe otherwise.
                threading.Thread(target=self._process.stderr.read, daemon=True).start()
                return self
            self._process.kill()
            said = self._process.communicate()[1]
        raise RuntimeError(f"scim2-server does not start: {said}")

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.request("GET", "/v2/ServiceProviderConfig")
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def url(self) -> str:
        """The SCIM base URL, past every recorder."""
        return f"http://{LOOPBACK}:{self.port}/v2"

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the server itself, as its administrator would; nothing of this is recorded."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def hold(self, resources: list[dict[str, Any]], groups: dict[str, list[str]] | None = None) -> None:
        """Makes these users and groups (name to user names) the only ones there, for the next test."""
        for group in self._all("Groups"):
            self.request("DELETE", f"/v2/Groups/{group['id']}")
        for resource in self.resources():
            self.request("DELETE", f"/v2/Users/{resource['id']}")
        ids = {resource["userName"]: self.request("POST", "/v2/Users", resource)["id"] for resource in resources}
        for name, members in (groups or {}).items():
            group = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": name,
                "members": [{"value": ids[member]} for member in members],
            }
            self.request("POST", "/v2/Groups", group)

    def resources(self) -> list[dict[str, Any]]:
        """Every user, as the server answers it."""
        return self._all("Users")

    def groups(self) -> dict[str, list[str]]:
        """Every group by name, with the names of its members in order, to compare with a scenario's expected state."""
        groups = self._all("Groups")
        names = {user["id"]: user["userName"] for user in self.resources()}
        names |= {group["id"]: group["displayName"] for group in groups}
        return {g["displayName"]: sorted(names[m["value"]] for m in g.get("members", [])) for g in groups}

    def _all(self, endpoint: str) -> list[dict[str, Any]]:
        answer = self.request("GET", f"/v2/{endpoint}?count=1000")
        assert answer["totalResults"] == len(answer.get("Resources", [])), "the list came in parts"
        return answer.get("Resources", [])

    def users(self) -> dict[str, dict[str, Any]]:
        """Every user by name, without what the server makes up itself, to compare with a scenario's expected state."""
        return {resource["userName"]: plain(resource) for resource in self.resources()}


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without `id` and `meta`, its schemas in order."""
    kept = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    return kept | {"schemas": sorted(kept["schemas"])}


def without_secret(name: str, value: str) -> str:
    """A header's value; of credentials only the kind."""
    return value.partition(" ")[0] + " ***" if name.lower() in ("authorization", "proxy-authorization") else value


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


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


@dataclass
class Recorder:
    """Passes every request on to a server and keeps what was asked and answered.

    `instead` may answer in the server's place, for what a well-behaved server never says.
    """

    upstream: ScimServer | None = None
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

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
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
