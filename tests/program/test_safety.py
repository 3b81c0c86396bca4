"""Checks that a plan writes nothing, a lost state file repeats no write, and a suspect source removes no users."""

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
    assert wire.raw_requests, "the plan sent no request to the target"
    assert wire.writes() == []
    assert server.users() == before
    assert not setup.state.exists()
    assert sorted(p.name for p in setup.folder.iterdir()) == ["connection.json"]


def test_a_plan_lists_what_the_sync_then_does(setup, scenario):
    first_load(setup)
    state = setup.state.read_bytes()
    plan = setup.plan(setup.directory("b.ldif"))
    assert setup.state.read_bytes() == state
    run = setup.sync(setup.directory("b.ldif"))
    assert plan.status == run.status == 0
    assert plan.outcomes == run.outcomes == scenario.cycles[1]["outcomes"]


def test_a_lost_state_file_creates_no_duplicate_users(setup, scenario, server, wire):
    first_load(setup)
    before = server.resources()
    setup.state.unlink()
    wire.clear_requests()
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert wire.writes() == [], "the target was up to date, but the cycle wrote"
    assert server.resources() == before
    assert set(run.outcomes.values()) <= {"adopted", "skipped", "already-disabled"}, run


def test_a_user_that_appears_between_lookup_and_create_is_adopted(setup, server, wire):
    # Another client creates the user after the first lookup.
    name = "noah.weber@example.com"
    rival = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "nickName": "first"}
    created: list[str] = []

    def create_first(request):
        if request.method == "POST" and name in request.body and not created:
            created.append(server.request("POST", "/v2/Users", rival)["id"])

    wire.override = create_first
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert run.outcomes[name] == "adopted"
    (user,) = [r for r in server.resources() if r["userName"] == name]
    assert user["id"] == created[0]
    assert user["nickName"] == "first" and user["title"] == "Techniker"


def test_a_create_whose_response_is_lost_is_not_sent_twice(setup, server, wire):
    # The target creates the user, but the gateway in front of it times out.
    name = "noah.weber@example.com"

    def lose_response(request):
        if request.method == "POST" and name in request.body:
            server.request("POST", "/v2/Users", json.loads(request.body))
            return 504, "text/plain", "the target takes too long"
        return None

    wire.override = lose_response
    run = setup.sync(setup.directory("a.ldif"))
    assert run.status == 0, run
    assert run.outcomes[name] in ("created", "adopted")
    assert len([e for e in wire.writes() if name in e.body]) == 1


def test_the_guard_stops_the_run_before_the_first_removal(setup, edited_directory, server, wire):
    first_load(setup)
    state, before = setup.state.read_bytes(), server.users()
    wire.clear_requests()
    # All members except one leave the group; the rest of the directory is unchanged.
    directory = edited_directory("a.ldif", lambda text: without_members(text, keep="CN=Noah Weber"))
    run = setup.sync(directory)
    assert_failure(run, 2, "--max-removals")
    assert wire.writes() == []
    assert server.users() == before
    assert setup.state.read_bytes() == state
    # With `--max-removals` the same directory is accepted.
    run = setup.sync(directory, "--max-removals", "30")
    assert run.status == 0, run
    assert list(run.outcomes.values()).count("disabled") > 10


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.8, 0.95, 0.999])
def test_an_empty_or_cut_off_directory_disables_no_users(setup, edited_directory, server, wire, share):
    first_load(setup)
    state, before = setup.state.read_bytes(), server.users()
    wire.clear_requests()
    run = setup.sync(edited_directory("a.ldif", lambda text: text[: int(len(text) * share)]), "--max-removals", "1000")
    assert_failure(run, 2)
    assert wire.writes() == []
    assert server.users() == before
    assert setup.state.read_bytes() == state


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.9, 0.93])
def test_a_directory_cut_off_between_two_lines_disables_no_users(direct, edited_directory, server, wire, share):
    first_load(direct)
    state, before = direct.state.read_bytes(), server.users()
    wire.clear_requests()
    run = direct.sync(
        edited_directory("a.ldif", lambda text: "".join(text.splitlines(True)[: int(text.count("\n") * share)]))
    )
    assert_failure(run, 2)
    assert wire.writes() == []
    assert server.users() == before
    assert direct.state.read_bytes() == state


def test_a_record_that_cannot_be_sent_does_not_stop_other_records(setup, edited_directory, server):
    directory = edited_directory("a.ldif", lambda text: text.replace("mail: noah.weber@example.com\n", ""))
    run = setup.sync(directory)
    assert run.status == 1, run
    failed = [line for line in run.lines if line["outcome"] == "failed"]
    assert len(failed) == 1 and "userName" in failed[0]["message"], run
    assert len(server.users()) == 24


def without_members(text: str, keep: str) -> str:
    """Returns the directory without the members of the provisioned groups, except `keep`."""
    entries = text.split("\n\n")
    for index, entry in enumerate(entries):
        lines = entry.replace("\n ", "").splitlines()
        if "objectClass: group" in lines:
            lines = [line for line in lines if not line.startswith("member") or keep in line]
        elif not lines[0].startswith(f"dn: {keep}"):
            lines = [line for line in lines if not line.startswith("memberOf: CN=Code42")]
        entries[index] = "\n".join(lines)
    return "\n\n".join(entries) + "\n"


def assert_failure(run, status: int, *expected_texts: str) -> None:
    """Checks the exit status, the one error line and its texts, and that no stack trace is printed."""
    assert run.status == status, run
    lines = [line for line in run.err.splitlines() if line.startswith("pfscim: ")]
    assert len(lines) == 1, run
    for text in expected_texts:
        assert text in lines[0], run
    for trace in ("panicked", "RUST_BACKTRACE", "\tat ", "Exception in thread", "java.lang.", "thread '"):
        assert trace not in run.err + run.out, run
