"""Kills runs of the program at random moments, and checks the state in which they end."""

import itertools
import json
import os
import random
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

from zoo.recorder import Recorder
from zoo.scim2_server import ScimServer

from kit import population
from kit.program import PROGRAM, pfscim

USERS = range(40)
# The part of USERS that is in the second directory. The rest of them leave.
REMAINING_USERS = range(8, 40)
# The part of REMAINING_USERS that is disabled in the second directory.
DISABLED_USERS = range(30, 34)
# Each run but the last is killed. More runs than this mean that no run can finish.
RUNS_MAX = 300
RUN_TIMEOUT_SECONDS = 60


class Killer:
    """Starts runs, and kills each one at one of its requests.

    That is before the target receives the request, before the program reads the response, or up to 30 ms later.
    """

    def __init__(self, recorder, server, folder, seed, program=PROGRAM):
        self.recorder, self.folder, self.program = recorder, folder, program
        self.random = random.Random(seed)
        self.kills = 0
        self.environment = os.environ | {"TARGET_TOKEN": server.token}
        (folder / "c.json").write_text(json.dumps(population.connection(recorder.url)))

    def start(self, ldif):
        arguments = [
            "sync",
            self.folder / "c.json",
            "--source",
            f"ldif:{ldif}",
            "--state",
            self.folder / "x.state",
            "--json",
            "--secret",
            "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN",
            "--max-removals",
            "100",
        ]
        return subprocess.Popen(
            [self.program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_until_not_killed(self, ldif):
        """Returns status and output of the first run that ends before it is killed."""
        for _ in range(RUNS_MAX):
            kill_at = self.random.randint(1, 40)
            moment = self.random.choice(["before", "after", "later"])
            delay = self.random.uniform(0, 0.03)
            numbers = itertools.count(1)
            run = self.start(ldif)

            def kill_run(_, run=run, numbers=numbers, kill_at=kill_at, moment=moment, delay=delay):
                if next(numbers) != kill_at:
                    return None
                if moment == "later":
                    threading.Timer(delay, run.kill).start()
                    return None
                run.kill()
                return (503, "text/plain", "") if moment == "before" else None

            self.recorder.override = kill_run
            try:
                out, err = run.communicate(timeout=RUN_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                run.kill()
                out, err = run.communicate()
                raise AssertionError(f"a run did not end within {RUN_TIMEOUT_SECONDS} seconds: {out + err}") from None
            if run.returncode != -signal.SIGKILL:
                return run.returncode, out + err
            self.kills += 1
        raise AssertionError(f"each of {RUNS_MAX} runs was killed before its end")


def converge(server: ScimServer, folder: Path, seed: int, program: Path = PROGRAM) -> int:
    """Provisions two directories in turn by runs of which all but the last are killed.

    Checks the target, the requests and the state file afterwards. Returns how many runs were killed.
    """
    server.replace_resources([])
    with Recorder(server) as recorder:
        killer = Killer(recorder, server, folder, seed, program)
        directories = [
            population.ldif(folder / "a.ldif", USERS),
            population.ldif(folder / "b.ldif", REMAINING_USERS, title="Architect", disabled=DISABLED_USERS),
        ]
        for directory in directories:
            status, output = killer.run_until_not_killed(directory)
            assert status == 0, f"status {status} of the run that was not killed: {output}"
        creates = Counter(
            json.loads(request.body)["userName"]
            for request in recorder.writes()
            if request.method == "POST" and request.status == 201
        )
    duplicates = [name for name, count in creates.items() if count > 1]
    assert not duplicates, f"created more than once: {duplicates}"
    users = server.users()
    expected = [population.name(n) for n in USERS]
    assert sorted(users) == expected, f"users at the target that differ: {sorted(users.keys() ^ set(expected))}"
    assert len(server.resources()) == len(users), "the target has two users with the same name"
    for number in USERS:
        user = users[population.name(number)]
        is_inactive = number not in REMAINING_USERS or number in DISABLED_USERS
        assert user.get("active", True) is not is_inactive, f"active is wrong: {user}"
        assert user["title"] == ("Engineer" if is_inactive else "Architect"), f"title is wrong: {user}"
    # The state has no dirty record, so the next run need not repeat an operation.
    dirty = pfscim("state", "dirty", folder / "x.state", "--json", program=program)
    assert (dirty.status, dirty.out) == (0, ""), f"state dirty: {dirty}"
    return killer.kills
