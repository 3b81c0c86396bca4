"""A run that is killed at any moment: the next one goes on, ends in the right target state and creates nobody twice."""

import threading

import pytest
from kit import population
from kit.kills import USERS, Killer, converge
from kit.program import pfscim
from zoo.recorder import Recorder


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_runs_end_in_the_expected_state_without_duplicate_users(running, tmp_path, seed):
    assert converge(running, tmp_path, seed) >= 5, "this seed kills too few runs"


def test_a_second_run_on_the_same_state_file_is_rejected(running, tmp_path):
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
