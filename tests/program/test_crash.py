"""A run that is killed at any moment: the next one goes on, ends in the right target state and creates nobody twice."""

import itertools
import json
import os
import random
import signal
import subprocess
import threading
from collections import Counter

import pytest
from kit import population
from kit.program import PROGRAM, pfscim
from zoo.recorder import Recorder

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
            "sync", self.folder / "c.json", "--source", f"ldif:{ldif}", "--state", self.folder / "x.state", "--json",
            "--secret", "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN", "--max-removals", "100",
        ]
        return subprocess.Popen(
            [PROGRAM, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_runs_end_in_the_right_state_with_nobody_created_twice(running, tmp_path, seed):
    running.hold([])
    with Recorder(running) as wire:
        killer = Killer(wire, running, tmp_path, seed)
        directories = [
            population.ldif(tmp_path / "a.ldif", USERS),
            population.ldif(tmp_path / "b.ldif", STAYING, title="Architect", disabled=DISABLED),
        ]
        for directory in directories:
            status, said = killer.until_it_ends(directory)
            assert status == 0, said
        assert killer.kills >= 5, "this seed kills too few runs"
        created = Counter(json.loads(e.body)["userName"] for e in wire.writes() if e.method == "POST" and e.status == 201)
    assert max(created.values()) == 1
    users = running.users()
    assert sorted(users) == [population.name(n) for n in USERS]
    assert len(running.resources()) == len(users)
    for number in USERS:
        user = users[population.name(number)]
        leaves = number not in STAYING or number in DISABLED
        assert user.get("active", True) is not leaves, user
        assert user["title"] == ("Engineer" if leaves else "Architect"), user
    # Nothing is left to do, and the state says so.
    dirty = pfscim("state", "dirty", tmp_path / "x.state", "--json")
    assert (dirty.status, dirty.out) == (0, ""), dirty


def test_of_two_runs_on_one_state_file_the_second_is_refused(running, tmp_path):
    running.hold([])
    directory = population.ldif(tmp_path / "a.ldif", USERS)
    with Recorder(running) as wire:
        killer = Killer(wire, running, tmp_path, seed=0)
        first_ended, at_work = threading.Event(), threading.Event()

        def hold(exchange):
            if exchange.method == "POST":
                at_work.set()
                assert first_ended.wait(60)

        wire.instead = hold
        first = killer.start(directory)
        try:
            assert at_work.wait(60)
            second = killer.start(directory)
            out, err = second.communicate(timeout=60)
            assert second.returncode == 2 and "another run is using" in err, out + err
            for command in (["show"], ["dirty"], ["reset"], ["forget", "--all"]):
                refused = pfscim("state", command[0], tmp_path / "x.state", *command[1:])
                assert refused.status == 2 and "another run is using" in refused.err, refused
        finally:
            first_ended.set()
            out, err = first.communicate(timeout=60)
        assert first.returncode == 0, out + err
    assert len(running.users()) == len(USERS)
