"""Lists the SCIM servers, one row each: how it starts, its authentication methods, and its quirks.

`quirks` has the meaning of each quirk, and the check for it.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from zoo.process import SERVERS, ZOO, ZooProgram, built_path, require
from zoo.scim2_server import ScimServer
from zoo.server import Auth, Kind, Server, StartedServer

BASIC = "Basic Authentication"
BEARER = "OAuth 2 Bearer Token"
CLIENT = "OAuth 2 Client Credentials"

Start = Callable[[str], StartedServer]


def start(name: str, method: str | None = None) -> Server:
    """Starts a server by the name of its row, with one of its authentication methods. Use the result in `with`."""
    kind, start_server = ROWS[name]
    method = method or kind.methods[0]
    assert method in kind.methods, f"{name} has no method {method}, only {', '.join(kind.methods)}"
    return Server(kind, start_server(method))


def bearer(token: str, scheme: str = "Bearer") -> Auth:
    right = {"AUTHENTICATION_METHOD": BEARER, "OAUTH_ACCESS_TOKEN": token, "AUTHORIZATION_TYPE": scheme}
    wrong = (right | {"OAUTH_ACCESS_TOKEN": "wrong-" + secrets.token_urlsafe(8)}, {"AUTHENTICATION_METHOD": "None"})
    return Auth(right, wrong)


def basic(user: str, password: str) -> Auth:
    right = {"AUTHENTICATION_METHOD": BASIC, "BASIC_AUTH_USER": user, "BASIC_AUTH_PASSWORD": password}
    wrong = (
        right | {"BASIC_AUTH_PASSWORD": "wrong-" + secrets.token_urlsafe(8)},
        right | {"BASIC_AUTH_USER": "no-such-user"},
        {"AUTHENTICATION_METHOD": "None"},
    )
    return Auth(right, wrong)


def start_with_schema(schema: dict[str, Any], folder: Path) -> Server:
    """Starts scim2-server with one more extension of users."""
    defaults = files("scim2_server") / "resources"
    schemas, types = (
        json.loads((defaults / f"default-{name}.json").read_text()) for name in ("schemas", "resource-types")
    )
    schemas.append(schema)
    types[0]["schemaExtensions"].append({"schema": schema["id"], "required": False})
    for name, content in (("schemas", schemas), ("types", types)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    options = ("--schema", folder / "schemas.json", "--resource-type", folder / "types.json")
    return Server(KINDS["scim2-server"], scim2_server("bearer", *options))


def scim2_server(_: str, *options: str | Path) -> StartedServer:
    server = ScimServer(*options)
    server.__enter__()
    return StartedServer(server.port, bearer(server.token), server.__exit__)


def scimmy(method: str) -> StartedServer:
    token = None if method == "none" else secrets.token_urlsafe(24)
    process = node("scimmy.mjs", {"token": token})
    auth = bearer(token) if token else Auth({"AUTHENTICATION_METHOD": "None"})
    return StartedServer(process.port, auth, process.stop)


def django(method: str) -> StartedServer:
    folder = Path(tempfile.mkdtemp(prefix="django-scim2-"))
    secret = secrets.token_urlsafe(24)
    try:
        process = python("django_server.py", {"user": "provisioning", "token": secret, "folder": str(folder)})
    except BaseException:
        shutil.rmtree(folder)
        raise

    def stop() -> None:
        process.stop()
        shutil.rmtree(folder)

    auth = bearer(secret, "Token") if method == "token" else basic("provisioning", secret)
    return StartedServer(process.port, auth, stop)


def canaille(method: str) -> StartedServer:
    secret = secrets.token_urlsafe(24)
    process = python("canaille_server.py", {"secret": secret})
    right = {"AUTHENTICATION_METHOD": CLIENT, "OAUTH_CLIENT_ID": method, "OAUTH_CLIENT_SECRET": secret}
    wrong = (
        right | {"OAUTH_CLIENT_SECRET": "wrong-" + secrets.token_urlsafe(8)},
        right | {"OAUTH_CLIENT_ID": "no-such-client"},
    )
    return StartedServer(process.port, Auth(right, wrong), process.stop, token_path="/oauth/token")


def scim_sdk(_: str) -> StartedServer:
    password = secrets.token_urlsafe(24)
    process = java("scim20", "ScimSdkServer", {"user": "provisioning", "password": password})
    return StartedServer(process.port, basic("provisioning", password), process.stop)


def unboundid(_: str) -> StartedServer:
    password = secrets.token_urlsafe(24)
    process = java("scim11", "UnboundIdServer", {"user": "provisioning", "password": password})
    return StartedServer(process.port, basic("provisioning", password), process.stop)


def node(name: str, settings: dict[str, object]) -> ZooProgram:
    """Starts a program of the folder `node`, with the modules that the build installed."""
    program = require("node")
    if not (SERVERS / "node").exists():
        require("npm")
    modules = built_path("node/node_modules")
    # Node looks for modules in the folder of the program, so the programs are copied next to them.
    for source in (ZOO / "node").glob("*.mjs"):
        copy = modules.parent / source.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copy(source, copy)
    return ZooProgram([program, modules.parent / name], settings)


def python(name: str, settings: dict[str, object]) -> ZooProgram:
    """Starts a program of the folder `python`, in the environment that the build made."""
    return ZooProgram([built_path("venv/bin/python"), "-B", ZOO / "python" / name], settings)


def java(folder: str, main: str, settings: dict[str, object]) -> ZooProgram:
    """Starts a program of the folder `java`, as the build compiled it."""
    server = built_path(f"java/{folder}")
    # The servers run for seconds only: the optimising compiler would take processor time from the tests.
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return ZooProgram([require("java"), *options, "-cp", f"{server}/classes:{server}/lib/*", main], settings)


# django-scim2 stores only the name, one mail address without a type, and whether the account is active.
DJANGO_DROPS = frozenset(
    [
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "displayName",
        "nickName",
        "profileUrl",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "emails.type",
        "phoneNumbers.value",
        "phoneNumbers.type",
        "ims.value",
        "ims.type",
        "photos.value",
        "photos.type",
        "addresses.type",
        "addresses.primary",
        "addresses.formatted",
        "addresses.streetAddress",
        "addresses.locality",
        "addresses.region",
        "addresses.postalCode",
        "addresses.country",
        "entitlements.value",
        "roles.value",
        "x509Certificates.value",
        "employeeNumber",
        "costCenter",
        "organization",
        "division",
        "department",
        "manager.value",
    ]
)
CANAILLE_REJECTS = frozenset(
    [
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "nickName",
        "userType",
        "locale",
        "timezone",
        "emails.type",
        "emails.primary",
        "phoneNumbers.type",
        "ims.value",
        "ims.type",
        "photos.value",
        "photos.type",
        "addresses.primary",
        "entitlements.value",
        "roles.value",
        "x509Certificates.value",
        "costCenter",
        "division",
        "manager.value",
    ]
)

ROWS: dict[str, tuple[Kind, Start]] = {
    kind.name: (kind, start_server)
    for kind, start_server in (
        (Kind("scim2-server", "2.0", "/v2", ("bearer",)), scim2_server),
        (
            Kind(
                name="scimmy",
                version="2.0",
                path="/scim",
                methods=("bearer", "none"),
                quirks=frozenset(
                    {
                        "case-sensitive-filter",
                        "no-quote-in-filter",
                        "no-patch-urn-path",
                        "ignores-if-match",
                        "no-location",
                    }
                ),
            ),
            scimmy,
        ),
        (
            Kind(
                name="django-scim2",
                version="2.0",
                path="/scim/v2",
                methods=("basic", "token"),
                quirks=frozenset(
                    {
                        "case-sensitive-attribute",
                        "no-email-filter",
                        "no-quote-in-filter",
                        "duplicates-by-case",
                        "conflict-without-type",
                        "ascii-email-only",
                        "no-patch-add",
                        "no-patch-urn-path",
                        "no-patch-filter-path",
                        "no-patch-remove",
                        "put-keeps-absent",
                        "no-etag",
                        "ignores-if-match",
                        "post-loses-members",
                        "put-loses-members",
                        "no-patch-remove-member",
                        "no-patch-remove-members",
                    }
                ),
                drops=DJANGO_DROPS,
                invents=frozenset({"displayName", "emails.primary"}),
            ),
            django,
        ),
        (
            Kind(
                name="canaille",
                version="2.0",
                path="/scim/v2",
                methods=("client_secret_basic", "client_secret_post"),
                quirks=frozenset(
                    {
                        "ignores-filters",
                        "count-fails",
                        "accepts-duplicates",
                        "duplicates-by-case",
                        "no-patch-filter-path",
                        "requires-name",
                        "keeps-user-name",
                        "no-location",
                        "requires-member-ref",
                        "keeps-group-name",
                        "members-by-name",
                        "no-patch-remove-member",
                        "no-patch-remove-members",
                    }
                ),
                # Otherwise pfscim sends `count`, and each list request fails: see count-fails.
                settings={"RESULTS_PER_PAGE": "-1"},
                drops=frozenset({"externalId", "addresses.type", "addresses.country"}),
                rejects=CANAILLE_REJECTS,
            ),
            canaille,
        ),
        (
            Kind("scim-sdk", "2.0", "/scim/v2", ("basic",), quirks=frozenset({"conflict-without-type"})),
            scim_sdk,
        ),
        (
            Kind("unboundid", "1.1", "/scim/v1", ("basic",), quirks=frozenset({"no-etag", "ignores-if-match"})),
            unboundid,
        ),
    )
}

KINDS: dict[str, Kind] = {name: kind for name, (kind, _) in ROWS.items()}
NAMES: tuple[str, ...] = tuple(ROWS)
