"""Runs of the program that are killed at any moment, and the checks of what they lead to."""

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
STAYING = range(8, 40)
DISABLED = range(30, 34)
# So many runs at most; every one but the last is killed.
RUNS = 300
RUN_SECONDS = 60


class Killer:
    """Starts runs and kills each one at one of its requests: before the target sees it, before its answer is read, or
    a few milliseconds later, wherever the program is then."""

    def __init__(self, wire, server, folder, seed, program=PROGRAM):
        self.wire, self.folder, self.program = wire, folder, program
        self.chance = random.Random(seed)
        self.kills = 0
        self.environment = os.environ | {"TARGET_TOKEN": server.token}
        (folder / "c.json").write_text(json.dumps(population.connection(wire.url)))

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

    def until_it_ends(self, ldif):
        """Status and output of the first run that nobody killed."""
        for _ in range(RUNS):
            shot = self.chance.randint(1, 40)
            how = self.chance.choice(["before", "after", "later"])
            pause = self.chance.uniform(0, 0.03)
            seen = itertools.count(1)
            run = self.start(ldif)

            def shoot(exchange, run=run, seen=seen, shot=shot, how=how, pause=pause):
                if next(seen) != shot:
                    return None
                if how == "later":
                    threading.Timer(pause, run.kill).start()
                    return None
                run.kill()
                return (503, "text/plain", "") if how == "before" else None

            self.wire.instead = shoot
            try:
                out, err = run.communicate(timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired:
                run.kill()
                out, err = run.communicate()
                raise AssertionError(f"a run did not end within {RUN_SECONDS} seconds: {out + err}") from None
            if run.returncode != -signal.SIGKILL:
                return run.returncode, out + err
            self.kills += 1
        raise AssertionError("no run came to its end")


def converge(server: ScimServer, folder: Path, seed: int, program: Path = PROGRAM) -> int:
    """Brings two directories to the target, one after the other, by runs of which all but the last are killed, and checks
    the target, the requests and the state file.

    Returns how many runs were killed.
    """
    server.hold([])
    with Recorder(server) as wire:
        killer = Killer(wire, server, folder, seed, program)
        directories = [
            population.ldif(folder / "a.ldif", USERS),
            population.ldif(folder / "b.ldif", STAYING, title="Architect", disabled=DISABLED),
        ]
        for directory in directories:
            status, said = killer.until_it_ends(directory)
            assert status == 0, f"status {status} of the run that was not killed: {said}"
        created = Counter(
            json.loads(e.body)["userName"] for e in wire.writes() if e.method == "POST" and e.status == 201
        )
    twice = [name for name, times in created.items() if times > 1]
    assert not twice, f"created more than once: {twice}"
    users = server.users()
    wanted = [population.name(n) for n in USERS]
    assert sorted(users) == wanted, f"users at the target that differ: {sorted(users.keys() ^ set(wanted))}"
    assert len(server.resources()) == len(users), "the target has two users of one name"
    for number in USERS:
        user = users[population.name(number)]
        leaves = number not in STAYING or number in DISABLED
        assert user.get("active", True) is not leaves, f"active is wrong: {user}"
        assert user["title"] == ("Engineer" if leaves else "Architect"), f"title is wrong: {user}"
    # Nothing is left to do, and the state says so.
    dirty = pfscim("state", "dirty", folder / "x.state", "--json", program=program)
    assert (dirty.status, dirty.out) == (0, ""), f"state dirty: {dirty}"
    return killer.kills
