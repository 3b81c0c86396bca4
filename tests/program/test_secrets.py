"""Nothing that is said or kept holds a secret: every command, both ways, as talkative as can be, against targets that
behave and targets that repeat what they were sent."""

import base64
import json
import secrets
from pathlib import Path

import pytest
from kit.program import pfscim
from kit.zoo_connection import FIELDS, PERSON, WAYS, ZooConnection
from zoo import Server, start

MASKED = {"displayName": "hidden-name-" + secrets.token_hex(6), "password": "Hidden-Pass-1-" + secrets.token_hex(6)}
LATER = "hidden-name-" + secrets.token_hex(6)
FULL = FIELDS | {"displayName": "displayName", "password": "password"}
ANN = PERSON | MASKED
BEN = PERSON | {"id": "n-2", "uid": "ben.roe@example.com"} | MASKED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["scim2-server", "canaille", "scim-sdk"])
def test_no_secret_is_printed_or_stored(name, way, tmp_path):
    with start(name) as server:
        link = ZooConnection.to(
            server, tmp_path, way, fields=FULL, masked=tuple(MASKED), java_options=["-Dorg.pfscim.host.log=all"]
        )
        everything(link, server)
        assert {person["uid"] for person in (ANN, BEN)} == set(server.users())
        files = [path for path in tmp_path.rglob("*") if path.is_file() and "people" not in path.name]
        texts = {str(path.name): path.read_bytes() for path in files}
        texts |= {f"{place} of run {n}": text.encode() for n, run in enumerate(link.said) for place, text in said(run)}
        assert len(texts) > 20 and any(b"ann.lee@example.com" in text for text in texts.values())
        for secret in hidden(server.auth.right):
            assert [place for place, text in texts.items() if secret.encode() in text] == [], "a secret is shown"


def everything(link: ZooConnection, server: Server) -> None:
    """Every command that looks at the connection, well and not so well."""
    link.run("check", "-v", link.connection, "--json")
    assert link.test("-v").status == 0
    assert link.plan([ANN], "-v").status == 0
    assert link.sync([ANN], "-v").status == 0
    assert link.plan([ANN | {"displayName": LATER}], "-v", "--html", link.folder / "plan.html").status == 0
    assert link.sync([ANN | {"displayName": LATER}], "-v", "--audit", link.folder / "audit.jsonl").status == 0
    # Targets that repeat in their reasons what they were sent.
    server.recorder.instead = lambda e: (400, "application/json", refusal(e.body)) if writes(e) else None
    assert link.sync([ANN, BEN], "-v").status == 1
    server.recorder.instead = lambda e: (400, "text/plain", e.body) if writes(e) else None
    assert link.sync([ANN, BEN], "-v").status == 1
    server.recorder.instead = lambda e: (401, "text/html", json.dumps(server.auth.right))
    assert link.sync([ANN, BEN], "-v").status == 3
    assert link.test("-v").status == 3
    server.recorder.instead = lambda e: None
    assert link.sync([ANN, BEN], "-v").status == 0
    # A connection that holds its secrets itself, and one that cannot be read to its end.
    own = document(link)
    link.run("check", "-v", own)
    link.run("plan", own, "--source", f"jsonl:{link.people([ANN])}", "-v")
    link.run("import", link.connection)
    own.write_text(own.read_text(encoding="utf-8")[:-2], encoding="utf-8")
    link.run("check", "-v", own)
    own.unlink()
    link.said.append(pfscim("describe", "settings", "--json"))


def document(link: ZooConnection) -> Path:
    """The connection with its secrets in it."""
    text = json.loads(link.connection.read_text(encoding="utf-8"))
    settings = text["outboundProvision"]["targetSettings"]
    settings += [{"name": name, "value": value} for name, value in link.secrets.items()]
    path = link.folder / "own.json"
    path.write_text(json.dumps(text), encoding="utf-8")
    return path


def writes(exchange) -> bool:
    return exchange.method in ("POST", "PUT", "PATCH") and "/Users" in exchange.path


def refusal(body: str) -> str:
    return json.dumps({"status": "400", "scimType": "invalidValue", "detail": f"not accepted: {body}"})


def said(run) -> list[tuple[str, str]]:
    return [("standard output", run.out), ("standard error", run.err)]


def hidden(auth: dict[str, str]) -> list[str]:
    """Everything that must not be seen, in every form that it is sent in."""
    names = ("OAUTH_ACCESS_TOKEN", "BASIC_AUTH_PASSWORD", "OAUTH_CLIENT_SECRET")
    given = [value for name, value in auth.items() if name in names]
    users = [value for name, value in auth.items() if name in ("BASIC_AUTH_USER", "OAUTH_CLIENT_ID")]
    pairs = [base64.b64encode(f"{user}:{secret}".encode()).decode() for user in users for secret in given]
    return [*given, *pairs, *MASKED.values(), LATER]
