"""Provides the fixtures of this folder: a target with the first users of a scenario, and a connection to it.

A connection sends its operations through core or through the deployed jar.
"""

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
from zoo.server import parse_request


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps tests that share servers in one worker: those of a file, or those of one server in the scenario table."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        server_name = callspec.params.get("name", "") if callspec and item.path.stem == "test_table" else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem} {server_name}"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Passes this worker's part of the scenario table to the main process."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["cells"] = [(key, list(cells.items())) for key, cells in scenario_table.CELLS.items()]


def pytest_testnodedown(node: Any) -> None:
    """Adds a worker's part to the scenario table."""
    for key, cells in getattr(node, "workeroutput", {}).get("cells", []):
        scenario_table.CELLS.setdefault(tuple(key), {}).update({tuple(place): cell for place, cell in cells})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the scenario table if a test filled it."""
    if scenario_table.CELLS:
        terminalreporter.section("scenario x server")
        for line in scenario_table.format_table(NAMES):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def require_dist() -> None:
    """Fails if `dist` is not built: the tests run what ships and do not build it."""
    assert PROGRAM.exists(), f"{PROGRAM} does not exist; run ./gradlew dist"
    assert list(DEPLOY.glob("*.jar")), f"{DEPLOY} contains no jar; run ./gradlew dist"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario("code42")


@pytest.fixture(scope="session")
def started_server() -> Iterator[ScimServer]:
    """One server for all tests of a worker."""
    with ScimServer() as server:
        yield server


@pytest.fixture
def server(started_server: ScimServer, scenario: Scenario) -> ScimServer:
    """The server with the users and groups that the scenario has at the target before the first cycle."""
    started_server.replace_resources(scenario.seed, scenario.seed_groups)
    return started_server


@pytest.fixture
def empty_target(server: ScimServer) -> ScimServer:
    """The target without users."""
    server.replace_resources([])
    return server


@pytest.fixture
def wire(server: ScimServer) -> Iterator[Recorder]:
    """The recorder between the program and the server. After each test, every request must be valid SCIM 2.0."""
    with Recorder(server) as recorder:
        yield recorder
    assert [problem for request in recorder.raw_requests for problem in problems(parse_request(request), "2.0")] == []


@pytest.fixture
def direct(scenario: Scenario, server: ScimServer, wire: Recorder, tmp_path: Path) -> Setup:
    """The scenario's connection, through core."""
    return Setup(scenario, tmp_path, wire.url, server.token)


@pytest.fixture(params=["core", "jar"])
def setup(request: pytest.FixtureRequest, direct: Setup) -> Setup:
    """The scenario's connection, once through core and once through the jar."""
    if request.param == "jar":
        direct.plugin = DEPLOY
    return direct


@pytest.fixture
def edited_directory(tmp_path: Path, scenario: Scenario) -> Callable[[str, Callable[[str], str]], Path]:
    """Returns a function that writes a changed copy of a directory of the scenario."""

    def edit(name: str, change: Callable[[str], str]) -> Path:
        before = (scenario.folder / name).read_text(encoding="utf-8")
        after = change(before)
        assert after != before, f"the test does not change {name}"
        path = tmp_path / f"edited-{name}"
        path.write_text(after, encoding="utf-8")
        return path

    return edit
