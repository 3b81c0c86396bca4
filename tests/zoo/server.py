"""One SCIM server behind its recorder, and the same questions for every one of them.

Knows the protocol as a client of any version does, nothing of a single product: those are rows of `catalogue`.
"""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from zoo.process import LOOPBACK
from zoo.recorder import Exchange, Recorder

SECONDS = 30
SECRET_FORM_FIELDS = ("client_secret", "client_assertion", "password", "refresh_token")


@dataclass(frozen=True)
class Kind:
    """What is known of a server before it is started. `tests/program/test_zoo.py` proves every word of it."""

    name: str
    """Its package's name."""
    version: str
    """The SCIM version it speaks, as in *SCIM Version*."""
    path: str
    """Where its SCIM base URL ends."""
    methods: tuple[str, ...]
    """The ways to sign in that it can be started with; the first is the usual one."""
    quirks: frozenset[str] = frozenset()
    """What it cannot do, or does its own way: names from `quirks.QUIRKS`."""
    settings: dict[str, str] = field(default_factory=dict)
    """Target settings that a connection to it needs beside those of `auth`."""
    drops: frozenset[str] = frozenset()
    """Attributes of a user that it takes and does not keep, as paths: `nickName`, `emails.type`."""
    refuses: frozenset[str] = frozenset()
    """Attributes of a user that it answers 400."""
    invents: frozenset[str] = frozenset()
    """Attributes of a user that it makes up or overwrites."""


@dataclass(frozen=True)
class Auth:
    """Target settings that let a connection in, and sets of them that must not."""

    right: dict[str, str]
    wrong: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """One request as the server got it. Credentials are there by kind, never by value."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    body: Any
    """JSON, or the fields of a form, or None."""
    status: int
    """What was answered."""

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """A header by its name in any case."""
        return header(self.headers, name)


@dataclass(frozen=True)
class Answer:
    """What a server answered to a question of the test itself."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None

    def header(self, name: str) -> str | None:
        """A header by its name in any case."""
        return header(self.headers, name)


@dataclass
class Running:
    """A started server, as its row of the catalogue hands it over."""

    port: int
    auth: Auth
    end: Callable[[], None]
    token_path: str = ""
    """Where its own token endpoint is, if it has one."""


class Server:
    """A running SCIM server. Everything that is asked through `url` is recorded; what the test asks is not."""

    def __init__(self, kind: Kind, running: Running) -> None:
        self.kind = kind
        self.name = kind.name
        self.version = kind.version
        self.quirks = kind.quirks
        self.settings = kind.settings
        self.port = running.port
        self._running = running
        self.recorder = Recorder(self)

    def __enter__(self) -> "Server":
        try:
            self.recorder.__enter__()
        except BaseException:
            self._running.end()
            raise
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.recorder.__exit__(kind, value, trace)
        finally:
            self._running.end()

    @property
    def origin(self) -> str:
        """Scheme, host and port of the recorder."""
        parts = urllib.parse.urlsplit(self.recorder.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def _direct_origin(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The SCIM base URL for a connection."""
        return self.origin + self.kind.path

    @property
    def auth(self) -> Auth:
        """Target settings for signing in, right and wrong ones."""
        if not self._running.token_path:
            return self._running.auth
        endpoint = {"OAUTH_TOKEN_REQUEST": self.origin + self._running.token_path}
        auth = self._running.auth
        return Auth(auth.right | endpoint, tuple(wrong | endpoint for wrong in auth.wrong))

    # --- what was asked ---------------------------------------------------------------------------------------------

    def requests(self) -> list[Request]:
        """Every request since the start or `forget`, in the order of arrival."""
        return [request(exchange) for exchange in self.recorder.exchanges]

    def forget(self) -> None:
        """Starts the record over."""
        self.recorder.forget()

    # --- the server's own state -------------------------------------------------------------------------------------

    def users(self) -> dict[str, dict[str, Any]]:
        """Every user by name, as plain SCIM JSON: see `plain`."""
        return {each["userName"]: plain(each) for each in self.resources("/Users")}

    def groups(self) -> dict[str, dict[str, Any]]:
        """Every group by name, as plain SCIM JSON; each member's value is its name instead of its id, in order."""
        groups = self.resources("/Groups")
        names = {each["id"]: each["displayName"] for each in groups}
        names |= {each["id"]: each["userName"] for each in self.resources("/Users")}
        return {each["displayName"]: plain(each) | {"members": members(each, names)} for each in groups}

    def resources(self, path: str) -> list[dict[str, Any]]:
        """Every resource of one endpoint as the server lists it, through all pages."""
        found: list[dict[str, Any]] = []
        for _ in range(1000):
            where = path if not found else f"{path}?startIndex={len(found) + 1}"
            page = self.ask("GET", where)
            assert page.status == 200, f"{self.name} does not list {path}: {page}"
            found += page.body.get("Resources", [])
            if not page.body.get("Resources") or len(found) >= page.body["totalResults"]:
                return found
        raise AssertionError(f"{self.name} lists {path} without end")

    def seed(self, users: list[dict[str, Any]]) -> None:
        """Puts users there before a test."""
        self._create("/Users", users)

    def seed_groups(self, groups: list[dict[str, Any]]) -> None:
        """Puts groups there before a test; each member's value is a user's or an earlier group's name."""
        for group in groups:
            known = {each["userName"]: ("/Users", each["id"]) for each in self.resources("/Users")}
            known |= {each["displayName"]: ("/Groups", each["id"]) for each in self.resources("/Groups")}
            sent = []
            for member in group.get("members", []):
                where, identifier = known[member["value"]]
                sent.append({"value": identifier, "$ref": f"{self.url}{where}/{identifier}"})
            if self.version == "1.1":
                # It knows no $ref.
                sent = [{"value": member["value"]} for member in sent]
            self._create("/Groups", [group | {"members": sent}])

    def clear(self) -> None:
        """Takes every group and user away again, so that the next test can have this server."""
        for path in ("/Groups", "/Users"):
            for each in self.resources(path):
                answer = self.ask("DELETE", f"{path}/{urllib.parse.quote(each['id'], safe='')}")
                assert answer.status in (200, 204), f"{self.name} keeps {each}: {answer}"
        self.forget()

    def _create(self, path: str, resources: list[dict[str, Any]]) -> None:
        for resource in resources:
            answer = self.ask("POST", path, resource)
            assert answer.status == 201, f"{self.name} does not take {resource}: {answer}"

    # --- asking -----------------------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        auth: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        recorded: bool = False,
    ) -> Answer:
        """Asks the server with the right credentials unless others are given, past the recorder unless told."""
        base = self.origin if recorded else self._direct_origin
        auth = auth or self.auth.right
        if not recorded:
            auth = {name: value.replace(self.origin, base) for name, value in auth.items()}
        media = "application/scim+json" if self.version == "2.0" else "application/json"
        headers = {"Accept": media} | (headers or {})
        refused = sign_in(auth, headers)
        if refused is not None:
            return refused
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = media
        return send(urllib.request.Request(base + self.kind.path + path, data, headers, method=method))


def sign_in(auth: dict[str, str], headers: dict[str, str]) -> Answer | None:
    """Puts the credentials of target settings into the headers; the answer of a token endpoint that gives none."""
    method = auth["AUTHENTICATION_METHOD"]
    if method == "Basic Authentication":
        headers["Authorization"] = basic(auth["BASIC_AUTH_USER"], auth["BASIC_AUTH_PASSWORD"])
    elif method == "OAuth 2 Bearer Token":
        headers["Authorization"] = f"{auth.get('AUTHORIZATION_TYPE', 'Bearer')} {auth['OAUTH_ACCESS_TOKEN']}"
    elif method == "OAuth 2 Client Credentials":
        # One of the two ways to send the secret is the client's.
        answer = token(auth, by_header=True)
        if answer.status != 200:
            answer = token(auth, by_header=False)
        if answer.status != 200:
            return answer
        headers["Authorization"] = f"Bearer {answer.body['access_token']}"
    return None


def token(auth: dict[str, str], by_header: bool) -> Answer:
    """Asks a token endpoint for a token."""
    form = {"grant_type": "client_credentials"}
    if "OAUTH_SCOPE" in auth:
        form["scope"] = auth["OAUTH_SCOPE"]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if by_header:
        headers["Authorization"] = basic(auth["OAUTH_CLIENT_ID"], auth["OAUTH_CLIENT_SECRET"])
    else:
        form |= {"client_id": auth["OAUTH_CLIENT_ID"], "client_secret": auth["OAUTH_CLIENT_SECRET"]}
    data = urllib.parse.urlencode(form).encode()
    return send(urllib.request.Request(auth["OAUTH_TOKEN_REQUEST"], data, headers, method="POST"))


def header(headers: dict[str, str], name: str) -> str | None:
    return next((value for other, value in headers.items() if other.lower() == name.lower()), None)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def send(question: urllib.request.Request, **more: Any) -> Answer:
    """Any answer, whatever its status."""
    try:
        answer = urllib.request.urlopen(question, timeout=SECONDS, **more)
    except urllib.error.HTTPError as refusal:
        answer = refusal
    with answer:
        return Answer(answer.status, dict(answer.headers), answer.read().decode("utf-8", "replace"))


def request(exchange: Exchange) -> Request:
    """What the recorder kept, with the body read and secrets of forms taken out."""
    kind = header(exchange.headers, "Content-Type") or ""
    body: Any = None
    if "x-www-form-urlencoded" in kind:
        fields = urllib.parse.parse_qsl(exchange.body, keep_blank_values=True)
        body = {name: "***" if name in SECRET_FORM_FIELDS else value for name, value in fields}
    elif exchange.body:
        body = json.loads(exchange.body)
    return Request(exchange.method, exchange.path, exchange.headers, body, exchange.status)


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource as it is compared between servers.

    Left out: what the server assigns (`id`, `meta`, `groups`, `$ref`), and what says nothing (null, empty, `primary`
    false). `schemas` and multi-valued attributes are in order. Schemas of extensions without content are left out, as
    are all of them where a server leaves them out itself (SCIM 1.1 lists).
    """
    kept = {name: value for name, value in resource.items() if name not in ("id", "meta", "groups", "schemas")}
    simple = without_nothing(kept)
    if "schemas" in resource:
        extensions = [urn for urn in resource["schemas"] if ":extension:" not in urn or urn in simple]
        simple["schemas"] = sorted(extensions)
    return simple


def members(group: dict[str, Any], names: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": name} for name in sorted(names.get(m["value"], m["value"]) for m in group.get("members") or [])]


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        clean = {name: without_nothing(each) for name, each in value.items() if name != "$ref"}
        if clean.get("primary") is False:
            del clean["primary"]
        return {name: each for name, each in clean.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return sorted((without_nothing(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value
