"""Removing users where the target does not play along: who is told to be disabled is disabled, and nobody is deleted
or touched by mistake."""

import json
from collections.abc import Iterator

import pytest
from kit.java_host import Host
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
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server that disables with PATCH and one of SCIM 1.1."""
    with start(request.param) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    running.recorder.instead = lambda exchange: None
    running.clear()
    yield running
    assert [problem for asked in running.requests() for problem in problems(asked, running.version)] == []


@pytest.fixture(params=WAYS)
def link(request: pytest.FixtureRequest, server: Server, tmp_path) -> ZooConnection:
    return ZooConnection.to(server, tmp_path, request.param)


def loaded(link: ZooConnection, server: Server, users: list[dict]) -> None:
    """A first cycle."""
    run = link.sync(users)
    assert run.status == 0, run
    server.forget()


def is_disable(exchange) -> bool:
    return exchange.method in ("PATCH", "PUT") and "/Users/" in exchange.path and "false" in exchange.body


def writes(server: Server) -> list[str]:
    return [asked.method for asked in server.requests() if asked.method != "GET"]


def failed(run) -> dict[str, str]:
    """Identifier to code of everybody who failed."""
    return {line["identifier"]: line["code"] for line in run.lines if line["outcome"] == "failed"}


def test_a_disable_that_the_target_accepts_but_ignores_is_not_honoured(link, server):
    loaded(link, server, [ANN, BEN])

    def lazy(exchange):
        if is_disable(exchange):
            shown = server.ask("GET", exchange.path[exchange.path.index("/Users/") :])
            return 200, "application/json", shown.text
        return None

    server.recorder.instead = lazy
    run = link.sync([BEN])
    assert run.status == 1, run
    assert failed(run) == {ANN["uid"]: "not_honoured"}
    (line,) = [line for line in run.lines if line["outcome"] == "failed"]
    assert "ACTIVE" in line["message"]
    assert server.users()[ANN["uid"]]["active"] is True
    # It is tried again until it is so.
    server.recorder.instead = lambda exchange: None
    run = link.sync([BEN])
    assert run.outcomes == {ANN["uid"]: "disabled"}, run
    assert server.users()[ANN["uid"]]["active"] is False


def test_an_account_that_the_target_deletes_on_disable_is_disabled(link, server):
    loaded(link, server, [ANN, BEN])

    def drops(exchange):
        if is_disable(exchange):
            assert server.ask("DELETE", exchange.path[exchange.path.index("/Users/") :]).status in (200, 204)
            return 204, "application/json", ""
        return None

    server.recorder.instead = drops
    run = link.sync([BEN])
    assert run.status == 0, run
    assert run.outcomes == {ANN["uid"]: "disabled"}
    assert set(server.users()) == {BEN["uid"]}
    assert "DELETE" not in writes(server)
    server.recorder.instead = lambda exchange: None
    assert link.sync([BEN]).outcomes == {}
    run = link.sync([ANN, BEN])
    assert run.outcomes == {ANN["uid"]: "created"}, run
    assert server.users()[ANN["uid"]]["active"] is True


def test_a_new_entry_with_the_same_mail_keeps_the_account(link, server):
    loaded(link, server, [ANN, BEN])
    (before,) = [each["id"] for each in server.resources("/Users") if each["userName"] == ANN["uid"]]
    again = ANN | {"id": "n-1-again", "givenName": "Anna"}
    run = link.sync([again, BEN])
    assert run.status == 0, run
    words = {line["source"]: line["outcome"] for line in run.lines if line["identifier"] == ANN["uid"]}
    assert words["n-1-again"] in ("adopted", "updated") and words.get("n-1") in (None, "already-gone"), run
    assert [asked for asked in server.requests() if asked.method == "DELETE"] == []
    assert not any("false" in json.dumps(asked.body) for asked in server.requests() if asked.method in ("PUT", "PATCH"))
    (after,) = [each for each in server.resources("/Users") if each["userName"] == ANN["uid"]]
    assert after["id"] == before and after["active"] is True and after["name"]["givenName"] == "Anna"
    server.forget()
    assert link.sync([again, BEN]).outcomes == {}
    assert writes(server) == []


def test_a_removal_acts_on_the_stored_account_only(link, server):
    loaded(link, server, [ANN, BEN])
    (gone,) = [each["id"] for each in server.resources("/Users") if each["userName"] == ANN["uid"]]
    assert server.ask("DELETE", f"/Users/{gone}").status in (200, 204)
    # Somebody else has the name now.
    server.seed([user(server, ANN["uid"])])
    run = link.sync([BEN])
    assert run.status == 0, run
    assert run.outcomes == {ANN["uid"]: "already-gone"}
    assert writes(server) == []
    assert server.users()[ANN["uid"]]["active"] is True


@pytest.mark.parametrize("status", [403, 409, 500])
def test_a_failed_disable_never_becomes_a_delete(link, server, status):
    loaded(link, server, [ANN, BEN])
    server.recorder.instead = lambda exchange: (status, "application/json", "{}") if is_disable(exchange) else None
    run = link.sync([BEN])
    assert run.status == 1 and ANN["uid"] in failed(run), run
    assert "DELETE" not in writes(server)
    assert server.users()[ANN["uid"]]["active"] is True


def test_the_error_for_a_rejected_delete_recommends_disable(link, server):
    link.settings["REMOVE_ACTION"] = "Delete"
    loaded(link, server, [ANN, BEN])
    server.recorder.instead = lambda e: (405, "application/json", "{}") if e.method == "DELETE" else None
    run = link.sync([BEN])
    assert run.status == 1 and failed(run) == {ANN["uid"]: "rejected"}, run
    (line,) = [line for line in run.lines if line["outcome"] == "failed"]
    assert "Remove User Action = Disable" in line["message"]


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
def test_an_operation_that_an_option_blocks_is_skipped_with_a_warning(link, server, setting, label, after):
    loaded(link, server, [ANN, BEN])
    before = server.users()
    link.settings[setting] = "false"
    run = link.sync(after)
    assert run.status == 0, run
    assert list(run.outcomes.values()) == ["skipped"]
    (line,) = [line for line in run.lines if line["outcome"] == "skipped"]
    assert label in " ".join(line["warnings"]), run
    assert writes(server) == []
    assert server.users() == before


def test_removals_beyond_the_limit_fail_and_other_operations_continue(link, server):
    link.settings["MAX_REMOVALS_PER_CYCLE"] = "2"
    loaded(link, server, CROWD)
    run = link.sync([*CROWD[:2], ANN], "--max-removals", "100")
    assert run.status == 1, run
    assert run.summary["disabled"] == 2 and run.outcomes[ANN["uid"]] == "created"
    assert list(failed(run).values()) == ["removal_limit"] * 4
    assert sum(not each["active"] for each in server.users().values()) == 2


def test_the_latch_stays_shut_for_every_thread_and_session_until_the_limit_changes(server):
    ids = []
    settings = {"SCIM_URL": server.url, "SCIM_VERSION": server.version} | server.auth.right | server.settings
    with Host() as host:
        assert host.init(settings | {"MAX_REMOVALS_PER_CYCLE": "3"}).well
        for person in CROWD:
            made = host.ask(
                "createUser", enabled="true", a__userName=person["uid"], a__givenName="User", a__familyName="Case"
            )
            assert made.well, made
            ids.append(made["id"])
        calls = [host.start("deprovisionUser", id=one, enabled="false") for one in ids]
        replies = [host.reply(call) for call in calls]
        assert sum(reply.well for reply in replies) == 3
        refused = [reply["message"] for reply in replies if not reply.well]
        assert all(message.startswith("removal_limit: ") for message in refused), refused
        still = [one for one, reply in zip(ids, replies, strict=True) if not reply.well]
        # A new session of the same channel finds it shut, and may go on creating.
        assert host.ask("close").well
        assert host.init(settings | {"MAX_REMOVALS_PER_CYCLE": "3"}).well
        assert host.ask("deprovisionUser", id=still[0], enabled="false")["message"].startswith("removal_limit: ")
        made = host.ask(
            "createUser", enabled="true", a__userName="new@example.com", a__givenName="New", a__familyName="Comer"
        )
        assert made.well, made
        # Another value opens it.
        assert host.ask("close").well
        assert host.init(settings | {"MAX_REMOVALS_PER_CYCLE": "20"}).well
        assert host.ask("deprovisionUser", id=still[0], enabled="false").well
    assert sum(not each["active"] for each in server.users().values()) == 4
