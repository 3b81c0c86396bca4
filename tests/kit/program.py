"""Runs the built program on a scenario, through core or through the deployed jar, and parses its output."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
PROGRAM = DIST / "bin" / "pfscim"
DEPLOY = DIST / "server" / "default" / "deploy"
SCENARIOS = ROOT / "tests" / "scenarios"
RUN_TIMEOUT_SECONDS = 180


@dataclass
class Run:
    """Status and output of one run of the program."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects of `--json`, one for each record."""
        return [line for line in self._json() if "source" in line]

    @property
    def blocked_removals(self) -> list[str]:
        """The users and groups whose removal the guard stopped."""
        return next(line["refused"]["removals"] for line in self._json() if "refused" in line)

    @property
    def summary(self) -> dict[str, int]:
        """The counts of `--json`."""
        return next(line["summary"] for line in self._json() if "summary" in line)

    @property
    def outcomes(self) -> dict[str, str]:
        """Identifier to outcome, of every user whose outcome is not `unchanged`."""
        return self._outcomes("user")

    @property
    def group_outcomes(self) -> dict[str, str]:
        """Name to outcome, of every group whose outcome is not `unchanged`."""
        return self._outcomes("group")

    def _outcomes(self, kind: str) -> dict[str, str]:
        lines = [line for line in self.lines if line["kind"] == kind and line["outcome"] != "unchanged"]
        return {line["identifier"]: line["outcome"] for line in lines}

    def _json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self) -> str:
        return f"status {self.status}\n--- standard output\n{self.out}\n--- standard error\n{self.err}"


class Scenario:
    """A connection, its directories and the expected results (tests/scenarios/README.md)."""

    def __init__(self, name: str) -> None:
        self.folder = SCENARIOS / name
        self.data = self.read("scenario.json")
        self.cycles = self.data["cycles"]

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def seed(self) -> list[dict[str, Any]]:
        """The users at the target before the first cycle."""
        return self.read(self.data["seed"])

    @property
    def seed_groups(self) -> dict[str, list[str]]:
        """The groups at the target before the first cycle: name to user names."""
        return self.data.get("seed_groups", {})

    def target(self, cycle: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Returns the users that the target must have after a cycle, by user name."""
        return {user["userName"]: user | {"schemas": sorted(user["schemas"])} for user in self.read(cycle["target"])}


@dataclass
class Setup:
    """One connection of one scenario: its file with the target's URL, its state file, and core or the jar."""

    scenario: Scenario
    folder: Path
    url: str
    secret: str
    plugin: Path | None = None
    settings: dict[str, str | None] = field(default_factory=dict)
    java_options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    @property
    def connection(self) -> Path:
        return self.folder / "connection.json"

    def write_connection(self) -> None:
        """Copies the scenario's connection, with this target's URL and this test's settings. None removes a setting."""
        document = self.scenario.read(self.scenario.data["connection"])
        changes = {"SCIM_URL": self.url} | self.settings
        rows = [row for row in document["outboundProvision"]["targetSettings"] if row["name"] not in changes]
        rows += [{"name": name, "value": value} for name, value in changes.items() if value is not None]
        document["outboundProvision"]["targetSettings"] = rows
        self.connection.write_text(json.dumps(document), encoding="utf-8")

    def directory(self, name: str) -> Path:
        """Returns the path of one of the scenario's directories."""
        return self.scenario.folder / name

    def sync(self, source: Path | str, *more: str) -> Run:
        """Runs a cycle."""
        return self.run("sync", source, *more)

    def plan(self, source: Path | str, *more: str) -> Run:
        """Runs a plan."""
        return self.run("plan", source, *more)

    def run(self, command: str, source: Path | str, *more: str) -> Run:
        """Runs the program on an LDIF file, or on another value of `--source`."""
        if not self.connection.exists():
            self.write_connection()
        source_option = source if isinstance(source, str) else f"ldif:{source}"
        arguments = [command, self.connection, "--source", source_option, "--state", self.state, "--json"]
        arguments += ["--secret", "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN"]
        if self.plugin is not None:
            arguments += ["--plugin", self.plugin]
        environment = {"TARGET_TOKEN": self.secret} | self.environment
        if self.java_options:
            environment["JAVA_TOOL_OPTIONS"] = " ".join(self.java_options)
        run = pfscim(*arguments, *more, environment=environment)
        assert self.secret not in run.out + run.err, "the program prints a secret"
        return run


def pfscim(*arguments: object, environment: dict[str, str] | None = None, program: Path = PROGRAM) -> Run:
    """Runs the program of dist/, or another build of it, to its end."""
    result = subprocess.run(
        [program, *map(str, arguments)],
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_SECONDS,
        check=False,
    )
    return Run(result.returncode, result.stdout, result.stderr)
