"""Checks that the run after a killed run finishes its work: the target has the expected users, each of them once."""

import threading

import pytest
from kit import population
from kit.kills import USERS, Killer, converge
from kit.program import pfscim
from zoo.recorder import Recorder


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_runs_end_in_the_expected_state_without_duplicate_users(started_server, tmp_path, seed):
    assert converge(started_server, tmp_path, seed) >= 5, "this seed kills too few runs"


def test_a_second_run_on_the_same_state_file_is_rejected(started_server, tmp_path):
    started_server.replace_resources([])
    directory = population.ldif(tmp_path / "a.ldif", USERS)
    with Recorder(started_server) as wire:
        killer = Killer(wire, started_server, tmp_path, seed=0)
        first_ended, request_arrived = threading.Event(), threading.Event()

        def hold(request):
            if request.method == "POST":
                request_arrived.set()
                assert first_ended.wait(60)

        wire.override = hold
        first = killer.start(directory)
        try:
            assert request_arrived.wait(60)
            second = killer.start(directory)
            out, err = second.communicate(timeout=60)
            assert second.returncode == 2 and "another run is using" in err, out + err
            for command in (["show"], ["dirty"], ["reset"], ["forget", "--all"]):
                rejected = pfscim("state", command[0], tmp_path / "x.state", *command[1:])
                assert rejected.status == 2 and "another run is using" in rejected.err, rejected
        finally:
            first_ended.set()
            out, err = first.communicate(timeout=60)
        assert first.returncode == 0, out + err
    assert len(started_server.users()) == len(USERS)
