"""Fixtures of the tests of this folder: the scenario's target with its first users, and the ways out of the program."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import scenario_table
from kit.program import DEPLOY, PROGRAM, Scenario, Setup
from kit.validation import problems
from zoo import NAMES
from zoo.recorder import Recorder
from zoo.scim2_server import ScimServer
from zoo.server import request as asked


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares servers stays with one worker: a file, or of the scenario table what is played at one server."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        where = callspec.params.get("name", "") if callspec and item.path.stem == "test_table" else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem} {where}"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its part of the scenario table over."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["cells"] = [(key, list(cells.items())) for key, cells in scenario_table.CELLS.items()]


def pytest_testnodedown(node: Any) -> None:
    """What a worker handed over."""
    for key, cells in getattr(node, "workeroutput", {}).get("cells", []):
        scenario_table.CELLS.setdefault(tuple(key), {}).update({tuple(where): cell for where, cell in cells})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the scenario table, where it was played."""
    if scenario_table.CELLS:
        terminalreporter.section("scenario x server")
        for line in scenario_table.printed(NAMES):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """The tests run what ships; they do not build it."""
    assert PROGRAM.exists(), f"{PROGRAM} is not there: run ./gradlew dist first"
    assert list(DEPLOY.glob("*.jar")), f"no jar in {DEPLOY}: run ./gradlew dist first"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario("code42")


@pytest.fixture(scope="session")
def running() -> Iterator[ScimServer]:
    """One server for all tests."""
    with ScimServer() as server:
        yield server


@pytest.fixture
def server(running: ScimServer, scenario: Scenario) -> ScimServer:
    """A server that holds what the scenario has there beforehand."""
    running.hold(scenario.seed, scenario.seed_groups)
    return running


@pytest.fixture
def wire(server: ScimServer) -> Iterator[Recorder]:
    """What the program and the server say to each other. Whatever the test is about, every request has to be valid."""
    with Recorder(server) as recorder:
        yield recorder
    assert [problem for each in recorder.exchanges for problem in problems(asked(each), "2.0")] == []


@pytest.fixture
def direct(scenario: Scenario, server: ScimServer, wire: Recorder, tmp_path: Path) -> Setup:
    """The scenario's connection with core in the program's own process."""
    return Setup(scenario, tmp_path, wire.url, server.token)


@pytest.fixture(params=["core", "jar"])
def setup(request: pytest.FixtureRequest, direct: Setup) -> Setup:
    """The scenario's connection, each way out."""
    if request.param == "jar":
        direct.plugin = DEPLOY
    return direct


@pytest.fixture
def edited(tmp_path: Path, scenario: Scenario) -> Callable[[str, Callable[[str], str]], Path]:
    """A directory of the scenario, changed for one test."""

    def edit(name: str, change: Callable[[str], str]) -> Path:
        before = (scenario.folder / name).read_text(encoding="utf-8")
        after = change(before)
        assert after != before, f"the test does not change {name}"
        path = tmp_path / f"edited-{name}"
        path.write_text(after, encoding="utf-8")
        return path

    return edit
