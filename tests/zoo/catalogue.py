"""The SCIM servers, one row each: how it is started, how one signs in, and what it cannot do.

`quirks` says what the words mean and how they are proved.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from zoo.process import BUILD, HERE, Told, built, require
from zoo.scim2_server import ScimServer
from zoo.server import Auth, Kind, Running, Server

BASIC = "Basic Authentication"
BEARER = "OAuth 2 Bearer Token"
CLIENT = "OAuth 2 Client Credentials"

Start = Callable[[str], Running]


def start(name: str, method: str | None = None) -> Server:
    """A server by the name of its row, with one of its ways to sign in; to be used in `with`."""
    kind, begin = ROWS[name]
    method = method or kind.methods[0]
    assert method in kind.methods, f"{name} has no {method}, only {', '.join(kind.methods)}"
    return Server(kind, begin(method))


def bearer(token: str, scheme: str = "Bearer") -> Auth:
    right = {"AUTHENTICATION_METHOD": BEARER, "OAUTH_ACCESS_TOKEN": token, "AUTHORIZATION_TYPE": scheme}
    wrong = (right | {"OAUTH_ACCESS_TOKEN": "wrong-" + secrets.token_urlsafe(8)}, {"AUTHENTICATION_METHOD": "None"})
    return Auth(right, wrong)


def basic(user: str, password: str) -> Auth:
    right = {"AUTHENTICATION_METHOD": BASIC, "BASIC_AUTH_USER": user, "BASIC_AUTH_PASSWORD": password}
    wrong = (
        right | {"BASIC_AUTH_PASSWORD": "wrong-" + secrets.token_urlsafe(8)},
        right | {"BASIC_AUTH_USER": "nobody"},
        {"AUTHENTICATION_METHOD": "None"},
    )
    return Auth(right, wrong)


def start_with_schema(schema: dict[str, Any], folder: Path) -> Server:
    """scim2-server with one extension of users more."""
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


def scim2_server(_: str, *options: str | Path) -> Running:
    server = ScimServer(*options)
    server.__enter__()
    return Running(server.port, bearer(server.token), server.__exit__)


def scimmy(method: str) -> Running:
    token = None if method == "none" else secrets.token_urlsafe(24)
    process = node("scimmy.mjs", {"token": token})
    auth = bearer(token) if token else Auth({"AUTHENTICATION_METHOD": "None"})
    return Running(process.port, auth, process.end)


def django(method: str) -> Running:
    folder = Path(tempfile.mkdtemp(prefix="django-scim2-"))
    secret = secrets.token_urlsafe(24)
    try:
        process = python("django_server.py", {"user": "provisioning", "token": secret, "folder": str(folder)})
    except BaseException:
        shutil.rmtree(folder)
        raise

    def end() -> None:
        process.end()
        shutil.rmtree(folder)

    auth = bearer(secret, "Token") if method == "token" else basic("provisioning", secret)
    return Running(process.port, auth, end)


def canaille(method: str) -> Running:
    secret = secrets.token_urlsafe(24)
    process = python("canaille_server.py", {"secret": secret})
    right = {"AUTHENTICATION_METHOD": CLIENT, "OAUTH_CLIENT_ID": method, "OAUTH_CLIENT_SECRET": secret}
    wrong = (
        right | {"OAUTH_CLIENT_SECRET": "wrong-" + secrets.token_urlsafe(8)},
        right | {"OAUTH_CLIENT_ID": "nobody"},
    )
    return Running(process.port, Auth(right, wrong), process.end, token_path="/oauth/token")


def scim_sdk(_: str) -> Running:
    password = secrets.token_urlsafe(24)
    process = java("scim20", "ScimSdkServer", {"user": "provisioning", "password": password})
    return Running(process.port, basic("provisioning", password), process.end)


def unboundid(_: str) -> Running:
    password = secrets.token_urlsafe(24)
    process = java("scim11", "UnboundIdServer", {"user": "provisioning", "password": password})
    return Running(process.port, basic("provisioning", password), process.end)


def node(name: str, settings: dict[str, object]) -> Told:
    """A program of the folder `node`, with the modules that the build installed."""
    program = require("node")
    if not (BUILD / "node").exists():
        require("npm")
    modules = built("node/node_modules")
    # Modules are looked for beside the program.
    for source in (HERE / "node").glob("*.mjs"):
        copy = modules.parent / source.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copy(source, copy)
    return Told([program, modules.parent / name], settings)


def python(name: str, settings: dict[str, object]) -> Told:
    """A program of the folder `python`, in the environment that the build made."""
    return Told([built("venv/bin/python"), "-B", HERE / "python" / name], settings)


def java(folder: str, main: str, settings: dict[str, object]) -> Told:
    """A program of the folder `java`, as the build compiled it."""
    where = built(f"java/{folder}")
    path = f"{where}/classes:{where}/lib/*"
    # Short lives: the second compiler would only take the processor away from the tests.
    short = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return Told([require("java"), *short, "-cp", path, main], settings)


# What django-scim2 has columns for is the name, one mail address without a type, the account's state, and nothing else.
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
CANAILLE_REFUSES = frozenset(
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
    kind.name: (kind, begin)
    for kind, begin in (
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
                # Without it no list can be had at all: see count-fails.
                settings={"RESULTS_PER_PAGE": "-1"},
                drops=frozenset({"externalId", "addresses.type", "addresses.country"}),
                refuses=CANAILLE_REFUSES,
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
