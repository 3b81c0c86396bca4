"""Starts token endpoints that are separate from the SCIM server: one with configurable responses, and one without the
grant `client_credentials`.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from zoo.catalogue import CLIENT, node
from zoo.process import ZooProgram, built_path, start_on_free_port
from zoo.recorder import Recorder
from zoo.server import Request, find_header, parse_request


class TokenEndpoint:
    """A running token endpoint behind its recorder."""

    def __init__(self, recorder: Recorder, path: str, process: ZooProgram | None = None) -> None:
        self.recorder = recorder
        self._path = path
        self._process = process
        self.client = "pfscim"
        self.secret = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        return self.recorder.url.removesuffix("/v2") + self._path

    @property
    def auth(self) -> dict[str, str]:
        """Target settings of a connection that requests its tokens from this endpoint."""
        return {
            "AUTHENTICATION_METHOD": CLIENT,
            "OAUTH_TOKEN_REQUEST": self.url,
            "OAUTH_CLIENT_ID": self.client,
            "OAUTH_CLIENT_SECRET": self.secret,
        }

    def set_response(self, status: int | None = None, omit: tuple[str, ...] = (), **members: Any) -> None:
        """Sets the next responses: another status, members to omit, and members that replace or add values.

        `set_response(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"], expires_in="3600")`. For a response that is
        not JSON, use `recorder.override`.
        """
        settings: dict[str, Any] = {"merge": members, "omit": list(omit)}
        if status is not None:
            settings["status"] = status
        self._process.configure(settings)

    def set_error(self, status: int, error: str) -> None:
        """Sets the next responses to an OAuth 2 error (RFC 6749, section 5.2) without other members."""
        self._process.configure({"status": status, "body": {"error": error}})

    def requests(self) -> list[Request]:
        """Returns every token request. Secrets are masked."""
        return [parse_request(raw) for raw in self.recorder.raw_requests]

    def secret_locations(self) -> list[str]:
        """Returns which part of each request contained the client's secret: `header`, `body` or `none`."""
        return [secret_location(request) for request in self.requests()]


def secret_location(request: Request) -> str:
    if (find_header(request.headers, "Authorization") or "").startswith("Basic "):
        return "header"
    return "body" if "client_secret" in (request.body or {}) else "none"


@contextmanager
def scripted_endpoint() -> Iterator[TokenEndpoint]:
    """Starts oauth2-mock-server: it issues a token to any client, in the response that a test sets."""
    process = node("tokens.mjs", {})
    try:
        with Recorder(SimpleNamespace(port=process.port)) as recorder:
            yield TokenEndpoint(recorder, "/token", process)
    finally:
        process.stop()


@contextmanager
def endpoint_without_grant() -> Iterator[TokenEndpoint]:
    """Starts oidc-provider-mock: an OpenID provider that rejects the grant `client_credentials`."""
    process, port = start_on_free_port(lambda port: [built_path("venv/bin/oidc-provider-mock"), "--port", str(port)])
    try:
        with Recorder(SimpleNamespace(port=port)) as recorder:
            yield TokenEndpoint(recorder, "/oauth2/token")
    finally:
        process.stop()
