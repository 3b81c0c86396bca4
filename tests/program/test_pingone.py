"""A PingOne connection and rule (tests/scenarios/pingone) against real targets: Code42's rule as its guide has it, with
users in and out of the population, disabled, changed and leaving; and PingOne's API as it was recorded, on loopback."""

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
    """The scenario's connection and rule for one target, and what PingOne holds."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.way: list[object] = []
        self.file = self.read("connection.json")
        auth = dict(server.auth.right)
        self.secrets = {name: auth.pop(name) for name in SECRETS if name in auth}
        if auth["AUTHENTICATION_METHOD"] == "Basic Authentication":
            auth["AUTHORIZATION_TYPE"] = "Basic"
        self.configuration.update({"SCIM_URL": server.url} | auth)
        self.people = {user["username"]: user for user in self.read("users.json")["_embedded"]["users"]}

    @staticmethod
    def read(name: str) -> Any:
        return json.loads((SCENARIOS / "pingone" / name).read_text(encoding="utf-8"))

    @property
    def configuration(self) -> dict[str, Any]:
        return self.file["store"]["configuration"]

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    def run(self, command: str, *more: object) -> Run:
        """The program on these users."""
        for name in ("populations.json", "groups.json"):
            shutil.copy(SCENARIOS / "pingone" / name, self.folder)
        page = {"_embedded": {"users": list(self.people.values())}, "count": len(self.people)}
        self.write("users.json", page)
        self.write("connection.json", self.file)
        given = [part for name in self.secrets for part in ("--secret", f"{name}=env:GIVEN_{name}")]
        environment = {f"GIVEN_{name}": value for name, value in self.secrets.items()} | {"WORKER": WORKER}
        run = pfscim(command, self.folder / "connection.json", *given, *more, environment=environment)
        for secret in (*self.secrets.values(), WORKER):
            assert secret not in run.out + run.err, "the program shows a secret"
        return run

    def write(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(json.dumps(value), encoding="utf-8")

    def sync(self, *more: object) -> Run:
        return self.run("sync", "--state", self.state, "--json", *self.way, *more)

    def plan(self, *more: object) -> Run:
        return self.run("plan", "--state", self.state, "--json", *more)

    def refused(self, told: str, *more: object) -> None:
        """A run that ends before anything is written, with one line."""
        before = self.server.users()
        self.server.forget()
        for run in (self.plan(), self.sync(*more)):
            assert run.status == 2 and told in run.err, run
            assert len([line for line in run.err.splitlines() if line.startswith("pfscim: ")]) == 1, run
        assert [asked for asked in self.server.requests() if asked.method != "GET"] == []
        assert self.server.users() == before


def counters(run: Run, kind: str = "users") -> list[int]:
    """Impacted, Success, Partially Synced, Unsynced, Failed."""
    sync = next(line["sync"] for line in map(json.loads, run.out.splitlines()) if "sync" in line)
    return [sync[kind][name] for name in ("impacted", "success", "partiallySynced", "unsynced", "failed")]


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def one_target() -> Iterator[Server]:
    with start(TARGETS[0]) as server:
        yield server


def cleared(server: Server) -> Server:
    server.clear()
    return server


def valid(server: Server) -> None:
    """Whatever the test is about, every request has to be valid."""
    assert [problem for asked in server.requests() for problem in problems(asked, "2.0")] == []


@pytest.fixture
def every(target: Server, tmp_path: Path) -> Iterator[Rule]:
    yield Rule(cleared(target), tmp_path)
    valid(target)


@pytest.fixture
def rule(one_target: Server, tmp_path: Path) -> Iterator[Rule]:
    yield Rule(cleared(one_target), tmp_path)
    valid(one_target)


def active(server: Server) -> dict[str, bool]:
    return {name: user.get("active", True) for name, user in server.users().items()}


@pytest.mark.parametrize("way", ["core", "jar"])
def test_code42s_rule_follows_its_population(every, way):
    if way == "jar":
        every.way = ["--plugin", DEPLOY]
    server = every.server
    plan = every.plan()
    assert plan.status == 0, plan
    assert server.users() == {}
    first = every.sync()
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
    filters = {asked.query["filter"] for asked in server.requests() if "filter" in asked.query}
    assert f'username Eq "{ADA}"' in filters and all(text.startswith('username Eq "') for text in filters), (
        "not as typed"
    )

    server.forget()
    again = every.sync()
    assert (again.status, again.outcomes, counters(again)) == (0, {}, [5, 4, 0, 1, 0])
    assert [asked for asked in server.requests() if asked.method != "GET"] == []

    every.people[BOB]["title"] = "Architect"
    every.people[EVE]["enabled"] = False
    every.people[ADA]["population"]["id"] = "p-guests"
    every.people[GUS]["population"]["id"] = "p-employees"
    del every.people[CHLOE]
    second = every.sync()
    assert second.outcomes == {BOB: "updated", EVE: "disabled", ADA: "disabled", GUS: "created", CHLOE: "disabled"}
    assert active(server) == {ADA: False, BOB: True, CHLOE: False, EVE: False, GUS: True}
    assert server.users()[BOB]["title"] == "Architect"
    assert server.users()[EVE]["title"] == "Lead", "who is disabled keeps everything else"

    every.people[EVE]["enabled"] = True
    every.people[ADA]["population"]["id"] = "p-employees"
    third = every.sync()
    assert third.outcomes == {EVE: "re-enabled", ADA: "re-enabled"}
    assert active(server)[EVE] and active(server)[ADA]


def test_skipped_operations_are_counted_as_pingone_counts_them(rule):
    rule.configuration["CREATE_USERS"] = False
    run = rule.sync()
    assert set(run.outcomes.values()) == {"skipped"}
    assert counters(run) == [5, 0, 0, 5, 0]
    assert counters(rule.sync()) == [5, 0, 0, 5, 0], "nothing is asked for them any more, but they are still not there"
    rule.configuration.update({"CREATE_USERS": True, "UPDATE_USERS": False})
    assert counters(rule.sync()) == [5, 4, 0, 1, 0]
    rule.people[BOB]["title"] = "Architect"
    run = rule.sync()
    assert (run.outcomes, counters(run)) == ({BOB: "skipped"}, [5, 3, 1, 1, 0])
    assert rule.server.users()[BOB]["title"] == "Engineer"
    rule.configuration.update({"UPDATE_USERS": True, "DISABLE_USERS": False})
    rule.people[EVE]["enabled"] = False
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
    rule.people[BOB]["memberOfGroupIDs"] = []
    assert rule.sync().outcomes == {BOB: "disabled"}


def test_a_filter_without_matches_removes_users_only_with_max_removals(rule):
    assert rule.sync().status == 0
    for user in rule.people.values():
        user["population"]["id"] = "p-guests"
    rule.people[GUS]["population"]["id"] = "p-guests"
    before = rule.server.users()
    run = rule.sync()
    assert run.status == 2 and "--max-removals 4" in run.err, run
    assert rule.server.users() == before
    run = rule.sync("--max-removals", "4")
    assert run.status == 0 and set(active(rule.server).values()) == {False}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda file: file["store"].update(status="INACTIVE"), "the connection is disabled"),
        (lambda file: file["rule"].update(active=False), "the rule is off"),
        (lambda file: file["rule"].pop("userFilter"), "has no user filter"),
        (
            lambda file: file["rule"]["userFilter"]["all"][0].update(attribute="Shoe Size"),
            "`Shoe Size` is no attribute",
        ),
        (lambda file: file["rule"]["userFilter"]["all"][0].update(operator="Contains"), "`Contains` is not known"),
        (
            lambda file: file["rule"]["userFilter"]["all"][0].update(value="Employes"),
            "`Employes`, which PingOne does not have",
        ),
        (
            lambda file: file["mappings"].append({"sourceAttribute": "Shoe Size", "targetAttribute": "title"}),
            "`Shoe Size` is no attribute",
        ),
        (lambda file: file["source"].update(files=["users.json"]), "the populations themselves were not read"),
    ],
)
def test_a_connection_or_rule_that_does_not_fit_is_rejected_before_any_write(rule, change: Callable[[Any], Any], told):
    assert rule.sync().status == 0
    change(rule.file)
    rule.refused(told)


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
    there = [ADA, "guest@elsewhere.example"] if handling == "Merge" else []
    assert member_names(server) == {"Engineering": sorted([BOB, EVE, *there]), "Backup": sorted([ADA, BOB, EVE])}
    assert rule.sync().group_outcomes == {}
    # Whom the rule put there goes when PingOne says so; whom it did not stays.
    rule.people[EVE]["memberOfGroupIDs"] = []
    plan, run = rule.plan(), rule.sync()
    assert run.group_outcomes == {"Engineering": "updated", "Backup": "updated"}
    told = {line["identifier"]: line["members"] for line in plan.lines if line["kind"] == "group"}
    assert told["Engineering"] == {"added": [], "removed": [EVE]}
    assert member_names(server)["Engineering"] == sorted([BOB, *there])


def test_plugin_rejects_merge_handling(rule):
    rule.configuration["GROUP_MEMBERSHIP_HANDLING"] = "Merge"
    rule.file["source"]["files"].append("groups.json")
    rule.file["rule"]["groups"] = [{"name": "Engineering"}]
    rule.way = ["--plugin", DEPLOY]
    run = rule.sync()
    assert run.status == 2 and "GROUP_MEMBERSHIP_HANDLING" in run.err, run


def test_an_external_group_is_rejected(rule):
    rule.file["source"]["files"].append("groups.json")
    rule.file["rule"]["groups"] = [{"name": "Partners"}]
    rule.refused("`Partners` is an external group")


# --- PingOne's API --------------------------------------------------------------------------------------------------


class PingOne:
    """PingOne's API as it was recorded: collections in pages of two, tokens of a worker application."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.tokens = 0
        self.lives = 1000
        """How many requests a token is good for."""
        self.instead: Callable[[str], tuple[int, Any] | None] = lambda path: None
        self.recorder = Recorder(instead=self.answer)

    def __enter__(self) -> "PingOne":
        self.recorder.__enter__()
        self.url = self.recorder.url.removesuffix("/v2")
        self.rule.file["source"] = {
            "apiPath": f"{self.url}/v1",
            "authPath": f"{self.url}/auth",
            "environment": "e1",
            "clientId": "worker",
        }
        self.rule.way = [*self.rule.way, "--secret", "PINGONE_CLIENT_SECRET=env:WORKER"]
        return self

    def __exit__(self, *_: object) -> None:
        self.recorder.__exit__()

    @property
    def paths(self) -> list[str]:
        return [exchange.path for exchange in self.recorder.exchanges]

    def answer(self, exchange: Any) -> tuple[int, str, str]:
        status, body = self.instead(exchange.path) or self.said(exchange)
        return status, "application/json", json.dumps(body)

    def said(self, exchange: Any) -> tuple[int, Any]:
        if exchange.path == "/auth/e1/as/token":
            assert exchange.body == "grant_type=client_credentials"
            assert exchange.headers.get("authorization", exchange.headers.get("Authorization")).startswith("Basic")
            self.tokens += 1
            self.left = self.lives
            return 200, {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
        if self.left == 0:
            return 401, {"code": "INVALID_TOKEN", "message": "The access token is expired"}
        self.left -= 1
        parts = urllib.parse.urlsplit(exchange.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        kind = parts.path.removeprefix("/v1/environments/e1/")
        if kind == "users":
            items = list(self.rule.people.values())
            if "filter" in query:
                group = re.fullmatch(r'memberOfGroups\[id eq "(.+)"\]', query["filter"]).group(1)
                items = [user for user in items if group in user["memberOfGroupIDs"]]
            items = [{key: value for key, value in user.items() if key != "memberOfGroupIDs"} for user in items]
        else:
            items = Rule.read(f"{kind}.json")["_embedded"][kind]
        first = int(query.get("cursor", 0))
        links = {"self": {"href": self.url + exchange.path}}
        if first + 2 < len(items):
            more = urllib.parse.urlencode(query | {"cursor": first + 2})
            links["next"] = {"href": f"{self.url}{parts.path}?{more}"}
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
    del rule.people[BOB]
    assert rule.sync().outcomes == {BOB: "disabled"}


def test_groups_of_the_api_get_the_members_that_it_returns(rule, api):
    rule.file["rule"]["userFilter"]["all"].append({"attribute": "Group", "operator": "Equals", "value": "Engineering"})
    rule.file["rule"]["groups"] = [{"name": "Engineering"}]
    run = rule.sync()
    assert (run.outcomes, run.group_outcomes) == ({BOB: "created", EVE: "created"}, {"Engineering": "created"}), run
    assert member_names(rule.server) == {"Engineering": [BOB, EVE]}


def test_a_token_that_expires_between_pages_is_renewed(rule, api):
    api.lives = 2
    run = rule.sync()
    assert run.status == 0 and len(run.outcomes) == 5, run
    assert api.tokens == 2


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (
            "/users",
            (403, {"code": "ACCESS_FAILED", "message": "missing scope"}),
            "may not read them; give the application the role",
        ),
        ("/users", (401, {"code": "INVALID_TOKEN"}), "auth_failed"),
        ("/as/token", (401, {"error": "invalid_client"}), "check source.clientId and PINGONE_CLIENT_SECRET"),
        ("cursor=2", (400, {"code": "INVALID_REQUEST", "message": "the cursor is too old"}), "the cursor is too old"),
        ("cursor=2", (200, {"_embedded": {"users": []}, "count": 6}), "it has 6 users, but gave 2"),
        ("cursor=2", (200, {"_embedded": {}}), "no _embedded.users"),
        ("populations", (404, {}), "source.environment"),
    ],
)
def test_an_incomplete_read_of_pingone_removes_no_users(rule, api, path, answer, told):
    assert rule.sync().status == 0
    del rule.people[BOB]
    api.instead = lambda asked: answer if path in asked else None
    before = rule.server.users()
    rule.server.forget()
    run = rule.sync("--max-removals", "100")
    assert run.status == 2 and told in run.err, run
    assert rule.server.requests() == [] and rule.server.users() == before


def test_the_next_page_is_never_fetched_from_another_server(rule, api):
    with Recorder(instead=lambda _: (200, "application/json", "{}")) as other:
        link = other.url + "/users"
        page = {"_links": {"next": {"href": link}}, "_embedded": {"users": [rule.people[ADA]]}}
        api.instead = lambda asked: (200, page) if "/users" in asked else None
        run = rule.sync()
        assert run.status == 2 and "which is another server" in run.err, run
        assert other.exchanges == []
