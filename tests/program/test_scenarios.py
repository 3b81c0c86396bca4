"""Runs the scenarios at a real server: core and jar must end in the expected state."""

import pytest
from kit.program import DEPLOY, Scenario, Setup
from zoo.recorder import Recorder
from zoo.scim2_server import ScimServer

# The SPI leaves these open. Every mode of the host must end in the same state.
HOST_MODES = [
    ["init=per-cycle"],
    ["check=skip"],
    ["existing=id"],
    ["removal=update"],
    ["order=shuffled"],
    ["fields=early"],
    ["serialize=true"],
    ["instances=2"],
    [
        "init=per-cycle",
        "check=skip",
        "existing=id",
        "removal=update",
        "order=shuffled",
        "serialize=true",
        "instances=2",
    ],
]


# With several instances, the instance that reports the outcome may not have looked up the account.
# It cannot distinguish these outcomes.
LINKED = ("adopted", "updated", "re-enabled")


def without_link_detail(outcomes: dict[str, str], instances: int) -> dict[str, str]:
    """Returns the outcomes; with several instances, each of LINKED becomes `linked`."""
    if instances == 1:
        return outcomes
    return {name: "linked" if outcome in LINKED else outcome for name, outcome in outcomes.items()}


def assert_expected_states(
    setup: Setup, scenario: Scenario, server: ScimServer, wire: Recorder, instances: int = 1
) -> None:
    ids: dict[str, str] = {}
    for cycle in scenario.cycles:
        wire.clear_requests()
        run = setup.sync(setup.directory(cycle["directory"]))
        assert run.status == 0, run
        assert without_link_detail(run.outcomes, instances) == without_link_detail(cycle["outcomes"], instances), run
        assert server.users() == scenario.target(cycle)
        if not cycle["outcomes"]:
            assert wire.writes() == [], "nothing changed, but the cycle wrote"
        assert [e for e in wire.raw_requests if e.method == "DELETE"] == [], "a user was deleted"
        # An account keeps its id after a rename.
        names_by_id = {resource["id"]: resource["userName"] for resource in server.resources()}
        assert set(ids) <= set(names_by_id), "an account disappeared"
        ids = names_by_id
    assert setup.secret.encode() not in setup.state.read_bytes()


def test_each_cycle_ends_in_the_expected_state(setup, scenario, server, wire):
    assert_expected_states(setup, scenario, server, wire)


@pytest.mark.parametrize("modes", HOST_MODES, ids=lambda modes: ",".join(modes) if len(modes) == 1 else "all-at-once")
def test_every_host_mode_ends_in_the_same_state(direct, scenario, server, wire, modes):
    direct.plugin = DEPLOY
    direct.java_options = [f"-Dorg.pfscim.host.{mode}" for mode in modes]
    assert_expected_states(direct, scenario, server, wire, instances=2 if "instances=2" in modes else 1)


def test_a_disable_changes_active_and_nothing_else(setup, scenario, server, wire):
    first, second = scenario.cycles[:2]
    assert setup.sync(setup.directory(first["directory"])).status == 0
    before = server.users()
    wire.clear_requests()
    run = setup.sync(setup.directory(second["directory"]))
    disabled = [name for name, outcome in run.outcomes.items() if outcome == "disabled"]
    assert len(disabled) == 4, run
    for name in disabled:
        assert server.users()[name] == before[name] | {"active": False}
    bodies = [request.body for request in wire.raw_requests if request.method == "PATCH"]
    assert len(bodies) == len(disabled)
    assert all('"active"' in body and "false" in body for body in bodies), bodies


def test_the_provisioning_administrator_is_never_touched(setup, scenario, server, wire):
    (admin,) = [r["id"] for r in server.resources() if r["userName"] == "provisioning-admin"]
    for cycle in scenario.cycles:
        setup.sync(setup.directory(cycle["directory"]))
    assert [request for request in wire.writes() if admin in request.path] == []
