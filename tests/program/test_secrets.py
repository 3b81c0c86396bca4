"""Checks that no output and no file contains a secret.

Every command runs with `-v`, through core and through the jar, at targets that work and at targets that repeat the body
of a request.
"""

import base64
import json
import secrets
from pathlib import Path

import pytest
from kit.program import pfscim
from kit.zoo_connection import FIELDS, PERSON, WAYS, ZooConnection
from zoo import Server, start

MASKED = {"displayName": "hidden-name-" + secrets.token_hex(6), "password": "Hidden-Pass-1-" + secrets.token_hex(6)}
MASKED_LATER = "hidden-name-" + secrets.token_hex(6)
FIELDS_WITH_MASKED = FIELDS | {"displayName": "displayName", "password": "password"}
ANN = PERSON | MASKED
BEN = PERSON | {"id": "n-2", "uid": "ben.roe@example.com"} | MASKED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["scim2-server", "canaille", "scim-sdk"])
def test_no_secret_is_printed_or_stored(name, way, tmp_path):
    with start(name) as server:
        connection = ZooConnection.for_server(
            server,
            tmp_path,
            way,
            fields=FIELDS_WITH_MASKED,
            masked=tuple(MASKED),
            java_options=["-Dorg.pfscim.host.log=all"],
        )
        run_all_commands(connection, server)
        assert {person["uid"] for person in (ANN, BEN)} == set(server.users())
        files = [path for path in tmp_path.rglob("*") if path.is_file() and "people" not in path.name]
        texts = {str(path.name): path.read_bytes() for path in files}
        texts |= {
            f"{place} of run {n}": text.encode()
            for n, run in enumerate(connection.runs)
            for place, text in streams(run)
        }
        assert len(texts) > 20 and any(b"ann.lee@example.com" in text for text in texts.values())
        for secret in secret_values(server.auth.right):
            assert [place for place, text in texts.items() if secret.encode() in text] == [], "a secret is shown"


def run_all_commands(connection: ZooConnection, server: Server) -> None:
    """Runs every command that reads the connection, with and without failures."""
    connection.run("check", "-v", connection.connection, "--json")
    assert connection.test("-v").status == 0
    assert connection.plan([ANN], "-v").status == 0
    assert connection.sync([ANN], "-v").status == 0
    renamed = ANN | {"displayName": MASKED_LATER}
    assert connection.plan([renamed], "-v", "--html", connection.folder / "plan.html").status == 0
    assert connection.sync([renamed], "-v", "--audit", connection.folder / "audit.jsonl").status == 0
    # The target repeats the body of the request in its error.
    server.recorder.override = lambda e: (400, "application/json", rejection(e.body)) if writes(e) else None
    assert connection.sync([ANN, BEN], "-v").status == 1
    server.recorder.override = lambda e: (400, "text/plain", e.body) if writes(e) else None
    assert connection.sync([ANN, BEN], "-v").status == 1
    server.recorder.override = lambda e: (401, "text/html", json.dumps(server.auth.right))
    assert connection.sync([ANN, BEN], "-v").status == 3
    assert connection.test("-v").status == 3
    server.recorder.override = lambda e: None
    assert connection.sync([ANN, BEN], "-v").status == 0
    # A connection with its secrets inside, then the same file cut off.
    path_with_secrets = write_with_secrets(connection)
    connection.run("check", "-v", path_with_secrets)
    connection.run("plan", path_with_secrets, "--source", f"jsonl:{connection.write_source([ANN])}", "-v")
    connection.run("import", connection.connection)
    path_with_secrets.write_text(path_with_secrets.read_text(encoding="utf-8")[:-2], encoding="utf-8")
    connection.run("check", "-v", path_with_secrets)
    path_with_secrets.unlink()
    connection.runs.append(pfscim("describe", "settings", "--json"))


def write_with_secrets(connection: ZooConnection) -> Path:
    """Writes a copy of the connection that contains its secrets."""
    text = json.loads(connection.connection.read_text(encoding="utf-8"))
    settings = text["outboundProvision"]["targetSettings"]
    settings += [{"name": name, "value": value} for name, value in connection.secrets.items()]
    path = connection.folder / "with-secrets.json"
    path.write_text(json.dumps(text), encoding="utf-8")
    return path


def writes(request) -> bool:
    return request.method in ("POST", "PUT", "PATCH") and "/Users" in request.path


def rejection(body: str) -> str:
    return json.dumps({"status": "400", "scimType": "invalidValue", "detail": f"not accepted: {body}"})


def streams(run) -> list[tuple[str, str]]:
    return [("standard output", run.out), ("standard error", run.err)]


def secret_values(auth: dict[str, str]) -> list[str]:
    """Returns every secret in every form in which it is sent."""
    names = ("OAUTH_ACCESS_TOKEN", "BASIC_AUTH_PASSWORD", "OAUTH_CLIENT_SECRET")
    credentials = [value for name, value in auth.items() if name in names]
    users = [value for name, value in auth.items() if name in ("BASIC_AUTH_USER", "OAUTH_CLIENT_ID")]
    pairs = [base64.b64encode(f"{user}:{secret}".encode()).decode() for user in users for secret in credentials]
    return [*credentials, *pairs, *MASKED.values(), MASKED_LATER]
