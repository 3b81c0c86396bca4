"""The scenario table: every row at every server, through core and through the jar. Each ends as written, both ways end
in the same state, an unchanged directory writes nothing, and every request is one that the protocol allows."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from kit.scenario_table import ROWS, SUITES, Replay, Row, replay, rows, told
from kit.validation import problems
from kit.zoo_connection import WAYS
from zoo import KINDS, NAMES, Request, Server, start

WRITES = ("POST", "PUT", "PATCH", "DELETE")
CELLS = [(name, suite, row) for name in NAMES for suite in SUITES for row in SUITES[suite]["rows"]]
RUNS = [(name, suite) for name in NAMES for suite in SUITES]
# Who is deleted and comes back is another account.
KEEPING = [(name, suite) for name, suite in RUNS if SUITES[suite]["settings"].get("REMOVE_ACTION") != "Delete"]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    """Every server, started when it is first asked for."""
    with ExitStack() as stack:

        class Started(dict):
            def __missing__(self, name: str) -> Server:
                self[name] = stack.enter_context(start(name))
                return self[name]

        yield Started()


@pytest.fixture(scope="module")
def replays(servers, tmp_path_factory):
    """Each suite at each server, each way, run when it is first asked for."""
    done: dict[tuple[str, str, str], Replay] = {}

    def of(name: str, suite: str, way: str) -> Replay:
        if (name, suite, way) not in done:
            done[name, suite, way] = replay(servers[name], suite, way, tmp_path_factory.mktemp(way))
        return done[name, suite, way]

    return of


def is_for_a_token(asked: Request) -> bool:
    return "x-www-form-urlencoded" in (asked.header("Content-Type") or "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "suite", "scenario"), CELLS, ids=[f"{n}-{s}-{r}" for n, s, r in CELLS])
def test_each_step_of_a_row_has_the_expected_result(replays, name, suite, scenario, way):
    row = Row(scenario, suite, KINDS[name])
    told(row, way, well=False)
    for step, cycle in enumerate(replays(name, suite, way).cycles):
        expects = row.expects(step)
        here = {who: word for who, word in cycle.outcomes.items() if who in row.names}
        assert here == expects.outcomes, f"step {step}: {cycle.run}"
        users = {who: user for who, user in cycle.users.items() if who in row.names}
        assert users == expects.target, f"step {step}: {cycle.run}"
        groups = {who: members for who, members in cycle.groups.items() if who in row.names}
        assert groups == expects.groups, f"step {step}: {cycle.run}"
    told(row, way, well=True)


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_a_cycle_fails_only_if_a_record_fails(replays, name, suite):
    for way in WAYS:
        for step, cycle in enumerate(replays(name, suite, way).cycles):
            expected = [word for row in rows(suite, KINDS[name]) for word in row.expects(step).outcomes.values()]
            assert cycle.run.status == ("failed" in expected), cycle.run


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_a_cycle_without_changes_writes_nothing(replays, name, suite):
    for way in WAYS:
        last = replays(name, suite, way).cycles[-1]
        if last.run.status == 0:
            assert [asked for asked in last.requests if asked.method in WRITES and not is_for_a_token(asked)] == []


@pytest.mark.parametrize(("name", "suite"), RUNS)
def test_core_and_jar_end_in_the_same_state(replays, name, suite):
    core, jar = (replays(name, suite, way) for way in WAYS)
    for one, other in zip(core.cycles, jar.cycles, strict=True):
        assert one.users == other.users
        assert one.groups == other.groups
        assert one.outcomes == other.outcomes


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
            assert cycle.requests, "nothing was asked"
            found = [problem for asked in cycle.requests for problem in problems(asked, KINDS[name].version)]
            assert found == [], f"{way}, step {step}"


def test_every_row_is_in_a_suite():
    assert {row for suite in SUITES.values() for row in suite["rows"]} == set(ROWS)
