"""Checks users from CSV and JSON Lines files: they are selected and mapped like entries of a directory."""

import json
from pathlib import Path

import pytest
from kit.program import Setup
from test_ldap import MAPPING, SOURCE, active_names, attribute_mapping, user_names
from test_safety import assert_failure
from zoo.scim2_server import ScimServer

HEADER = "entryUUID,uid,mail,givenName,sn,title,employeeType,memberOf"
STAFF = "cn=staff,ou=groups,dc=example,dc=com"


@pytest.fixture(params=["csv", "jsonl"])
def table(request: pytest.FixtureRequest, direct: Setup, empty_target: ScimServer, tmp_path: Path) -> "Table":
    return Table(direct, tmp_path / f"people.{request.param}", request.param)


class Table:
    """A connection whose users are in a CSV or JSON Lines file."""

    def __init__(self, setup: Setup, file: Path, form: str) -> None:
        self.setup = setup
        self.file = file
        self.form = form
        setup.write_connection()
        document = json.loads(setup.connection.read_text(encoding="utf-8"))
        source = SOURCE | {"userSourceLocation": {"filter": "(uid=user*)", "groupDN": STAFF}}
        document["outboundProvision"]["channels"][0].update(
            channelSource=source, attributeMapping=attribute_mapping(MAPPING)
        )
        setup.connection.write_text(json.dumps(document), encoding="utf-8")

    def write(self, rows: list[list[str]]) -> None:
        if self.form == "csv":
            lines = [HEADER, *(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)]
        else:
            fields = HEADER.split(",")
            lines = [
                json.dumps({f: c.split(";") if f == "memberOf" else c for f, c in zip(fields, row, strict=True)})
                for row in rows
            ]
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def sync(self):
        options = ["--csv-values", ";"] if self.form == "csv" else []
        return self.setup.sync(f"{self.form}:{self.file}", *options)


def row(number: int, status: str = "", group: str = STAFF) -> list[str]:
    name = f"user{number}"
    return [f"guid-{number}", name, f"{name}@example.com", "User", f"Number {number}", "Engineer", status, group]


def test_the_target_follows_the_changes_of_a_file(table: Table, empty_target: ScimServer, wire):
    elsewhere = f"cn=others,dc=example,dc=com;{STAFF}"
    table.write([row(1), row(2, group=elsewhere), row(3), row(4, group="cn=others,dc=example,dc=com")])
    run = table.sync()
    assert run.status == 0, run
    assert active_names(empty_target) == user_names(1, 2, 3)

    wire.clear_requests()
    run = table.sync()
    assert run.summary["unchanged"] == 3 and wire.writes() == [], run

    table.write([row(1, status="locked"), row(3), row(5)])
    run = table.sync()
    assert run.status == 0, run
    assert active_names(empty_target) == user_names(3, 5)


@pytest.mark.parametrize("kind", ["cut", "broken", "empty"])
def test_a_damaged_file_removes_no_users(table: Table, empty_target: ScimServer, wire, kind: str):
    table.write([row(number) for number in range(1, 6)])
    assert table.sync().status == 0
    before, state = empty_target.users(), table.setup.state.read_bytes()
    text = table.file.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    damaged = {"cut": text[: len(text) * 2 // 3], "broken": "".join([*lines[:2], '{"\n', *lines[2:]]), "empty": ""}[
        kind
    ]
    table.file.write_text(damaged, encoding="utf-8")
    wire.clear_requests()
    line = damaged.count("\n") + 1 if kind == "cut" else 3
    assert_failure(table.sync(), 2, "contains no entry" if kind == "empty" else f"line {line}: ")
    assert wire.writes() == [] and empty_target.users() == before
    assert table.setup.state.read_bytes() == state
