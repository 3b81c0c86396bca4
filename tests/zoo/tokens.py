"""Token endpoints that are none of a SCIM server: one that answers as it is told, and one that knows no client
credentials."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from zoo.catalogue import CLIENT, node
from zoo.process import Told, built, on_free_port
from zoo.recorder import Recorder
from zoo.server import Request, header, request


class Tokens:
    """A running token endpoint behind its recorder."""

    def __init__(self, recorder: Recorder, path: str, process: Told | None = None) -> None:
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
        """Target settings that fetch a token here."""
        return {
            "AUTHENTICATION_METHOD": CLIENT,
            "OAUTH_TOKEN_REQUEST": self.url,
            "OAUTH_CLIENT_ID": self.client,
            "OAUTH_CLIENT_SECRET": self.secret,
        }

    def tell(self, status: int | None = None, omit: tuple[str, ...] = (), **members: Any) -> None:
        """How to answer from now on: with another status, without some members, with others laid over the real ones.

        `tell(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"], expires_in="3600")`. What is no JSON at all is the
        recorder's to answer (`recorder.instead`).
        """
        order: dict[str, Any] = {"merge": members, "omit": list(omit)}
        if status is not None:
            order["status"] = status
        self._process.order(order)

    def refuse(self, status: int, error: str) -> None:
        """Answers from now on with an error of OAuth 2 (RFC 6749, section 5.2) and nothing else."""
        self._process.order({"status": status, "body": {"error": error}})

    def requests(self) -> list[Request]:
        """Every request for a token. Secrets are masked."""
        return [request(exchange) for exchange in self.recorder.exchanges]

    def secrets_sent(self) -> list[str]:
        """How each request sent the client's secret: `header`, `body` or `none`."""
        return [sent_in(each) for each in self.requests()]


def sent_in(asked: Request) -> str:
    if (header(asked.headers, "Authorization") or "").startswith("Basic "):
        return "header"
    return "body" if "client_secret" in (asked.body or {}) else "none"


@contextmanager
def scripted() -> Iterator[Tokens]:
    """oauth2-mock-server: gives any client a token, in the answer it was told to give."""
    process = node("tokens.mjs", {})
    try:
        with Recorder(SimpleNamespace(port=process.port)) as recorder:
            yield Tokens(recorder, "/token", process)
    finally:
        process.end()


@contextmanager
def without_grant() -> Iterator[Tokens]:
    """oidc-provider-mock: a real provider of sign-ins that refuses the grant `client_credentials`."""
    process, port = on_free_port(lambda port: [built("venv/bin/oidc-provider-mock"), "--port", str(port)])
    try:
        with Recorder(SimpleNamespace(port=port)) as recorder:
            yield Tokens(recorder, "/oauth2/token")
    finally:
        process.end()
