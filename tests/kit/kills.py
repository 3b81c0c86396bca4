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


class Killer:
    """Starts runs and kills each one at one of its requests: before the target sees it, before its answer is read, or
    a few milliseconds later, wherever the program is then."""

    def __init__(self, wire, server, folder, seed):
        self.wire, self.folder = wire, folder
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
            [PROGRAM, *arguments],
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
            out, err = run.communicate(timeout=60)
            if run.returncode != -signal.SIGKILL:
                return run.returncode, out + err
            self.kills += 1
        raise AssertionError("no run came to its end")


def converge(server: ScimServer, folder: Path, seed: int) -> int:
    """Brings two directories to the target, one after the other, by runs of which all but the last are killed, and checks
    the target, the requests and the state file.

    Returns how many runs were killed.
    """
    server.hold([])
    with Recorder(server) as wire:
        killer = Killer(wire, server, folder, seed)
        directories = [
            population.ldif(folder / "a.ldif", USERS),
            population.ldif(folder / "b.ldif", STAYING, title="Architect", disabled=DISABLED),
        ]
        for directory in directories:
            status, said = killer.until_it_ends(directory)
            assert status == 0, said
        created = Counter(
            json.loads(e.body)["userName"] for e in wire.writes() if e.method == "POST" and e.status == 201
        )
    assert max(created.values()) == 1
    users = server.users()
    assert sorted(users) == [population.name(n) for n in USERS]
    assert len(server.resources()) == len(users)
    for number in USERS:
        user = users[population.name(number)]
        leaves = number not in STAYING or number in DISABLED
        assert user.get("active", True) is not leaves, user
        assert user["title"] == ("Engineer" if leaves else "Architect"), user
    # Nothing is left to do, and the state says so.
    dirty = pfscim("state", "dirty", folder / "x.state", "--json")
    assert (dirty.status, dirty.out) == (0, ""), dirty
    return killer.kills
