"""Runs one SCIM server behind its recorder, with one interface for every product and version.

Does not know: a single product. Products are rows of `catalogue`.
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
from zoo.recorder import RawRequest, Recorder

RESPONSE_TIMEOUT_SECONDS = 30
PAGES_MAX = 1000
SECRET_FORM_FIELDS = ("client_secret", "client_assertion", "password", "refresh_token")


@dataclass(frozen=True)
class Kind:
    """A server product, as the catalogue describes it. `tests/program/test_zoo.py` checks each of these values."""

    name: str
    """The name of its package."""
    version: str
    """Its SCIM version, as in *SCIM Version*."""
    path: str
    """The path of its SCIM base URL."""
    methods: tuple[str, ...]
    """The authentication methods that it can be started with; the first is the default."""
    quirks: frozenset[str] = frozenset()
    """Its differences from the RFCs: names from `quirks.QUIRKS`."""
    settings: dict[str, str] = field(default_factory=dict)
    """Target settings that a connection to it needs in addition to those of `auth`."""
    drops: frozenset[str] = frozenset()
    """Attributes of a user that it accepts and does not store, as paths: `nickName`, `emails.type`."""
    rejects: frozenset[str] = frozenset()
    """Attributes of a user that it rejects with 400."""
    invents: frozenset[str] = frozenset()
    """Attributes of a user that it adds or overwrites itself."""


@dataclass(frozen=True)
class Auth:
    """Target settings that a server must accept (`right`), and sets of them that it must reject (`wrong`)."""

    right: dict[str, str]
    wrong: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """One request as the server received it. Of credentials it has the scheme, never the value."""

    method: str
    path: str
    """Includes the query."""
    headers: dict[str, str]
    body: Any
    """JSON, the fields of a form, or None."""
    status: int
    """The status of its response."""

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """Returns a header. Its name may be in any case."""
        return find_header(self.headers, name)


@dataclass(frozen=True)
class Response:
    """The response to a request of the test itself."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None

    def header(self, name: str) -> str | None:
        """Returns a header. Its name may be in any case."""
        return find_header(self.headers, name)


@dataclass
class StartedServer:
    """A started server, as its row of the catalogue returns it."""

    port: int
    auth: Auth
    stop: Callable[[], None]
    token_path: str = ""
    """The path of its own token endpoint, if it has one."""


class Server:
    """A running SCIM server. Requests to `url` are recorded; requests of the test itself are not."""

    def __init__(self, kind: Kind, started: StartedServer) -> None:
        self.kind = kind
        self.name = kind.name
        self.version = kind.version
        self.quirks = kind.quirks
        self.settings = kind.settings
        self.port = started.port
        self._started = started
        self.recorder = Recorder(self)

    def __enter__(self) -> "Server":
        try:
            self.recorder.__enter__()
        except BaseException:
            self._started.stop()
            raise
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.recorder.__exit__(kind, value, trace)
        finally:
            self._started.stop()

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
        """Target settings for authentication, right and wrong ones."""
        if not self._started.token_path:
            return self._started.auth
        endpoint = {"OAUTH_TOKEN_REQUEST": self.origin + self._started.token_path}
        auth = self._started.auth
        return Auth(auth.right | endpoint, tuple(wrong | endpoint for wrong in auth.wrong))

    # --- recorded requests ------------------------------------------------------------------------------------------

    def requests(self) -> list[Request]:
        """Returns every request since the start or `clear_requests`, in the order of arrival."""
        return [parse_request(raw) for raw in self.recorder.raw_requests]

    def clear_requests(self) -> None:
        """Removes all recorded requests."""
        self.recorder.clear_requests()

    # --- the server's own state -------------------------------------------------------------------------------------

    def users(self) -> dict[str, dict[str, Any]]:
        """Returns every user by name, as `normalised` describes."""
        return {user["userName"]: normalised(user) for user in self.resources("/Users")}

    def groups(self) -> dict[str, dict[str, Any]]:
        """Returns every group by name, as `normalised` describes; a member's value is its name, in order."""
        groups = self.resources("/Groups")
        names = {group["id"]: group["displayName"] for group in groups}
        names |= {user["id"]: user["userName"] for user in self.resources("/Users")}
        return {group["displayName"]: normalised(group) | {"members": members(group, names)} for group in groups}

    def resources(self, path: str) -> list[dict[str, Any]]:
        """Returns every resource of one endpoint as the server lists it, from all pages."""
        resources: list[dict[str, Any]] = []
        for _ in range(PAGES_MAX):
            page = self.request("GET", path if not resources else f"{path}?startIndex={len(resources) + 1}")
            assert page.status == 200, f"{self.name} does not list {path}: {page}"
            resources += page.body.get("Resources", [])
            if not page.body.get("Resources") or len(resources) >= page.body["totalResults"]:
                return resources
        raise AssertionError(f"{self.name}: the list of {path} has more than {PAGES_MAX} pages")

    def seed(self, users: list[dict[str, Any]]) -> None:
        """Creates users before a test."""
        self._create("/Users", users)

    def seed_groups(self, groups: list[dict[str, Any]]) -> None:
        """Creates groups before a test. A member's value is the name of a user or of an earlier group."""
        for group in groups:
            places = {user["userName"]: ("/Users", user["id"]) for user in self.resources("/Users")}
            places |= {earlier["displayName"]: ("/Groups", earlier["id"]) for earlier in self.resources("/Groups")}
            sent = []
            for member in group.get("members", []):
                endpoint, target_id = places[member["value"]]
                sent.append({"value": target_id, "$ref": f"{self.url}{endpoint}/{target_id}"})
            if self.version == "1.1":
                # SCIM 1.1 does not have $ref.
                sent = [{"value": member["value"]} for member in sent]
            self._create("/Groups", [group | {"members": sent}])

    def clear(self) -> None:
        """Deletes every group and user, and removes all recorded requests, for the next test."""
        for path in ("/Groups", "/Users"):
            for resource in self.resources(path):
                response = self.request("DELETE", f"{path}/{urllib.parse.quote(resource['id'], safe='')}")
                assert response.status in (200, 204), f"{self.name} does not delete {resource}: {response}"
        self.clear_requests()

    def _create(self, path: str, resources: list[dict[str, Any]]) -> None:
        for resource in resources:
            response = self.request("POST", path, resource)
            assert response.status == 201, f"{self.name} does not create {resource}: {response}"

    # --- requests of the test itself --------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        auth: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        recorded: bool = False,
    ) -> Response:
        """Sends a request. `auth` defaults to the right credentials; only with `recorded` it goes through the recorder."""
        base = self.origin if recorded else self._direct_origin
        auth = auth or self.auth.right
        if not recorded:
            auth = {name: value.replace(self.origin, base) for name, value in auth.items()}
        media = "application/scim+json" if self.version == "2.0" else "application/json"
        headers = {"Accept": media} | (headers or {})
        token_error = add_credentials(auth, headers)
        if token_error is not None:
            return token_error
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = media
        return send(urllib.request.Request(base + self.kind.path + path, data, headers, method=method))


def add_credentials(auth: dict[str, str], headers: dict[str, str]) -> Response | None:
    """Adds the credentials of target settings to the headers.

    Returns the response of the token endpoint if it issues no token, otherwise None.
    """
    method = auth["AUTHENTICATION_METHOD"]
    if method == "Basic Authentication":
        headers["Authorization"] = basic_credentials(auth["BASIC_AUTH_USER"], auth["BASIC_AUTH_PASSWORD"])
    elif method == "OAuth 2 Bearer Token":
        headers["Authorization"] = f"{auth.get('AUTHORIZATION_TYPE', 'Bearer')} {auth['OAUTH_ACCESS_TOKEN']}"
    elif method == "OAuth 2 Client Credentials":
        # The endpoint accepts the secret in the header or in the body, depending on how the client is registered.
        response = request_token(auth, by_header=True)
        if response.status != 200:
            response = request_token(auth, by_header=False)
        if response.status != 200:
            return response
        headers["Authorization"] = f"Bearer {response.body['access_token']}"
    return None


def request_token(auth: dict[str, str], by_header: bool) -> Response:
    """Requests a token, with the client's secret in the header or in the body."""
    form = {"grant_type": "client_credentials"}
    if "OAUTH_SCOPE" in auth:
        form["scope"] = auth["OAUTH_SCOPE"]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if by_header:
        headers["Authorization"] = basic_credentials(auth["OAUTH_CLIENT_ID"], auth["OAUTH_CLIENT_SECRET"])
    else:
        form |= {"client_id": auth["OAUTH_CLIENT_ID"], "client_secret": auth["OAUTH_CLIENT_SECRET"]}
    data = urllib.parse.urlencode(form).encode()
    return send(urllib.request.Request(auth["OAUTH_TOKEN_REQUEST"], data, headers, method="POST"))


def find_header(headers: dict[str, str], name: str) -> str | None:
    return next((value for other, value in headers.items() if other.lower() == name.lower()), None)


def basic_credentials(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def send(request: urllib.request.Request, **more: Any) -> Response:
    """Returns the response, also if its status is an error."""
    try:
        response = urllib.request.urlopen(request, timeout=RESPONSE_TIMEOUT_SECONDS, **more)
    except urllib.error.HTTPError as error_response:
        response = error_response
    with response:
        return Response(response.status, dict(response.headers), response.read().decode("utf-8", "replace"))


def parse_request(raw: RawRequest) -> Request:
    """Parses the body of a recorded request, and masks the secrets in forms."""
    media_type = find_header(raw.headers, "Content-Type") or ""
    body: Any = None
    if "x-www-form-urlencoded" in media_type:
        fields = urllib.parse.parse_qsl(raw.body, keep_blank_values=True)
        body = {name: "***" if name in SECRET_FORM_FIELDS else value for name, value in fields}
    elif raw.body:
        body = json.loads(raw.body)
    return Request(raw.method, raw.path, raw.headers, body, raw.status)


def normalised(resource: dict[str, Any]) -> dict[str, Any]:
    """Returns a resource in a form that is equal for equal content at any server.

    Without what the server assigns (`id`, `meta`, `groups`, `$ref`) and without empty values (null, empty, `primary`
    false). `schemas` and multi-valued attributes are in order. `schemas` has no extension without content, and is
    missing if the server's response does not have it (lists of SCIM 1.1).
    """
    rest = {name: value for name, value in resource.items() if name not in ("id", "meta", "groups", "schemas")}
    content = without_empty_values(rest)
    if "schemas" in resource:
        content["schemas"] = sorted(urn for urn in resource["schemas"] if ":extension:" not in urn or urn in content)
    return content


def members(group: dict[str, Any], names: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": name} for name in sorted(names.get(m["value"], m["value"]) for m in group.get("members") or [])]


def without_empty_values(value: Any) -> Any:
    if isinstance(value, dict):
        content = {name: without_empty_values(each) for name, each in value.items() if name != "$ref"}
        if content.get("primary") is False:
            del content["primary"]
        return {name: each for name, each in content.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return sorted((without_empty_values(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value
