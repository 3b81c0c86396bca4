"""Checks custom attributes of the target's schema: JSON types, updates, and errors for values that do not fit."""

import json
from collections.abc import Iterator

import pytest
from kit.program import SCENARIOS
from kit.validation import problems
from kit.zoo_connection import FIELDS, PERSON, WAYS, ZooConnection
from zoo import Server
from zoo.catalogue import start_with_schema

SCHEMA = json.loads((SCENARIOS / "table" / "custom-schema.json").read_text(encoding="utf-8"))
URN = SCHEMA["id"]
CUSTOM = {
    "badge": "badge",
    "onSite": "onSite",
    "grade": "grade",
    "share": "share",
    "since": "since",
    "page": "page",
    "skills": "skills",
    "desk.floor": "floor",
    "desk.room": "room",
    "keys.office.value": "office",
    "keys.gate.value": "gate",
}
ANN = PERSON | {
    "badge": "B-7",
    "onSite": "TRUE",
    "grade": "12",
    "share": "0.5",
    "since": "2020-01-31T08:00:00Z",
    "page": "https://example.com/ann",
    "skills": ["ski", "sail"],
    "floor": "3",
    "room": "3.14",
    "office": "o-1",
    "gate": "g-1",
}
ANN_AT_TARGET = {
    "badge": "B-7",
    "onSite": True,
    "grade": 12,
    "share": 0.5,
    "since": "2020-01-31T08:00:00Z",
    "page": "https://example.com/ann",
    "skills": ["sail", "ski"],
    "desk": {"floor": 3, "room": "3.14"},
    "keys": [{"type": "gate", "value": "g-1"}, {"type": "office", "value": "o-1"}],
}
ANN_CHANGED = ANN | {"onSite": "false", "grade": "13", "skills": ["ski"], "room": "4.2", "gate": "g-2"}
CHANGED_AT_TARGET = ANN_AT_TARGET | {
    "onSite": False,
    "grade": 13,
    "skills": ["ski"],
    "desk": {"floor": 3, "room": "4.2"},
    "keys": [{"type": "gate", "value": "g-2"}, {"type": "office", "value": "o-1"}],
}
CLEARED = {"badge", "onSite", "grade", "page", "skills", "floor", "office"}
CLEARED_AT_TARGET = {
    "share": 0.5,
    "since": "2020-01-31T08:00:00Z",
    "desk": {"room": "3.14"},
    "keys": [{"type": "gate", "value": "g-1"}],
}


@pytest.fixture(scope="module")
def started_server(tmp_path_factory) -> Iterator[Server]:
    with start_with_schema(SCHEMA, tmp_path_factory.mktemp("schema")) as server:
        yield server


@pytest.fixture
def server(started_server: Server) -> Iterator[Server]:
    started_server.clear()
    yield started_server
    assert [problem for request in started_server.requests() for problem in problems(request, "2.0", [URN])] == []


@pytest.fixture(params=WAYS)
def connection(request: pytest.FixtureRequest, server: Server, tmp_path) -> ZooConnection:
    return ZooConnection.for_server(server, tmp_path, request.param, fields=FIELDS | CUSTOM)


def custom_attributes(server: Server) -> dict:
    return server.users()[ANN["uid"]].get(URN, {})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "Automatic"])
def test_custom_attributes_of_every_type_and_shape_are_created_and_updated(connection, server, method):
    connection.settings["USER_UPDATE_METHOD"] = method
    run = connection.sync([ANN])
    assert run.status == 0 and run.outcomes == {ANN["uid"]: "created"}, run
    assert without_primary(custom_attributes(server)) == ANN_AT_TARGET
    run = connection.sync([ANN_CHANGED])
    assert run.status == 0 and run.outcomes == {ANN["uid"]: "updated"}, run
    assert without_primary(custom_attributes(server)) == CHANGED_AT_TARGET
    # Without a state file pfscim reads the account: each value must equal the one of the source.
    connection.state.unlink()
    server.clear_requests()
    run = connection.sync([ANN_CHANGED])
    assert run.outcomes == {ANN["uid"]: "adopted"}, run
    assert [request.method for request in server.requests() if request.method != "GET"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_values_that_left_the_source_are_removed(connection, server, method):
    connection.settings["USER_UPDATE_METHOD"] = method
    connection.sync([ANN])
    run = connection.sync([{name: value for name, value in ANN.items() if name not in CLEARED}])
    assert run.status == 0 and run.outcomes == {ANN["uid"]: "updated"}, run
    assert without_primary(custom_attributes(server)) == CLEARED_AT_TARGET


def test_a_field_to_clear_must_be_a_field_of_the_target(connection, server):
    connection.settings["CLEARABLE_ATTRIBUTES"] = "badge,shoeSize"
    for run in (connection.test(), connection.sync([ANN])):
        assert run.status != 0 and "Clear Attributes When Empty: shoeSize" in run.out + run.err, run
    assert server.users() == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("onSite", "perhaps"), ("grade", "many"), ("grade", "1.5"), ("share", "half"), ("floor", "ground")],
)
def test_a_value_of_the_wrong_type_is_rejected_with_the_name_of_its_field(connection, server, field, value):
    run = connection.sync([ANN | {field: value}])
    assert run.status == 1, run
    (line,) = run.lines
    code = next(code for code, source in CUSTOM.items() if source == field)
    assert line["code"] == "rejected" and code in line["message"] and value not in line["message"], run
    assert server.users() == {}


def test_a_read_only_field_cannot_be_mapped(connection, server):
    connection.fields = connection.fields | {"rank": "rank"}
    run = connection.sync([ANN])
    assert run.status == 2 and "rank" in run.err, run
    assert server.users() == {}


def without_primary(attributes: dict) -> dict:
    """Returns the attributes with no `primary` in `keys`, because `primary` means nothing in an extension."""
    entries = [{name: part for name, part in key.items() if name != "primary"} for key in attributes.get("keys", [])]
    return attributes | {"keys": entries}
