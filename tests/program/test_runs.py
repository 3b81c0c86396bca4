"""How runs are started, watched and stopped: cycle after cycle, signals, the audit file, one user on demand, and the
state file afterwards."""

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


class Bench:
    """A population, its connection, and runs of the program on both."""

    def __init__(self, wire, server, folder):
        self.wire, self.server, self.folder = wire, server, folder
        self.state, self.ldif = folder / "x.state", folder / "a.ldif"
        self.environment = {"TARGET_TOKEN": server.token}
        (folder / "c.json").write_text(json.dumps(population.connection(wire.url, threads=2)))
        self.directory(USERS)

    def directory(self, numbers, **more):
        """What the source holds from now on, in one step."""
        population.ldif(self.folder / "new", numbers, **more).replace(self.ldif)

    def arguments(self, command, *more):
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
            *more,
        ]

    def run(self, command, *more) -> Run:
        return pfscim(*self.arguments(command, *more), environment=self.environment)

    def start(self, *more):
        """A run that goes on by itself."""
        return subprocess.Popen(
            [PROGRAM, *map(str, self.arguments("sync", *more))],
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def summary(self, run):
        """Reads on to the end of a cycle."""
        for line in run.stdout:
            if "summary" in line:
                return {word: count for word, count in json.loads(line)["summary"].items() if count}
        raise AssertionError(f"the run ended: {run.communicate()}")

    def told(self, command, *more):
        """The JSON objects of a state command."""
        done = pfscim("state", command, self.state, *more, "--json")
        assert done.status == 0, done
        return [json.loads(line) for line in done.out.splitlines()]


@pytest.fixture
def bench(running, tmp_path):
    running.hold([])
    with Recorder(running) as wire:
        yield Bench(wire, running, tmp_path)


def ended(run, *statuses):
    """What it complained of."""
    out, err = run.communicate(timeout=60)
    assert run.returncode in statuses, out + err
    assert "panicked" not in err
    return [line for line in err.splitlines() if line.startswith("pfscim: ")]


@pytest.mark.parametrize("way", ["core", "jar"])
def test_cycles_continue_after_a_failed_session_until_a_signal(bench, way):
    more = ["--plugin", DEPLOY] if way == "jar" else []
    run = bench.start("--every", "1s", *more)
    try:
        assert bench.summary(run) == {"created": len(USERS)}
        assert bench.summary(run) == {"unchanged": len(USERS)}
        # Between cycles the file is free.
        looks = (pfscim("state", "show", bench.state, "--json") for _ in range(200))
        assert json.loads(next(look.out for look in looks if look.status == 0))["users"]["known"] == len(USERS)
        bench.wire.instead = lambda exchange: (401, "text/plain", "who are you?")
        complaint = run.stderr.readline()
        assert "auth_failed" in complaint and "the next cycle tries again" in complaint
        bench.wire.instead = lambda exchange: None
        bench.directory(USERS, title="Architect")
        while (summary := bench.summary(run)) == {"unchanged": len(USERS)}:
            pass
        assert summary == {"updated": len(USERS)}
    finally:
        run.send_signal(signal.SIGTERM)
        # The next cycle may have begun.
        ended(run, 0, 3)
    assert {user["title"] for user in bench.server.users().values()} == {"Architect"}


def test_a_source_that_is_missing_at_the_start_ends_the_run(bench):
    bench.ldif.unlink()
    run = bench.start("--every", "1s")
    assert "a.ldif" in ended(run, 2)[0]


@pytest.mark.parametrize("way", ["core", "jar"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_after_the_open_requests(bench, way, number):
    more = ["--plugin", DEPLOY] if way == "jar" else []
    at_work, go_on = threading.Event(), threading.Event()
    posts = Counter()

    def hold(exchange):
        if exchange.method == "POST":
            posts["seen"] += 1
            if posts["seen"] >= 3:
                at_work.set()
                assert go_on.wait(30)

    bench.wire.instead = hold
    run = bench.start(*more)
    assert at_work.wait(60)
    # As a terminal does it: everybody in the foreground is told, but not the host of the plugin.
    os.killpg(run.pid, number)
    go_on.set()
    (line,) = ended(run, 3)
    assert "stopped" in line
    # Whatever was sent is known to have been sent.
    created = len(bench.server.users())
    assert 3 <= created < len(USERS)
    users = bench.told("show")[0]["users"]
    assert (users["linked"], users["dirty"]) == (created, len(USERS) - created)
    rest = bench.run("sync", *more)
    assert rest.status == 0, rest
    assert Counter(rest.outcomes.values()) == {"created": len(USERS) - created}


def test_a_second_signal_ends_the_run_at_once(bench):
    at_work, release = threading.Event(), threading.Event()

    def hang(exchange):
        if exchange.method == "POST":
            at_work.set()
            release.wait(60)

    bench.wire.instead = hang
    run = bench.start()
    try:
        assert at_work.wait(60)
        run.send_signal(signal.SIGINT)
        # The first one has to have arrived: two at once would be one.
        while not signalled(run.pid):
            time.sleep(0.05)
            run.send_signal(signal.SIGINT)
        assert run.wait(30) == 3
        assert not release.is_set()
    finally:
        release.set()
        run.communicate(timeout=60)


def signalled(pid):
    """Whether the process has ended."""
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_every_operation_is_a_line_of_the_audit_file(bench):
    audit = bench.folder / "audit.log"
    assert bench.run("sync", "--audit", audit).status == 0
    assert stat.S_IMODE(audit.stat().st_mode) == 0o600
    bench.directory(USERS[1:], disabled=[2])
    assert bench.run("sync", "--audit", audit).status == 0
    ids = {user["userName"]: user["id"] for user in bench.server.resources()}
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


def test_on_demand_logs_each_step_and_request_without_values(bench):
    assert bench.run("sync").status == 0
    before = bench.server.users()
    bench.directory(USERS[1:], title="Secret-Title")
    bench.wire.forget()
    for who in (population.name(3).upper(), "00000000-0000-4000-8000-000000000003"):
        run = bench.run("sync", "--on-demand", who)
        assert run.status == 0, run
        assert [line["identifier"] for line in run.lines] == [population.name(3)]
    assert "step: source: record 00000000-0000-4000-8000-000000000003, enabled; mapped: " in run.err
    assert re.search(r"^step: state: linked to \S+, sent as it is now$", run.err, re.MULTILINE), run.err
    assert re.search(r"^request: GET /v2/Users/\S+: 200 after \d+ ms", run.err, re.MULTILINE), run.err
    assert "Secret-Title" not in run.err
    after = bench.server.users()
    assert [n for n, user in after.items() if user != before[n]] == [population.name(3)]
    # Nobody else is touched, and the cycle that follows does not think that it was.
    rest = bench.run("sync")
    assert Counter(rest.outcomes.values()) == {"updated": len(USERS) - 2, "disabled": 1}, rest


def test_on_demand_through_the_jar_logs_each_request(bench):
    run = bench.run("sync", "--on-demand", population.name(3), "--plugin", DEPLOY)
    assert run.outcomes == {population.name(3): "created"}, run
    assert re.search(r"^plugin: POST /v2/Users: 201 after \d+ ms", run.err, re.MULTILINE), run.err
    assert "Engineer" not in run.err and "Family3" not in run.err


def test_on_demand_removes_a_user_who_left(bench):
    assert bench.run("sync").status == 0
    bench.directory(USERS[2:])
    run = bench.run("sync", "--on-demand", population.name(0))
    assert run.outcomes == {population.name(0): "disabled"}, run
    assert "so the user left" in run.err
    assert [n for n, user in bench.server.users().items() if not user.get("active", True)] == [population.name(0)]


def test_the_guard_lists_every_user_that_it_refuses_to_remove(bench):
    bench.directory(range(60))
    assert bench.run("sync").status == 0
    bench.directory(range(30))
    gone = [population.name(n) for n in range(30, 60)]
    run = bench.run("sync")
    assert (run.status, run.refused) == (2, gone)
    assert all(name in run.err for name in gone[:20]) and gone[20] not in run.err and "and 10 more" in run.err
    plan = bench.run("plan")
    assert (plan.status, plan.refused) == (2, gone)
    assert plan.outcomes == dict.fromkeys(gone, "disabled")


def test_the_state_commands_show_reset_and_forget_users(bench):
    assert bench.run("sync").status == 0
    ids = {user["userName"]: user["id"] for user in bench.server.resources()}
    (shown,) = bench.told("show")
    assert (shown["connection"], shown["channel"], shown["scimUrl"].rstrip("/")) == (
        "population",
        "people",
        bench.wire.url,
    )
    assert shown["users"] == {"known": 12, "inScope": 12, "linked": 12, "dirty": 0, "skipped": 0}
    name = population.name(5)
    (user,) = bench.told("user", name)
    assert user["id"] == ids[name] and user["sent"] and not user["dirty"]
    assert bench.told("user", user["source"]) == bench.told("user", user["id"]) == [user]
    assert bench.told("dirty") == []
    # Everybody is compared again, nothing differs.
    assert bench.told("reset") == [{"reset": len(USERS)}]
    bench.wire.forget()
    run = bench.run("sync")
    assert run.summary["unchanged"] == len(USERS) and bench.wire.writes() == []
    assert sum(e.path.startswith("/v2/Users/") for e in bench.wire.exchanges) == len(USERS)
    # A wrong name forgets nobody.
    wrong = pfscim("state", "forget", bench.state, name, "nobody@example.com")
    assert wrong.status == 2 and "nobody@example.com" in wrong.err
    assert bench.told("user", name)
    assert bench.told("forget", name) == [{"forgotten": [name]}]
    assert bench.server.users()[name].get("active", True)
    assert bench.run("sync").outcomes == {name: "adopted"}
    assert len(bench.told("forget", "--all")[0]["forgotten"]) == len(USERS)
    assert bench.told("show")[0]["users"]["known"] == 0
    damaged = bench.folder / "damaged.state"
    damaged.write_bytes(bench.state.read_bytes()[:5000])
    for command in (["show"], ["user", "x"], ["dirty"], ["reset"], ["forget", "--all"]):
        refused = pfscim("state", command[0], damaged, *command[1:])
        assert refused.status == 2 and "damaged" in refused.err, refused
