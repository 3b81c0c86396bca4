"""Checks a PingOne connection and rule (tests/scenarios/pingone) at real targets.

The rule is the one of the guide for Code42: users enter and leave its population, change and are disabled. A server on
loopback plays PingOne's API as it was recorded.
"""

import json
import re
import shutil
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.program import DEPLOY, SCENARIOS, Run, pfscim
from kit.validation import problems
from zoo import Server, start
from zoo.recorder import Recorder

SECRETS = ("OAUTH_ACCESS_TOKEN", "BASIC_AUTH_PASSWORD")
WORKER = "w0rker-s3cret"
TARGETS = ("scim2-server", "scim-sdk")
ADA, BOB, CHLOE, DAN, EVE, GUS = (
    "ada.king@example.com",
    "bob.stone@example.com",
    "chloé.martin@example.com",
    "dan.gone@example.com",
    "eve.o'hara@example.com",
    "gus.guest@example.com",
)


class Rule:
    """The scenario's connection and rule for one target, and the users of PingOne."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.sync_options: list[object] = []
        self.file = self.read("connection.json")
        auth = dict(server.auth.right)
        self.secrets = {name: auth.pop(name) for name in SECRETS if name in auth}
        if auth["AUTHENTICATION_METHOD"] == "Basic Authentication":
            auth["AUTHORIZATION_TYPE"] = "Basic"
        self.configuration.update({"SCIM_URL": server.url} | auth)
        self.source_users = {user["username"]: user for user in self.read("users.json")["_embedded"]["users"]}

    @staticmethod
    def read(name: str) -> Any:
        return json.loads((SCENARIOS / "pingone" / name).read_text(encoding="utf-8"))

    @property
    def configuration(self) -> dict[str, Any]:
        return self.file["store"]["configuration"]

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    def run(self, command: str, *options: object) -> Run:
        """Writes the users and the connection, and runs the program on them."""
        for name in ("populations.json", "groups.json"):
            shutil.copy(SCENARIOS / "pingone" / name, self.folder)
        page = {"_embedded": {"users": list(self.source_users.values())}, "count": len(self.source_users)}
        self.write("users.json", page)
        self.write("connection.json", self.file)
        secret_options = [part for name in self.secrets for part in ("--secret", f"{name}=env:GIVEN_{name}")]
        environment = {f"GIVEN_{name}": value for name, value in self.secrets.items()} | {"WORKER": WORKER}
        run = pfscim(command, self.folder / "connection.json", *secret_options, *options, environment=environment)
        for secret in (*self.secrets.values(), WORKER):
            assert secret not in run.out + run.err, "the program prints a secret"
        return run

    def write(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(json.dumps(value), encoding="utf-8")

    def sync(self, *options: object) -> Run:
        return self.run("sync", "--state", self.state, "--json", *self.sync_options, *options)

    def plan(self, *options: object) -> Run:
        return self.run("plan", "--state", self.state, "--json", *options)

    def assert_rejected(self, expected_text: str, *options: object) -> None:
        """Checks that `plan` and `sync` end with status 2, one error line and no write."""
        before = self.server.users()
        self.server.clear_requests()
        for run in (self.plan(), self.sync(*options)):
            assert run.status == 2 and expected_text in run.err, run
            assert len([line for line in run.err.splitlines() if line.startswith("pfscim: ")]) == 1, run
        assert [request for request in self.server.requests() if request.method != "GET"] == []
        assert self.server.users() == before


def counters(run: Run, kind: str = "users") -> list[int]:
    """Returns PingOne's counters: Impacted, Success, Partially Synced, Unsynced, Failed."""
    sync = next(line["sync"] for line in map(json.loads, run.out.splitlines()) if "sync" in line)
    return [sync[kind][name] for name in ("impacted", "success", "partiallySynced", "unsynced", "failed")]


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def first_target() -> Iterator[Server]:
    with start(TARGETS[0]) as server:
        yield server


def empty(server: Server) -> Server:
    server.clear()
    return server


def assert_valid_requests(server: Server) -> None:
    """Checks that every recorded request is valid SCIM 2.0."""
    assert [problem for request in server.requests() for problem in problems(request, "2.0")] == []


@pytest.fixture
def rule_at_each_target(target: Server, tmp_path: Path) -> Iterator[Rule]:
    yield Rule(empty(target), tmp_path)
    assert_valid_requests(target)


@pytest.fixture
def rule(first_target: Server, tmp_path: Path) -> Iterator[Rule]:
    yield Rule(empty(first_target), tmp_path)
    assert_valid_requests(first_target)


def active(server: Server) -> dict[str, bool]:
    return {name: user.get("active", True) for name, user in server.users().items()}


@pytest.mark.parametrize("way", ["core", "jar"])
def test_code42s_rule_follows_its_population(rule_at_each_target, way):
    if way == "jar":
        rule_at_each_target.sync_options = ["--plugin", DEPLOY]
    server = rule_at_each_target.server
    plan = rule_at_each_target.plan()
    assert plan.status == 0, plan
    assert server.users() == {}
    first = rule_at_each_target.sync()
    assert first.status == 0, first
    assert first.outcomes == {ADA: "created", BOB: "created", CHLOE: "created", DAN: "skipped", EVE: "created"}
    assert plan.outcomes == first.outcomes
    assert counters(first) == [5, 4, 0, 1, 0]
    assert active(server) == {ADA: True, BOB: True, CHLOE: True, EVE: True}
    ada = server.users()[ADA]
    assert (ada["name"]["familyName"], ada["nickName"], ada["externalId"], ada["userType"]) == (
        "King",
        "Countess",
        "e-1",
        "Employee",
    )
    assert ada["addresses"][0]["streetAddress"] == "12 St James's Square" and ada["addresses"][0]["country"] == "GB"
    filters = {request.query["filter"] for request in server.requests() if "filter" in request.query}
    assert f'username Eq "{ADA}"' in filters and all(text.startswith('username Eq "') for text in filters), (
        "a filter differs from the setting"
    )

    server.clear_requests()
    unchanged = rule_at_each_target.sync()
    assert (unchanged.status, unchanged.outcomes, counters(unchanged)) == (0, {}, [5, 4, 0, 1, 0])
    assert [request for request in server.requests() if request.method != "GET"] == []

    rule_at_each_target.source_users[BOB]["title"] = "Architect"
    rule_at_each_target.source_users[EVE]["enabled"] = False
    rule_at_each_target.source_users[ADA]["population"]["id"] = "p-guests"
    rule_at_each_target.source_users[GUS]["population"]["id"] = "p-employees"
    del rule_at_each_target.source_users[CHLOE]
    second = rule_at_each_target.sync()
    assert second.outcomes == {BOB: "updated", EVE: "disabled", ADA: "disabled", GUS: "created", CHLOE: "disabled"}
    assert active(server) == {ADA: False, BOB: True, CHLOE: False, EVE: False, GUS: True}
    assert server.users()[BOB]["title"] == "Architect"
    assert server.users()[EVE]["title"] == "Lead", "a disable changed another attribute"

    rule_at_each_target.source_users[EVE]["enabled"] = True
    rule_at_each_target.source_users[ADA]["population"]["id"] = "p-employees"
    third = rule_at_each_target.sync()
    assert third.outcomes == {EVE: "re-enabled", ADA: "re-enabled"}
    assert active(server)[EVE] and active(server)[ADA]


def test_skipped_operations_are_counted_as_pingone_counts_them(rule):
    rule.configuration["CREATE_USERS"] = False
    run = rule.sync()
    assert set(run.outcomes.values()) == {"skipped"}
    assert counters(run) == [5, 0, 0, 5, 0]
    assert counters(rule.sync()) == [5, 0, 0, 5, 0], "users that were skipped before still count as unsynced"
    rule.configuration.update({"CREATE_USERS": True, "UPDATE_USERS": False})
    assert counters(rule.sync()) == [5, 4, 0, 1, 0]
    rule.source_users[BOB]["title"] = "Architect"
    run = rule.sync()
    assert (run.outcomes, counters(run)) == ({BOB: "skipped"}, [5, 3, 1, 1, 0])
    assert rule.server.users()[BOB]["title"] == "Engineer"
    rule.configuration.update({"UPDATE_USERS": True, "DISABLE_USERS": False})
    rule.source_users[EVE]["enabled"] = False
    run = rule.sync()
    assert run.outcomes == {BOB: "updated", DAN: "skipped", EVE: "skipped"} and counters(run) == [5, 3, 1, 1, 0]
    assert active(rule.server)[EVE]


def test_a_nested_filter_selects_direct_and_inherited_members_of_a_group(rule):
    rule.file["source"]["files"].append("groups.json")
    rule.file["rule"]["userFilter"] = {
        "all": [
            {"attribute": "Group", "operator": "Equals", "value": "Backup"},
            {
                "any": [
                    {"attribute": "Title", "operator": "Equals", "value": "Analyst"},
                    {"attribute": "Family Name", "operator": "Equals", "value": "Stone"},
                ]
            },
        ]
    }
    assert rule.sync().outcomes == {ADA: "created", BOB: "created"}
    rule.source_users[BOB]["memberOfGroupIDs"] = []
    assert rule.sync().outcomes == {BOB: "disabled"}


def test_a_filter_without_matches_removes_users_only_with_max_removals(rule):
    assert rule.sync().status == 0
    for user in rule.source_users.values():
        user["population"]["id"] = "p-guests"
    rule.source_users[GUS]["population"]["id"] = "p-guests"
    before = rule.server.users()
    run = rule.sync()
    assert run.status == 2 and "--max-removals 4" in run.err, run
    assert rule.server.users() == before
    run = rule.sync("--max-removals", "4")
    assert run.status == 0 and set(active(rule.server).values()) == {False}


@pytest.mark.parametrize(
    ("change", "expected_text"),
    [
        (lambda file: file["store"].update(status="INACTIVE"), "the connection is disabled"),
        (lambda file: file["rule"].update(active=False), "the rule is off"),
        (lambda file: file["rule"].pop("userFilter"), "has no user filter"),
        (
            lambda file: file["rule"]["userFilter"]["all"][0].update(attribute="Shoe Size"),
            "`Shoe Size` is not an attribute",
        ),
        (
            lambda file: file["rule"]["userFilter"]["all"][0].update(operator="Contains"),
            "`Contains` is not an operator",
        ),
        (
            lambda file: file["rule"]["userFilter"]["all"][0].update(value="Employes"),
            "`Employes`, which PingOne does not have",
        ),
        (
            lambda file: file["mappings"].append({"sourceAttribute": "Shoe Size", "targetAttribute": "title"}),
            "`Shoe Size` is not an attribute",
        ),
        (lambda file: file["source"].update(files=["users.json"]), "the populations were not read"),
    ],
)
def test_a_connection_or_rule_that_does_not_fit_is_rejected_before_any_write(
    rule, change: Callable[[Any], Any], expected_text
):
    assert rule.sync().status == 0
    change(rule.file)
    rule.assert_rejected(expected_text)


def member_names(server: Server) -> dict[str, list[str]]:
    return {name: [m["value"] for m in group.get("members", [])] for name, group in server.groups().items()}


@pytest.mark.parametrize("handling", ["Merge", "Overwrite"])
def test_groups_are_provisioned_and_a_group_of_the_same_name_is_merged_or_overwritten(rule, handling):
    server = rule.server
    user = "urn:ietf:params:scim:schemas:core:2.0:User"
    server.seed([{"schemas": [user], "userName": name} for name in ("guest@elsewhere.example", ADA)])
    group = "urn:ietf:params:scim:schemas:core:2.0:Group"
    server.seed_groups(
        [
            {
                "schemas": [group],
                "displayName": "Engineering",
                "members": [{"value": "guest@elsewhere.example"}, {"value": ADA}],
            }
        ]
    )
    rule.configuration["GROUP_MEMBERSHIP_HANDLING"] = handling
    rule.file["source"]["files"].append("groups.json")
    rule.file["rule"]["groups"] = [{"name": "Engineering"}, {"id": "g-backup"}]
    run = rule.sync()
    assert run.group_outcomes == {"Engineering": "adopted", "Backup": "created"}, run
    assert counters(run, "groups") == [2, 2, 0, 0, 0]
    seeded_members = [ADA, "guest@elsewhere.example"] if handling == "Merge" else []
    assert member_names(server) == {
        "Engineering": sorted([BOB, EVE, *seeded_members]),
        "Backup": sorted([ADA, BOB, EVE]),
    }
    assert rule.sync().group_outcomes == {}
    # A member that the rule added is removed with its membership in PingOne. Other members stay.
    rule.source_users[EVE]["memberOfGroupIDs"] = []
    plan, run = rule.plan(), rule.sync()
    assert run.group_outcomes == {"Engineering": "updated", "Backup": "updated"}
    planned_members = {line["identifier"]: line["members"] for line in plan.lines if line["kind"] == "group"}
    assert planned_members["Engineering"] == {"added": [], "removed": [EVE]}
    assert member_names(server)["Engineering"] == sorted([BOB, *seeded_members])


def test_plugin_rejects_merge_handling(rule):
    rule.configuration["GROUP_MEMBERSHIP_HANDLING"] = "Merge"
    rule.file["source"]["files"].append("groups.json")
    rule.file["rule"]["groups"] = [{"name": "Engineering"}]
    rule.sync_options = ["--plugin", DEPLOY]
    run = rule.sync()
    assert run.status == 2 and "GROUP_MEMBERSHIP_HANDLING" in run.err, run


def test_an_external_group_is_rejected(rule):
    rule.file["source"]["files"].append("groups.json")
    rule.file["rule"]["groups"] = [{"name": "Partners"}]
    rule.assert_rejected("`Partners` is an external group")


# --- PingOne's API --------------------------------------------------------------------------------------------------


class PingOne:
    """Plays PingOne's API as it was recorded: collections in pages of two, tokens of a worker application."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.tokens = 0
        self.requests_per_token = 1000
        """The number of requests until a token expires."""
        self.instead: Callable[[str], tuple[int, Any] | None] = lambda path: None
        self.recorder = Recorder(override=self._respond)

    def __enter__(self) -> "PingOne":
        self.recorder.__enter__()
        self.url = self.recorder.url.removesuffix("/v2")
        self.rule.file["source"] = {
            "apiPath": f"{self.url}/v1",
            "authPath": f"{self.url}/auth",
            "environment": "e1",
            "clientId": "worker",
        }
        self.rule.sync_options = [*self.rule.sync_options, "--secret", "PINGONE_CLIENT_SECRET=env:WORKER"]
        return self

    def __exit__(self, *_: object) -> None:
        self.recorder.__exit__()

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.recorder.raw_requests]

    def _respond(self, request: Any) -> tuple[int, str, str]:
        status, body = self.instead(request.path) or self._api_response(request)
        return status, "application/json", json.dumps(body)

    def _api_response(self, request: Any) -> tuple[int, Any]:
        if request.path == "/auth/e1/as/token":
            assert request.body == "grant_type=client_credentials"
            assert request.headers.get("authorization", request.headers.get("Authorization")).startswith("Basic")
            self.tokens += 1
            self.requests_left = self.requests_per_token
            return 200, {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
        if self.requests_left == 0:
            return 401, {"code": "INVALID_TOKEN", "message": "The access token is expired"}
        self.requests_left -= 1
        parts = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        kind = parts.path.removeprefix("/v1/environments/e1/")
        if kind == "users":
            items = list(self.rule.source_users.values())
            if "filter" in query:
                group = re.fullmatch(r'memberOfGroups\[id eq "(.+)"\]', query["filter"]).group(1)
                items = [user for user in items if group in user["memberOfGroupIDs"]]
            items = [{key: value for key, value in user.items() if key != "memberOfGroupIDs"} for user in items]
        else:
            items = Rule.read(f"{kind}.json")["_embedded"][kind]
        first = int(query.get("cursor", 0))
        links = {"self": {"href": self.url + request.path}}
        if first + 2 < len(items):
            next_query = urllib.parse.urlencode(query | {"cursor": first + 2})
            links["next"] = {"href": f"{self.url}{parts.path}?{next_query}"}
        return 200, {"_links": links, "_embedded": {kind: items[first : first + 2]}, "count": len(items), "size": 2}


@pytest.fixture
def api(rule: Rule) -> Iterator[PingOne]:
    with PingOne(rule) as api:
        yield api


def test_users_are_read_page_by_page_from_the_api(rule, api):
    run = rule.sync()
    assert run.status == 0, run
    assert run.outcomes == {ADA: "created", BOB: "created", CHLOE: "created", DAN: "skipped", EVE: "created"}
    assert [path for path in api.paths if "cursor" in path] == [
        "/v1/environments/e1/users?limit=200&cursor=2",
        "/v1/environments/e1/users?limit=200&cursor=4",
    ]
    assert api.tokens == 1
    del rule.source_users[BOB]
    assert rule.sync().outcomes == {BOB: "disabled"}


def test_groups_of_the_api_get_the_members_that_it_returns(rule, api):
    rule.file["rule"]["userFilter"]["all"].append({"attribute": "Group", "operator": "Equals", "value": "Engineering"})
    rule.file["rule"]["groups"] = [{"name": "Engineering"}]
    run = rule.sync()
    assert (run.outcomes, run.group_outcomes) == ({BOB: "created", EVE: "created"}, {"Engineering": "created"}), run
    assert member_names(rule.server) == {"Engineering": [BOB, EVE]}


def test_a_token_that_expires_between_pages_is_renewed(rule, api):
    api.requests_per_token = 2
    run = rule.sync()
    assert run.status == 0 and len(run.outcomes) == 5, run
    assert api.tokens == 2


@pytest.mark.parametrize(
    ("path", "response", "expected_text"),
    [
        (
            "/users",
            (403, {"code": "ACCESS_FAILED", "message": "missing scope"}),
            "may not read users; give the application the role",
        ),
        ("/users", (401, {"code": "INVALID_TOKEN"}), "auth_failed"),
        ("/as/token", (401, {"error": "invalid_client"}), "check source.clientId and PINGONE_CLIENT_SECRET"),
        ("cursor=2", (400, {"code": "INVALID_REQUEST", "message": "the cursor is too old"}), "the cursor is too old"),
        ("cursor=2", (200, {"_embedded": {"users": []}, "count": 6}), "the count of users is 6, but 2 were returned"),
        ("cursor=2", (200, {"_embedded": {}}), "no _embedded.users"),
        ("populations", (404, {}), "source.environment"),
    ],
)
def test_an_incomplete_read_of_pingone_removes_no_users(rule, api, path, response, expected_text):
    assert rule.sync().status == 0
    del rule.source_users[BOB]
    api.instead = lambda requested_path: response if path in requested_path else None
    before = rule.server.users()
    rule.server.clear_requests()
    run = rule.sync("--max-removals", "100")
    assert run.status == 2 and expected_text in run.err, run
    assert rule.server.requests() == [] and rule.server.users() == before


def test_the_next_page_is_never_fetched_from_another_server(rule, api):
    with Recorder(override=lambda _: (200, "application/json", "{}")) as foreign_server:
        url = foreign_server.url + "/users"
        page = {"_links": {"next": {"href": url}}, "_embedded": {"users": [rule.source_users[ADA]]}}
        api.instead = lambda path: (200, page) if "/users" in path else None
        run = rule.sync()
        assert run.status == 2 and "which is another server" in run.err, run
        assert foreign_server.raw_requests == []
