"""The scenarios against a real server: each way out must end in the expected state, and so in the same one."""

import pytest
from kit.program import DEPLOY, Scenario, Setup
from zoo.recorder import Recorder
from zoo.scim2_server import ScimServer

# What the SPI leaves open, as the host plays it: each must end in the same state.
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


# Which of these it was takes knowing how the account was found; an instance that did not look it up cannot know.
LINKED = ("adopted", "updated", "re-enabled")


def runs_to_the_expected_state(
    setup: Setup, scenario: Scenario, server: ScimServer, wire: Recorder, instances: int = 1
) -> None:
    def comparable(outcomes: dict[str, str]) -> dict[str, str]:
        return {name: "linked" if instances > 1 and word in LINKED else word for name, word in outcomes.items()}

    ids: dict[str, str] = {}
    for cycle in scenario.cycles:
        wire.forget()
        run = setup.sync(setup.directory(cycle["directory"]))
        assert run.status == 0, run
        assert comparable(run.outcomes) == comparable(cycle["outcomes"]), run
        assert server.users() == scenario.target(cycle)
        if not cycle["outcomes"]:
            assert wire.writes() == [], "nothing changed, yet something was written"
        assert [e for e in wire.exchanges if e.method == "DELETE"] == [], "somebody was deleted"
        # A user that was there keeps its identity, whatever its name is now.
        now = {resource["id"]: resource["userName"] for resource in server.resources()}
        assert set(ids) <= set(now), "somebody is gone"
        ids = now
    assert setup.secret.encode() not in setup.state.read_bytes()


def test_each_cycle_ends_in_the_expected_state(setup, scenario, server, wire):
    runs_to_the_expected_state(setup, scenario, server, wire)


@pytest.mark.parametrize("modes", HOST_MODES, ids=lambda modes: ",".join(modes) if len(modes) == 1 else "all-at-once")
def test_every_host_mode_ends_in_the_same_state(direct, scenario, server, wire, modes):
    direct.plugin = DEPLOY
    direct.java_options = [f"-Dorg.pfscim.host.{mode}" for mode in modes]
    runs_to_the_expected_state(direct, scenario, server, wire, instances=2 if "instances=2" in modes else 1)


def test_a_disable_changes_active_and_nothing_else(setup, scenario, server, wire):
    first, second = scenario.cycles[:2]
    assert setup.sync(setup.directory(first["directory"])).status == 0
    before = server.users()
    wire.forget()
    run = setup.sync(setup.directory(second["directory"]))
    disabled = [name for name, outcome in run.outcomes.items() if outcome == "disabled"]
    assert len(disabled) == 4, run
    for name in disabled:
        assert server.users()[name] == before[name] | {"active": False}
    sent = [exchange.body for exchange in wire.exchanges if exchange.method == "PATCH"]
    assert len(sent) == len(disabled)
    assert all('"active"' in body and "false" in body for body in sent), sent


def test_the_provisioning_administrator_is_never_touched(setup, scenario, server, wire):
    (admin,) = [r["id"] for r in server.resources() if r["userName"] == "provisioning-admin"]
    for cycle in scenario.cycles:
        setup.sync(setup.directory(cycle["directory"]))
    assert [exchange for exchange in wire.writes() if admin in exchange.path] == []
