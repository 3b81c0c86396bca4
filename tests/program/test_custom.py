"""Custom attributes at a server that has some: found by their schema, sent with their JSON type, changed, and
refused by name where a value does not fit."""

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
THERE = {
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
CHANGED = ANN | {"onSite": "false", "grade": "13", "skills": ["ski"], "room": "4.2", "gate": "g-2"}
THEN = THERE | {
    "onSite": False,
    "grade": 13,
    "skills": ["ski"],
    "desk": {"floor": 3, "room": "4.2"},
    "keys": [{"type": "gate", "value": "g-2"}, {"type": "office", "value": "o-1"}],
}
EMPTIED = {"badge", "onSite", "grade", "page", "skills", "floor", "office"}
LEFT = {
    "share": 0.5,
    "since": "2020-01-31T08:00:00Z",
    "desk": {"room": "3.14"},
    "keys": [{"type": "gate", "value": "g-1"}],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Server]:
    with start_with_schema(SCHEMA, tmp_path_factory.mktemp("schema")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    running.clear()
    yield running
    assert [problem for asked in running.requests() for problem in problems(asked, "2.0", [URN])] == []


@pytest.fixture(params=WAYS)
def link(request: pytest.FixtureRequest, server: Server, tmp_path) -> ZooConnection:
    return ZooConnection.to(server, tmp_path, request.param, fields=FIELDS | CUSTOM)


def there(server: Server) -> dict:
    return server.users()[ANN["uid"]].get(URN, {})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "Automatic"])
def test_custom_attributes_of_every_type_and_shape_are_created_and_updated(link, server, method):
    link.settings["USER_UPDATE_METHOD"] = method
    run = link.sync([ANN])
    assert run.status == 0 and run.outcomes == {ANN["uid"]: "created"}, run
    assert without_primary(there(server)) == THERE
    run = link.sync([CHANGED])
    assert run.status == 0 and run.outcomes == {ANN["uid"]: "updated"}, run
    assert without_primary(there(server)) == THEN
    # Found again by somebody who remembers nothing: read back, every value is the one of the source.
    link.state.unlink()
    server.forget()
    run = link.sync([CHANGED])
    assert run.outcomes == {ANN["uid"]: "adopted"}, run
    assert [asked.method for asked in server.requests() if asked.method != "GET"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_values_that_left_the_source_are_removed(link, server, method):
    link.settings["USER_UPDATE_METHOD"] = method
    link.sync([ANN])
    run = link.sync([{name: value for name, value in ANN.items() if name not in EMPTIED}])
    assert run.status == 0 and run.outcomes == {ANN["uid"]: "updated"}, run
    assert without_primary(there(server)) == LEFT


def test_a_field_to_clear_must_be_a_field_of_the_target(link, server):
    link.settings["CLEARABLE_ATTRIBUTES"] = "badge,shoeSize"
    for run in (link.test(), link.sync([ANN])):
        assert run.status != 0 and "Clear Attributes When Empty: shoeSize" in run.out + run.err, run
    assert server.users() == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("onSite", "perhaps"), ("grade", "many"), ("grade", "1.5"), ("share", "half"), ("floor", "ground")],
)
def test_a_value_of_the_wrong_type_is_rejected_with_the_name_of_its_field(link, server, field, value):
    run = link.sync([ANN | {field: value}])
    assert run.status == 1, run
    (line,) = run.lines
    code = next(code for code, source in CUSTOM.items() if source == field)
    assert line["code"] == "rejected" and code in line["message"] and value not in line["message"], run
    assert server.users() == {}


def test_a_read_only_field_cannot_be_mapped(link, server):
    link.fields = link.fields | {"rank": "rank"}
    run = link.sync([ANN])
    assert run.status == 2 and "rank" in run.err, run
    assert server.users() == {}


def without_primary(attributes: dict) -> dict:
    """Which entry is primary says nothing in an extension."""
    entries = [{name: part for name, part in key.items() if name != "primary"} for key in attributes.get("keys", [])]
    return attributes | {"keys": entries}
