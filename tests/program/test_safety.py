"""What must hold whatever happens: previews write nothing, a lost state file repeats nothing, a source that looks
wrong removes nobody."""

import json

import pytest
from kit.program import Setup


def first_load(setup: Setup) -> None:
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run


def test_a_plan_writes_nothing_anywhere(setup, scenario, server, wire):
    before = server.users()
    run = setup.plan(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert wire.exchanges, "the preview never looked at the target"
    assert wire.writes() == []
    assert server.users() == before
    assert not setup.state.exists()
    assert sorted(p.name for p in setup.folder.iterdir()) == ["connection.json"]


def test_a_plan_lists_what_the_sync_then_does(setup, scenario):
    first_load(setup)
    state = setup.state.read_bytes()
    foretold = setup.plan(setup.directory("b.ldif"))
    assert setup.state.read_bytes() == state
    done = setup.sync(setup.directory("b.ldif"))
    assert foretold.status == done.status == 0
    assert foretold.outcomes == done.outcomes == scenario.cycles[1]["outcomes"]


def test_a_lost_state_file_creates_no_duplicate_users(setup, scenario, server, wire):
    first_load(setup)
    before = server.resources()
    setup.state.unlink()
    wire.forget()
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert wire.writes() == [], "everything is at the target as it should be already"
    assert server.resources() == before
    assert set(run.outcomes.values()) <= {"adopted", "skipped", "already-disabled"}, run


def test_a_user_that_appears_between_lookup_and_create_is_adopted(setup, server, wire):
    # The first lookup of this user finds nothing; meanwhile somebody else creates it.
    name = "noah.weber@example.com"
    rival = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "nickName": "first"}
    created: list[str] = []

    def rival_is_faster(exchange):
        if exchange.method == "POST" and name in exchange.body and not created:
            created.append(server.request("POST", "/v2/Users", rival)["id"])

    wire.instead = rival_is_faster
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert run.outcomes[name] == "adopted"
    (user,) = [r for r in server.resources() if r["userName"] == name]
    assert user["id"] == created[0]
    assert user["nickName"] == "first" and user["title"] == "Techniker"


def test_a_create_whose_response_is_lost_is_not_sent_twice(setup, server, wire):
    # The target makes the user, the gateway before it gives up waiting.
    name = "noah.weber@example.com"

    def gateway(exchange):
        if exchange.method == "POST" and name in exchange.body:
            server.request("POST", "/v2/Users", json.loads(exchange.body))
            return 504, "text/plain", "the target takes too long"
        return None

    wire.instead = gateway
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert run.outcomes[name] in ("created", "adopted")
    assert len([e for e in wire.writes() if name in e.body]) == 1


def test_the_guard_stops_the_run_before_the_first_removal(setup, edited, server, wire):
    first_load(setup)
    state, before = setup.state.read_bytes(), server.users()
    wire.forget()
    # All but one member leave the group, in a directory that is whole otherwise.
    leavers = edited("a.ldif", lambda text: without_members(text, keep="CN=Noah Weber"))
    run = setup.sync(leavers)
    refused(run, 2, "--max-removals")
    assert wire.writes() == []
    assert server.users() == before
    assert setup.state.read_bytes() == state
    # Who means it says how many.
    run = setup.sync(leavers, "--max-removals", "30")
    assert run.status == 0, run
    assert list(run.outcomes.values()).count("disabled") > 10


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.8, 0.95, 0.999])
def test_an_empty_or_cut_off_directory_disables_no_users(setup, edited, server, wire, share):
    first_load(setup)
    state, before = setup.state.read_bytes(), server.users()
    wire.forget()
    run = setup.sync(edited("a.ldif", lambda text: text[: int(len(text) * share)]), "--max-removals", "1000")
    refused(run, 2)
    assert wire.writes() == []
    assert server.users() == before
    assert setup.state.read_bytes() == state


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.9, 0.93])
def test_a_directory_cut_off_between_two_lines_disables_no_users(direct, edited, server, wire, share):
    first_load(direct)
    state, before = direct.state.read_bytes(), server.users()
    wire.forget()
    run = direct.sync(edited("a.ldif", lambda text: "".join(text.splitlines(True)[: int(text.count("\n") * share)])))
    refused(run, 2)
    assert wire.writes() == []
    assert server.users() == before
    assert direct.state.read_bytes() == state


def test_a_record_that_cannot_be_sent_does_not_stop_other_records(setup, edited, server):
    broken = edited("a.ldif", lambda text: text.replace("mail: noah.weber@example.com\n", ""))
    run = setup.sync(broken)
    assert run.status == 1, run
    failed = [line for line in run.lines if line["outcome"] == "failed"]
    assert len(failed) == 1 and "userName" in failed[0]["message"], run
    assert len(server.users()) == 24


def without_members(text: str, keep: str) -> str:
    """The directory with nobody in the provisioned groups but one user."""
    entries = text.split("\n\n")
    for index, entry in enumerate(entries):
        lines = entry.replace("\n ", "").splitlines()
        if "objectClass: group" in lines:
            lines = [line for line in lines if not line.startswith("member") or keep in line]
        elif not lines[0].startswith(f"dn: {keep}"):
            lines = [line for line in lines if not line.startswith("memberOf: CN=Code42")]
        entries[index] = "\n".join(lines)
    return "\n\n".join(entries) + "\n"


def refused(run, status: int, *words: str) -> None:
    """One clear line on standard error, the right exit status, no trace of the machinery."""
    assert run.status == status, run
    lines = [line for line in run.err.splitlines() if line.startswith("pfscim: ")]
    assert len(lines) == 1, run
    for word in words:
        assert word in lines[0], run
    for trace in ("panicked", "RUST_BACKTRACE", "\tat ", "Exception in thread", "java.lang.", "thread '"):
        assert trace not in run.err + run.out, run
