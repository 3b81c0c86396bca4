"""Runs the built program on a scenario, directly or through the deployed jar, and reads what it says."""

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
SECONDS = 180


@dataclass
class Run:
    """How one run of the program ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects of `--json`, one for each record."""
        return [line for line in self._json() if "source" in line]

    @property
    def refused(self) -> list[str]:
        """Whom the guard kept from being removed."""
        return next(line["refused"]["removals"] for line in self._json() if "refused" in line)

    @property
    def summary(self) -> dict[str, int]:
        """The counts of `--json`."""
        return next(line["summary"] for line in self._json() if "summary" in line)

    @property
    def outcomes(self) -> dict[str, str]:
        """Identifier to outcome, of everybody with whom something happened."""
        return self._outcomes("user")

    @property
    def group_outcomes(self) -> dict[str, str]:
        """Name to outcome, of every group with which something happened."""
        return self._outcomes("group")

    def _outcomes(self, kind: str) -> dict[str, str]:
        lines = [line for line in self.lines if line["kind"] == kind and line["outcome"] != "unchanged"]
        return {line["identifier"]: line["outcome"] for line in lines}

    def _json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self) -> str:
        return f"status {self.status}\n--- standard output\n{self.out}\n--- standard error\n{self.err}"


class Scenario:
    """A connection, its directories and what they must lead to (tests/scenarios/README.md)."""

    def __init__(self, name: str) -> None:
        self.folder = SCENARIOS / name
        self.data = self.read("scenario.json")
        self.cycles = self.data["cycles"]

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def seed(self) -> list[dict[str, Any]]:
        """What is at the target beforehand."""
        return self.read(self.data["seed"])

    @property
    def seed_groups(self) -> dict[str, list[str]]:
        """Which groups are at the target beforehand: name to user names."""
        return self.data.get("seed_groups", {})

    def target(self, cycle: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What the target must hold after a cycle, by user name."""
        return {user["userName"]: user | {"schemas": sorted(user["schemas"])} for user in self.read(cycle["target"])}


@dataclass
class Setup:
    """One connection of one scenario: its file with the URL filled in, its state file, and the way out."""

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
        """Copies the scenario's connection, with this target's URL and this test's settings (None takes one out)."""
        document = self.scenario.read(self.scenario.data["connection"])
        wanted = {"SCIM_URL": self.url} | self.settings
        fields = document["outboundProvision"]["targetSettings"]
        kept = [entry for entry in fields if entry["name"] not in wanted]
        kept += [{"name": name, "value": value} for name, value in wanted.items() if value is not None]
        document["outboundProvision"]["targetSettings"] = kept
        self.connection.write_text(json.dumps(document), encoding="utf-8")

    def directory(self, name: str) -> Path:
        """One of the scenario's directories."""
        return self.scenario.folder / name

    def sync(self, source: Path | str, *more: str) -> Run:
        """A cycle."""
        return self.run("sync", source, *more)

    def plan(self, source: Path | str, *more: str) -> Run:
        """A preview of a cycle."""
        return self.run("plan", source, *more)

    def run(self, command: str, source: Path | str, *more: str) -> Run:
        """A run of the program on an LDIF file, or on what else `--source` takes."""
        if not self.connection.exists():
            self.write_connection()
        place = source if isinstance(source, str) else f"ldif:{source}"
        arguments = [command, self.connection, "--source", place, "--state", self.state, "--json"]
        arguments += ["--secret", "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN"]
        if self.plugin is not None:
            arguments += ["--plugin", self.plugin]
        environment = {"TARGET_TOKEN": self.secret} | self.environment
        if self.java_options:
            environment["JAVA_TOOL_OPTIONS"] = " ".join(self.java_options)
        run = pfscim(*arguments, *more, environment=environment)
        assert self.secret not in run.out + run.err, "the program shows a secret"
        return run


def pfscim(*arguments: object, environment: dict[str, str] | None = None, program: Path = PROGRAM) -> Run:
    """Runs the program of dist/, or another one, to its end."""
    done = subprocess.run(
        [program, *map(str, arguments)],
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)
