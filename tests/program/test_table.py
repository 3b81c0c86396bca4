"""Runs the scenario table: every row at every server, through core and through the jar.

Each step has the expected result, core and jar end in the same state, a cycle without changes writes nothing, and every
request is valid.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from kit.scenario_table import ROWS, SUITES, Replay, Row, record_result, replay_suite, rows
from kit.validation import problems
from kit.zoo_connection import WAYS
from zoo import KINDS, NAMES, Request, Server, start

WRITES = ("POST", "PUT", "PATCH", "DELETE")
CELLS = [(name, suite, row) for name in NAMES for suite in SUITES for row in SUITES[suite]["rows"]]
RUNS = [(name, suite) for name in NAMES for suite in SUITES]
# With Delete, a user who returns gets a new account.
KEEPING = [(name, suite) for name, suite in RUNS if SUITES[suite]["settings"].get("REMOVE_ACTION") != "Delete"]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    """Every server by name, started at its first use."""
    with ExitStack() as stack:

        class ServersByName(dict):
            def __missing__(self, name: str) -> Server:
                self[name] = stack.enter_context(start(name))
                return self[name]

        yield ServersByName()


@pytest.fixture(scope="module")
def replays(servers, tmp_path_factory):
    """Returns a function that runs a suite at a server through core or the jar, once for each combination."""
    replays_by_key: dict[tuple[str, str, str], Replay] = {}

    def replay_of(name: str, suite: str, way: str) -> Replay:
        if (name, suite, way) not in replays_by_key:
            replays_by_key[name, suite, way] = replay_suite(servers[name], suite, way, tmp_path_factory.mktemp(way))
        return replays_by_key[name, suite, way]

    return replay_of


def is_for_a_token(request: Request) -> bool:
    return "x-www-form-urlencoded" in (request.header("Content-Type") or "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "suite", "scenario"), CELLS, ids=[f"{n}-{s}-{r}" for n, s, r in CELLS])
def test_each_step_of_a_row_has_the_expected_result(replays, name, suite, scenario, way):
    row = Row(scenario, suite, KINDS[name])
    record_result(row, way, passed=False)
    for step, cycle in enumerate(replays(name, suite, way).cycles):
        expected = row.expectation(step)
        outcomes = {record: outcome for record, outcome in cycle.outcomes.items() if record in row.names}
        assert outcomes == expected.outcomes, f"step {step}: {cycle.run}"
        users = {record: user for record, user in cycle.users.items() if record in row.names}
        assert users == expected.target, f"step {step}: {cycle.run}"
        groups = {record: members for record, members in cycle.groups.items() if record in row.names}
        assert groups == expected.groups, f"step {step}: {cycle.run}"
    record_result(row, way, passed=True)


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_a_cycle_fails_only_if_a_record_fails(replays, name, suite):
    for way in WAYS:
        for step, cycle in enumerate(replays(name, suite, way).cycles):
            expected = [
                outcome for row in rows(suite, KINDS[name]) for outcome in row.expectation(step).outcomes.values()
            ]
            assert cycle.run.status == ("failed" in expected), cycle.run


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_a_cycle_without_changes_writes_nothing(replays, name, suite):
    for way in WAYS:
        last = replays(name, suite, way).cycles[-1]
        if last.run.status == 0:
            assert [
                request for request in last.requests if request.method in WRITES and not is_for_a_token(request)
            ] == []


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_core_and_jar_end_in_the_same_state(replays, name, suite):
    core, jar = (replays(name, suite, way) for way in WAYS)
    for core_cycle, jar_cycle in zip(core.cycles, jar.cycles, strict=True):
        assert core_cycle.users == jar_cycle.users
        assert core_cycle.groups == jar_cycle.groups
        assert core_cycle.outcomes == jar_cycle.outcomes


@pytest.mark.parametrize(("name", "suite"), KEEPING)
def test_an_account_keeps_its_id(replays, name, suite):
    for way in WAYS:
        ids: set[str] = set()
        for cycle in replays(name, suite, way).cycles:
            assert ids <= set(cycle.ids.values()), cycle.run
            ids = set(cycle.ids.values())


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_every_request_is_valid(replays, name, suite):
    for way in WAYS:
        for step, cycle in enumerate(replays(name, suite, way).cycles):
            assert cycle.requests, "the cycle sent no request"
            found_problems = [
                problem for request in cycle.requests for problem in problems(request, KINDS[name].version)
            ]
            assert found_problems == [], f"{way}, step {step}"


def test_every_row_is_in_a_suite():
    assert {row for suite in SUITES.values() for row in suite["rows"]} == set(ROWS)
