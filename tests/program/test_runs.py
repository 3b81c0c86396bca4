"""Checks runs of the program: repeated cycles, signals, the audit file, `--on-demand`, the guard and state commands."""

import json
import os
import re
import signal
import stat
import subprocess
import threading
import time
from collections import Counter

import pytest
from kit import population
from kit.program import DEPLOY, PROGRAM, Run, pfscim
from zoo.recorder import Recorder

USERS = range(12)


class Channel:
    """A directory of users, its connection, and runs of the program on them."""

    def __init__(self, wire, server, folder):
        self.wire, self.server, self.folder = wire, server, folder
        self.state, self.ldif = folder / "x.state", folder / "a.ldif"
        self.environment = {"TARGET_TOKEN": server.token}
        (folder / "c.json").write_text(json.dumps(population.connection(wire.url, threads=2)))
        self.directory(USERS)

    def directory(self, numbers, **options):
        """Replaces the directory in one step."""
        population.ldif(self.folder / "new", numbers, **options).replace(self.ldif)

    def arguments(self, command, *options):
        return [
            command,
            self.folder / "c.json",
            "--source",
            f"ldif:{self.ldif}",
            "--state",
            self.state,
            "--json",
            "--secret",
            "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN",
            *options,
        ]

    def run(self, command, *options) -> Run:
        return pfscim(*self.arguments(command, *options), environment=self.environment)

    def start(self, *options):
        """Starts `sync` in the background."""
        return subprocess.Popen(
            [PROGRAM, *map(str, self.arguments("sync", *options))],
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def summary(self, run):
        """Waits for the end of a cycle, and returns its counts without zeros."""
        for line in run.stdout:
            if "summary" in line:
                return {outcome: count for outcome, count in json.loads(line)["summary"].items() if count}
        raise AssertionError(f"the run ended before a cycle did: {run.communicate()}")

    def read_state(self, command, *options):
        """Runs a state command, and returns the JSON objects that it prints."""
        run = pfscim("state", command, self.state, *options, "--json")
        assert run.status == 0, run
        return [json.loads(line) for line in run.out.splitlines()]


@pytest.fixture
def channel(started_server, tmp_path):
    started_server.replace_resources([])
    with Recorder(started_server) as wire:
        yield Channel(wire, started_server, tmp_path)


def error_lines(run, *statuses):
    """Waits for the end of the run, and returns its error lines."""
    out, err = run.communicate(timeout=60)
    assert run.returncode in statuses, out + err
    assert "panicked" not in err
    return [line for line in err.splitlines() if line.startswith("pfscim: ")]


@pytest.mark.parametrize("way", ["core", "jar"])
def test_cycles_continue_after_a_failed_session_until_a_signal(channel, way):
    options = ["--plugin", DEPLOY] if way == "jar" else []
    run = channel.start("--every", "1s", *options)
    try:
        assert channel.summary(run) == {"created": len(USERS)}
        assert channel.summary(run) == {"unchanged": len(USERS)}
        # Between cycles the state file is not locked.
        attempts = (pfscim("state", "show", channel.state, "--json") for _ in range(200))
        shown = next(attempt.out for attempt in attempts if attempt.status == 0)
        assert json.loads(shown)["users"]["known"] == len(USERS)
        channel.wire.override = lambda request: (401, "text/plain", "unknown client")
        line = run.stderr.readline()
        assert "auth_failed" in line and "the next cycle tries again" in line
        channel.wire.override = lambda request: None
        channel.directory(USERS, title="Architect")
        while (summary := channel.summary(run)) == {"unchanged": len(USERS)}:
            pass
        assert summary == {"updated": len(USERS)}
    finally:
        run.send_signal(signal.SIGTERM)
        # The next cycle may have begun.
        error_lines(run, 0, 3)
    assert {user["title"] for user in channel.server.users().values()} == {"Architect"}


def test_a_source_that_is_missing_at_the_start_ends_the_run(channel):
    channel.ldif.unlink()
    run = channel.start("--every", "1s")
    assert "a.ldif" in error_lines(run, 2)[0]


@pytest.mark.parametrize("way", ["core", "jar"])
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_after_the_open_requests(channel, way, signal_number):
    options = ["--plugin", DEPLOY] if way == "jar" else []
    request_arrived, release = threading.Event(), threading.Event()
    posts = Counter()

    def hold(request):
        if request.method == "POST":
            posts["seen"] += 1
            if posts["seen"] >= 3:
                request_arrived.set()
                assert release.wait(30)

    channel.wire.override = hold
    run = channel.start(*options)
    assert request_arrived.wait(60)
    # A terminal signals its whole foreground process group. The Java host process is not in that group.
    os.killpg(run.pid, signal_number)
    release.set()
    (line,) = error_lines(run, 3)
    assert "stopped" in line
    # The state must contain every user that was created.
    created = len(channel.server.users())
    assert 3 <= created < len(USERS)
    users = channel.read_state("show")[0]["users"]
    assert (users["linked"], users["dirty"]) == (created, len(USERS) - created)
    next_run = channel.run("sync", *options)
    assert next_run.status == 0, next_run
    assert Counter(next_run.outcomes.values()) == {"created": len(USERS) - created}


def test_a_second_signal_ends_the_run_at_once(channel):
    request_arrived, release = threading.Event(), threading.Event()

    def hold(request):
        if request.method == "POST":
            request_arrived.set()
            release.wait(60)

    channel.wire.override = hold
    run = channel.start()
    try:
        assert request_arrived.wait(60)
        run.send_signal(signal.SIGINT)
        # Two signals at once may arrive as one, so the second is repeated.
        while not has_ended(run.pid):
            time.sleep(0.05)
            run.send_signal(signal.SIGINT)
        assert run.wait(30) == 3
        assert not release.is_set()
    finally:
        release.set()
        run.communicate(timeout=60)


def has_ended(pid):
    """Returns whether the process has ended (a zombie or gone)."""
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_every_operation_is_a_line_of_the_audit_file(channel):
    audit = channel.folder / "audit.log"
    assert channel.run("sync", "--audit", audit).status == 0
    assert stat.S_IMODE(audit.stat().st_mode) == 0o600
    channel.directory(USERS[1:], disabled=[2])
    assert channel.run("sync", "--audit", audit).status == 0
    ids = {user["userName"]: user["id"] for user in channel.server.resources()}
    lines = [line.split("| ") for line in audit.read_text().splitlines()]
    assert all(len(line) == 8 for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", line[0]) for line in lines)
    first, second = lines[: len(USERS)], lines[len(USERS) :]
    assert len({line[1] for line in first}) == len({line[1] for line in second}) == 1 and first[0][1] != second[0][1]
    assert {line[3] for line in first} == {"CREATE"}
    assert {(line[3], line[5]) for line in second} == {
        ("REMOVE", ids[population.name(0)]),
        ("UPDATE", ids[population.name(2)]),
    }
    assert {tuple(line[6:]) for line in lines} == {("true", "")}


def test_on_demand_logs_each_step_and_request_without_values(channel):
    assert channel.run("sync").status == 0
    before = channel.server.users()
    channel.directory(USERS[1:], title="Secret-Title")
    channel.wire.clear_requests()
    for user in (population.name(3).upper(), "00000000-0000-4000-8000-000000000003"):
        run = channel.run("sync", "--on-demand", user)
        assert run.status == 0, run
        assert [line["identifier"] for line in run.lines] == [population.name(3)]
    assert "step: source: record 00000000-0000-4000-8000-000000000003, enabled; mapped: " in run.err
    assert re.search(r"^step: state: linked to \S+, these values were sent$", run.err, re.MULTILINE), run.err
    assert re.search(r"^request: GET /v2/Users/\S+: 200 after \d+ ms", run.err, re.MULTILINE), run.err
    assert "Secret-Title" not in run.err
    after = channel.server.users()
    assert [n for n, user in after.items() if user != before[n]] == [population.name(3)]
    # Other users are unchanged, and the next cycle still updates them.
    next_run = channel.run("sync")
    assert Counter(next_run.outcomes.values()) == {"updated": len(USERS) - 2, "disabled": 1}, next_run


def test_on_demand_through_the_jar_logs_each_request(channel):
    run = channel.run("sync", "--on-demand", population.name(3), "--plugin", DEPLOY)
    assert run.outcomes == {population.name(3): "created"}, run
    assert re.search(r"^plugin: POST /v2/Users: 201 after \d+ ms", run.err, re.MULTILINE), run.err
    assert "Engineer" not in run.err and "Family3" not in run.err


def test_on_demand_removes_a_user_who_left(channel):
    assert channel.run("sync").status == 0
    channel.directory(USERS[2:])
    run = channel.run("sync", "--on-demand", population.name(0))
    assert run.outcomes == {population.name(0): "disabled"}, run
    assert "so the user left" in run.err
    assert [n for n, user in channel.server.users().items() if not user.get("active", True)] == [population.name(0)]


def test_the_guard_lists_every_user_whose_removal_it_stops(channel):
    channel.directory(range(60))
    assert channel.run("sync").status == 0
    channel.directory(range(30))
    removals = [population.name(n) for n in range(30, 60)]
    run = channel.run("sync")
    assert (run.status, run.blocked_removals) == (2, removals)
    assert all(name in run.err for name in removals[:20]) and removals[20] not in run.err and "and 10 more" in run.err
    plan = channel.run("plan")
    assert (plan.status, plan.blocked_removals) == (2, removals)
    assert plan.outcomes == dict.fromkeys(removals, "disabled")


def test_the_state_commands_show_reset_and_forget_users(channel):
    assert channel.run("sync").status == 0
    ids = {user["userName"]: user["id"] for user in channel.server.resources()}
    (shown,) = channel.read_state("show")
    assert (shown["connection"], shown["channel"], shown["scimUrl"].rstrip("/")) == (
        "population",
        "people",
        channel.wire.url,
    )
    assert shown["users"] == {"known": 12, "inScope": 12, "linked": 12, "dirty": 0, "skipped": 0}
    assert shown["closed"] == 0
    name = population.name(5)
    (user,) = channel.read_state("user", name)
    assert user["id"] == ids[name] and user["sent"] and not user["dirty"]
    assert channel.read_state("user", user["source"]) == channel.read_state("user", user["id"]) == [user]
    assert channel.read_state("dirty") == []
    # After a reset every user is read and compared again; no user differs.
    assert channel.read_state("reset") == [{"reset": len(USERS)}]
    channel.wire.clear_requests()
    run = channel.run("sync")
    assert run.summary["unchanged"] == len(USERS) and channel.wire.writes() == []
    assert sum(e.path.startswith("/v2/Users/") for e in channel.wire.raw_requests) == len(USERS)
    # A command with an unknown name forgets no user.
    run = pfscim("state", "forget", channel.state, name, "unknown@example.com")
    assert run.status == 2 and "unknown@example.com" in run.err
    assert channel.read_state("user", name)
    assert channel.read_state("forget", name) == [{"forgotten": [name]}]
    assert channel.server.users()[name].get("active", True)
    assert channel.run("sync").outcomes == {name: "adopted"}
    assert len(channel.read_state("forget", "--all")[0]["forgotten"]) == len(USERS)
    assert channel.read_state("show")[0]["users"]["known"] == 0
    damaged = channel.folder / "damaged.state"
    damaged.write_bytes(channel.state.read_bytes()[:5000])
    for command in (["show"], ["user", "x"], ["dirty"], ["reset"], ["forget", "--all"]):
        rejected = pfscim("state", command[0], damaged, *command[1:])
        assert rejected.status == 2 and "damaged" in rejected.err, rejected
