"""Checks the helpers of the cases: each kind of expectation can fail, no part of a case is skipped, and each quirk acts.

No test here runs the program.
"""

import copy
import json
from typing import Any

import pytest
from kit.program import ROOT, Run
from kit.stand_in import QUIRKS, StandIn
from kit.target_cases import CASE_MEMBERS, EXPECTATIONS, Seen, failures, parse_case
from zoo.quirks import CORE, PATCH
from zoo.recorder import RawRequest

CASE = {
    "name": "invented",
    "target": {"quirks": {}},
    "settings": {},
    "steps": [{"people": ["ann", {"uid": "bob", "locked": True}, "cat"], "groups": {"Ops": ["ann"]}}],
}
LINES = [
    {"kind": "user", "identifier": "ann@example.com", "outcome": "created", "id": "1"},
    {"kind": "user", "identifier": "bob@example.com", "outcome": "disabled", "id": "2"},
    {"kind": "group", "identifier": "Ops", "outcome": "created", "id": "3"},
]


def seen(expected: dict[str, Any], changes: dict[int, dict[str, Any]] | None = None) -> Seen:
    """Returns a step with these expectations, at a target with ann, bob and their group. `changes`: line to new values."""
    case = copy.deepcopy(CASE)
    case["steps"][0] |= expected
    lines = [{"source": "s"} | line | (changes or {}).get(number, {}) for number, line in enumerate(LINES)]
    run = Run(0, "\n".join(map(json.dumps, lines)), "warning: a word")
    accounts = [
        {"id": "1", "userName": "Ann@example.com", "active": True, "title": "Staff"},
        {"id": "2", "userName": "bob@example.com", "active": False},
    ]
    groups = [{"id": "3", "displayName": "Ops", "members": [{"value": "1"}, {"value": "2"}]}]
    requests = [RawRequest("POST", "/v2/Users", {}, ""), RawRequest("PUT", "/v2/Users/1?a=b", {}, "")]
    return Seen(parse_case(case).steps[0], run, accounts, groups, requests)


# Each kind of expectation, with a value that holds in `seen` and values that do not.
VALUES = {
    "exit": ([0, 2], [[1]]),
    "active": (["ann"], [["bob"], ["cat"], ["ann", "bob"]]),
    "inactive": (["bob"], [["ann"], ["cat"]]),
    "absent": (["cat"], [["ann"], ["bob"]]),
    "accounts": (2, [1, 3]),
    "holds": ({"ann": {"title": "Staff"}}, [{"ann": {"title": "Chief"}}, {"cat": {"title": "Staff"}}]),
    "holds_groups": ({"Ops": ["bob", "ann"]}, [{"Ops": ["ann"]}, {"Ops": []}, {"All": ["ann", "bob"]}]),
    "prints": ({"ann": ["created", "adopted"]}, [{"ann": ["disabled"]}, {"cat": ["created"]}]),
    "says": ([["a word", "another"], ["disabled"]], [[["a word"], ["another"]]]),
    "never_says": (["another"], [["another", "a word"], ["disabled"]]),
    "requests_at_most": ({"POST /Users": 1, "GET /Users": 0}, [{"POST /Users": 0}, {"PUT /Users": 0}]),
}
WRONG = [(name, value) for name, (_, values) in VALUES.items() for value in values]


def test_what_holds_is_no_failure():
    right = {name: value for name, (value, _) in VALUES.items()}
    assert right.keys() == EXPECTATIONS.keys()
    assert failures(seen(right)) == []
    assert failures(seen({"any": [{"exit": [1]}, right]})) == []


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_what_does_not_hold_is_one_failure(name, value):
    (failure,) = failures(seen({name: value}))
    assert failure.startswith(f"{name}: ")
    (failure,) = failures(seen({"any": [{name: value}, {"exit": [1]}]}))
    assert failure.startswith("none of `any` holds")


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (0, {"id": "2"}),
        (0, {"id": "9"}),
        (0, {"outcome": "already-gone"}),
        (0, {"outcome": "deleted", "id": None}),
        (0, {"outcome": "finished"}),
        (1, {"outcome": "unchanged"}),
        (1, {"outcome": "re-enabled", "id": None}),
        (1, {"id": "1"}),
        (2, {"identifier": "All", "id": None}),
        (2, {"outcome": "deleted"}),
    ],
    ids=str,
)
def test_what_is_printed_as_done_and_is_not_so_is_one_failure(line, change):
    assert len(failures(seen({}, {line: change}))) == 1


@pytest.mark.parametrize("where", ["case", "target", "quirks", "steps", "any", "people"])
def test_a_member_that_the_runner_does_not_know_is_an_error(where):
    case = copy.deepcopy(CASE)
    (step,) = case["steps"]
    step["any"] = [{"exit": [0]}]
    places = {"case": case, "target": case["target"], "quirks": case["target"]["quirks"], "steps": step}
    places |= {"any": step["any"][0], "people": step["people"][1]}
    parse_case(case)
    places[where]["unknown"] = "x"
    with pytest.raises(ValueError, match="unknown"):
        parse_case(case)


@pytest.mark.parametrize(
    "change",
    [
        {"exit": 0},
        {"says": ["word"]},
        {"active": "ann"},
        {"accounts": "2"},
        {"requests_at_most": {"POST /Things": 0}},
        {"quirks": {"listed_times": 0}},
        {"quirks": {"lists_show": "some"}},
        {"signs_in": "ann"},
        {"new_state": "yes"},
        {"any": [{}]},
    ],
    ids=str,
)
def test_a_value_that_a_member_cannot_have_is_an_error(change):
    case = copy.deepcopy(CASE)
    case["steps"][0] |= change
    with pytest.raises(ValueError, match=r"cannot be|has no quirk"):
        parse_case(case)


# --- the stand-in -----------------------------------------------------------------------------------------------------


def send(target: StandIn, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Returns status and body of a response."""
    text = "" if body is None else json.dumps(body)
    status, _, response = target.respond(RawRequest(method, f"/v2{path}", {}, text))
    return status, json.loads(response) if response else None


def resource(kind: str, **content: Any) -> dict[str, Any]:
    return {"schemas": [CORE["2.0"].format(kind)]} | content


def target_with_a_group(**quirks: Any) -> StandIn:
    """Returns a target with ann (1), who is active, bob (2), who is not, and their group (3)."""
    target = StandIn({}, [{"userName": "ann@example.com"}, {"userName": "bob@example.com", "active": False}])
    ops = resource("Group", displayName="Ops", members=[{"value": "1"}, {"value": "2"}])
    assert send(target, "POST", "/Groups", ops)[0] == 201
    target.quirks |= quirks
    return target


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def test_a_target_without_quirks_is_true():
    target = target_with_a_group()
    status, found = send(target, "GET", "/Users?filter=userName%20eq%20%22ANN@example.com%22")
    assert (status, found["totalResults"], found["Resources"][0]["id"]) == (200, 1, "1")
    _, page = send(target, "GET", "/Users?startIndex=2&count=5")
    assert (page["totalResults"], page["itemsPerPage"], page["Resources"][0]["id"]) == (2, 1, "2")
    for path, body in [
        ("/Users", resource("User", userName="Ann@example.com")),
        ("/Groups", resource("Group", displayName="OPS")),
    ]:
        status, error = send(target, "POST", path, body)
        assert (status, error["scimType"]) == (409, "uniqueness")
    status, user = send(target, "PATCH", "/Users/1", patch({"op": "replace", "value": {"active": False, "title": "A"}}))
    assert (status, user["active"], user["title"]) == (200, False, "A")
    assert send(target, "PATCH", "/Users/1", patch({"op": "replace", "path": "active", "value": True}))[1]["active"]
    _, group = send(target, "PATCH", "/Groups/3", patch({"op": "remove", "path": 'members[value eq "1"]'}))
    assert group["members"] == [{"value": "2"}]
    _, group = send(target, "PATCH", "/Groups/3", patch({"op": "add", "path": "members", "value": [{"value": "1"}]}))
    assert group["members"] == [{"value": "2"}, {"value": "1"}]
    assert send(target, "PUT", "/Users/1", resource("User", userName="ann@example.com"))[1].get("title") is None
    assert send(target, "POST", "/Users", {"title": "No name"})[0] == 400
    assert send(target, "DELETE", "/Users/1") == (204, None)
    assert send(target, "GET", "/Users/1")[0] == 404
    assert send(target, "GET", "/Groups/3")[1]["members"] == [{"value": "2"}]
    assert send(target, "GET", "/ServiceProviderConfig")[1]["patch"]["supported"] is True


def test_who_signs_in_gets_another_id():
    target = target_with_a_group()
    target.sign_in("Ann@example.com")
    assert send(target, "GET", "/Users/1")[0] == 404
    assert send(target, "GET", "/Users/4")[1]["userName"] == "ann@example.com"
    assert send(target, "GET", "/Groups/3")[1]["members"] == [{"value": "4"}, {"value": "2"}]


def listed(target: StandIn, endpoint: str = "/Users") -> tuple[int, list[Any]]:
    """Returns what a list counts, and the ids that it shows."""
    _, response = send(target, "GET", endpoint)
    assert response["itemsPerPage"] == len(response["Resources"])
    return response["totalResults"], [shown["id"] for shown in response["Resources"]]


@pytest.mark.parametrize(
    ("quirks", "users"),
    [
        ({}, (2, ["1", "2"])),
        ({"listed_times": 2}, (4, ["1", "1", "2", "2"])),
        ({"lists": "active"}, (1, ["1"])),
        ({"lists_show": "all"}, (2, ["1", "2"])),
        ({"lists_show": "count"}, (2, [])),
        ({"ids_shown": "numbers"}, (2, [1, 2])),
        ({"lists": "active", "listed_times": 3, "ids_shown": "numbers"}, (3, [1, 1, 1])),
    ],
    ids=str,
)
def test_a_quirk_of_lists_changes_what_they_show(quirks, users):
    target = target_with_a_group(**quirks)
    assert listed(target) == users
    assert send(target, "GET", "/Users/2")[0] == 200


def test_ids_that_are_numbers_are_accepted_as_text_and_as_numbers():
    target = target_with_a_group(ids_shown="numbers")
    assert send(target, "GET", "/Groups/3")[1]["members"] == [{"value": 1}, {"value": 2}]
    ops = resource("Group", id=3, displayName="Ops", members=[{"value": 1}])
    assert send(target, "PUT", "/Groups/3", ops)[1]["members"] == [{"value": 1}]
    added = patch({"op": "add", "path": "members", "value": [{"value": "2"}]})
    assert send(target, "PATCH", "/Groups/3", added)[1]["members"] == [{"value": 1}, {"value": 2}]
    removed = patch({"op": "remove", "path": "members[value eq 1]"})
    assert send(target, "PATCH", "/Groups/3", removed)[1]["members"] == [{"value": 2}]


def test_the_same_name_may_be_allowed_to_users_only():
    target = target_with_a_group(same_names="allowed")
    assert send(target, "POST", "/Users", resource("User", userName="ann@example.com"))[0] == 201
    assert send(target, "POST", "/Groups", resource("Group", displayName="Ops"))[0] == 409


def test_the_page_of_the_cases_lists_every_quirk_and_expectation():
    page = (ROOT / "tests" / "cases" / "README.md").read_text(encoding="utf-8")
    first_cells = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert [name for name in [*QUIRKS, *EXPECTATIONS, *CASE_MEMBERS] if f"`{name}`" not in first_cells] == []
