"""Checks removals at targets that misbehave: a disable is confirmed, and no other account is deleted or changed."""

import json
from collections.abc import Iterator

import pytest
from kit.java_host import JavaHost
from kit.validation import problems
from kit.zoo_connection import PERSON, WAYS, ZooConnection
from zoo import Server, start
from zoo.quirks import user

ANN = PERSON
BEN = {"id": "n-2", "uid": "ben.roe@example.com", "givenName": "Ben", "sn": "Roe", "cn": "Ben Roe"}
CROWD = [
    {"id": f"c-{n}", "uid": f"user-{n}@example.com", "givenName": "User", "sn": str(n), "cn": f"User {n}"}
    for n in range(8)
]


@pytest.fixture(scope="module", params=["scim2-server", "unboundid"])
def started_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server at which a disable is a PATCH, then a server of SCIM 1.1."""
    with start(request.param) as server:
        yield server


@pytest.fixture
def server(started_server: Server) -> Iterator[Server]:
    started_server.recorder.override = lambda request: None
    started_server.clear()
    yield started_server
    assert [
        problem for request in started_server.requests() for problem in problems(request, started_server.version)
    ] == []


@pytest.fixture(params=WAYS)
def connection(request: pytest.FixtureRequest, server: Server, tmp_path) -> ZooConnection:
    return ZooConnection.for_server(server, tmp_path, request.param)


def run_first_cycle(connection: ZooConnection, server: Server, users: list[dict]) -> None:
    """Runs the first cycle and clears the recorded requests."""
    run = connection.sync(users)
    assert run.status == 0, run
    server.clear_requests()


def is_disable(request) -> bool:
    return request.method in ("PATCH", "PUT") and "/Users/" in request.path and "false" in request.body


def writes(server: Server) -> list[str]:
    return [request.method for request in server.requests() if request.method != "GET"]


def failure_codes(run) -> dict[str, str]:
    """Returns the failure code of each failed record by its identifier."""
    return {line["identifier"]: line["code"] for line in run.lines if line["outcome"] == "failed"}


def test_a_disable_that_the_target_accepts_but_ignores_is_not_honoured(connection, server):
    run_first_cycle(connection, server, [ANN, BEN])

    def ignore_disable(request):
        if is_disable(request):
            account = server.request("GET", request.path[request.path.index("/Users/") :])
            return 200, "application/json", account.text
        return None

    server.recorder.override = ignore_disable
    run = connection.sync([BEN])
    assert run.status == 1, run
    assert failure_codes(run) == {ANN["uid"]: "not_honoured"}
    (line,) = [line for line in run.lines if line["outcome"] == "failed"]
    assert "ACTIVE" in line["message"]
    assert server.users()[ANN["uid"]]["active"] is True
    # The next cycle tries again.
    server.recorder.override = lambda request: None
    run = connection.sync([BEN])
    assert run.outcomes == {ANN["uid"]: "disabled"}, run
    assert server.users()[ANN["uid"]]["active"] is False


def test_an_account_that_the_target_deletes_on_disable_is_disabled(connection, server):
    run_first_cycle(connection, server, [ANN, BEN])

    def delete_on_disable(request):
        if is_disable(request):
            assert server.request("DELETE", request.path[request.path.index("/Users/") :]).status in (200, 204)
            return 204, "application/json", ""
        return None

    server.recorder.override = delete_on_disable
    run = connection.sync([BEN])
    assert run.status == 0, run
    assert run.outcomes == {ANN["uid"]: "disabled"}
    assert set(server.users()) == {BEN["uid"]}
    assert "DELETE" not in writes(server)
    server.recorder.override = lambda request: None
    assert connection.sync([BEN]).outcomes == {}
    run = connection.sync([ANN, BEN])
    assert run.outcomes == {ANN["uid"]: "created"}, run
    assert server.users()[ANN["uid"]]["active"] is True


def test_a_new_entry_with_the_same_mail_keeps_the_account(connection, server):
    run_first_cycle(connection, server, [ANN, BEN])
    (before,) = [account["id"] for account in server.resources("/Users") if account["userName"] == ANN["uid"]]
    ann_again = ANN | {"id": "n-1-again", "givenName": "Anna"}
    run = connection.sync([ann_again, BEN])
    assert run.status == 0, run
    outcomes = {line["source"]: line["outcome"] for line in run.lines if line["identifier"] == ANN["uid"]}
    assert outcomes["n-1-again"] in ("adopted", "updated") and outcomes.get("n-1") in (None, "passed-on"), run
    assert [request for request in server.requests() if request.method == "DELETE"] == []
    assert not any(
        "false" in json.dumps(request.body) for request in server.requests() if request.method in ("PUT", "PATCH")
    )
    (after,) = [account for account in server.resources("/Users") if account["userName"] == ANN["uid"]]
    assert after["id"] == before and after["active"] is True and after["name"]["givenName"] == "Anna"
    server.clear_requests()
    assert connection.sync([ann_again, BEN]).outcomes == {}
    assert writes(server) == []


def test_a_removal_acts_on_the_stored_account_only(connection, server):
    run_first_cycle(connection, server, [ANN, BEN])
    (ann_id,) = [account["id"] for account in server.resources("/Users") if account["userName"] == ANN["uid"]]
    assert server.request("DELETE", f"/Users/{ann_id}").status in (200, 204)
    # Another account has the identifier now.
    server.seed([user(server, ANN["uid"])])
    for _ in range(2):
        run = connection.sync([BEN])
        assert run.status == 1, run
        assert failure_codes(run) == {ANN["uid"]: "not_found"}, run
        assert writes(server) == []
        assert server.users()[ANN["uid"]]["active"] is True


@pytest.mark.parametrize("status", [403, 409, 500])
def test_a_failed_disable_never_becomes_a_delete(connection, server, status):
    run_first_cycle(connection, server, [ANN, BEN])
    server.recorder.override = lambda request: (status, "application/json", "{}") if is_disable(request) else None
    run = connection.sync([BEN])
    assert run.status == 1 and ANN["uid"] in failure_codes(run), run
    assert "DELETE" not in writes(server)
    assert server.users()[ANN["uid"]]["active"] is True


def test_the_error_for_a_rejected_delete_recommends_disable(connection, server):
    connection.settings["REMOVE_ACTION"] = "Delete"
    run_first_cycle(connection, server, [ANN, BEN])
    server.recorder.override = lambda e: (405, "application/json", "{}") if e.method == "DELETE" else None
    run = connection.sync([BEN])
    assert run.status == 1 and failure_codes(run) == {ANN["uid"]: "rejected"}, run
    (line,) = [line for line in run.lines if line["outcome"] == "failed"]
    assert "Remove User Action = Disable" in line["hint"]


@pytest.mark.parametrize(
    ("setting", "label", "after"),
    [
        ("CREATE_USERS_PROV_OPT", "User Create", [ANN, BEN, CROWD[0]]),
        ("UPDATE_USERS_PROV_OPT", "User Update", [ANN | {"givenName": "Anna"}, BEN]),
        ("REMOVE_USERS_PROV_OPT", "User Disable / Delete", [BEN]),
        ("PROVISION_DISABLED_USERS_PROV_OPT", "Provision Disabled Users", [ANN, BEN, CROWD[0] | {"status": "left"}]),
    ],
    ids=["create", "update", "remove", "disabled"],
)
def test_an_operation_that_an_option_blocks_is_skipped_with_a_warning(connection, server, setting, label, after):
    run_first_cycle(connection, server, [ANN, BEN])
    before = server.users()
    connection.settings[setting] = "false"
    run = connection.sync(after)
    assert run.status == 0, run
    assert list(run.outcomes.values()) == ["skipped"]
    (line,) = [line for line in run.lines if line["outcome"] == "skipped"]
    assert label in " ".join(line["warnings"]), run
    assert writes(server) == []
    assert server.users() == before


def test_removals_beyond_the_limit_fail_and_other_operations_continue(connection, server):
    connection.settings["MAX_REMOVALS_PER_CYCLE"] = "2"
    run_first_cycle(connection, server, CROWD)
    run = connection.sync([*CROWD[:2], ANN], "--max-removals", "100")
    assert run.status == 1, run
    assert run.summary["disabled"] == 2 and run.outcomes[ANN["uid"]] == "created"
    assert list(failure_codes(run).values()) == ["removal_limit"] * 4
    assert sum(not account["active"] for account in server.users().values()) == 2


def test_the_latch_stays_shut_for_every_thread_and_session_until_the_limit_changes(server):
    ids = []
    settings = {"SCIM_URL": server.url, "SCIM_VERSION": server.version} | server.auth.right | server.settings
    with JavaHost() as host:
        assert host.init(settings | {"MAX_REMOVALS_PER_CYCLE": "3"}).succeeded
        for person in CROWD:
            created = host.call(
                "createUser", enabled="true", a__userName=person["uid"], a__givenName="User", a__familyName="Case"
            )
            assert created.succeeded, created
            ids.append(created["id"])
        operations = [host.send("deprovisionUser", id=target_id, enabled="false") for target_id in ids]
        results = [host.wait_for(operation) for operation in operations]
        assert sum(result.succeeded for result in results) == 3
        failures = [result["message"] for result in results if not result.succeeded]
        assert all(message.startswith("removal_limit: ") for message in failures), failures
        active_ids = [target_id for target_id, result in zip(ids, results, strict=True) if not result.succeeded]
        # The latch stays shut in a new session of the channel, and creates still work.
        assert host.call("close").succeeded
        assert host.init(settings | {"MAX_REMOVALS_PER_CYCLE": "3"}).succeeded
        assert host.call("deprovisionUser", id=active_ids[0], enabled="false")["message"].startswith("removal_limit: ")
        created = host.call(
            "createUser", enabled="true", a__userName="new@example.com", a__givenName="New", a__familyName="Comer"
        )
        assert created.succeeded, created
        # Another value of the limit opens the latch.
        assert host.call("close").succeeded
        assert host.init(settings | {"MAX_REMOVALS_PER_CYCLE": "20"}).succeeded
        assert host.call("deprovisionUser", id=active_ids[0], enabled="false").succeeded
    assert sum(not account["active"] for account in server.users().values()) == 4
