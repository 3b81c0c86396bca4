"""Runs the program on one connection to one server of the zoo, through core or through the jar.

Each run checks that the output contains no secret of the connection.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.program import DEPLOY, SCENARIOS, Run, pfscim

SECRETS = ("OAUTH_ACCESS_TOKEN", "BASIC_AUTH_PASSWORD", "OAUTH_CLIENT_SECRET")
WAYS = ("core", "jar")
PERSON = {
    "id": "n-1",
    "uid": "ann.lee@example.com",
    "givenName": "Ann",
    "sn": "Lee",
    "cn": "Ann Lee",
}
FIELDS = {"userName": "uid", "givenName": "givenName", "familyName": "sn", "formattedName": "cn"}
"""The fields that every server accepts."""
# The JVM runs for seconds only: the optimising compiler would take processor time from the tests.
JVM_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass
class ZooConnection:
    """A connection of tests/scenarios/table with another target."""

    folder: Path
    way: str
    url: str
    auth: dict[str, str]
    """Target settings for authentication."""
    version: str = "2.0"
    settings: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    """Field to attribute of the source."""
    masked: tuple[str, ...] = ()
    """Fields whose values must not be printed. `password` is always sent on create only."""
    environment: dict[str, str] = field(default_factory=dict)
    java_options: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @classmethod
    def for_server(cls, server: Any, folder: Path, way: str, **more: Any) -> "ZooConnection":
        """Makes a connection to a server of the zoo. Unless `more` has `auth`, it has the right credentials."""
        settings = dict(server.settings) | more.pop("settings", {})
        defaults = {"url": server.url, "auth": server.auth.right, "version": server.version}
        return cls(folder=folder, way=way, settings=settings, **(defaults | more))

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    @property
    def secrets(self) -> dict[str, str]:
        return {name: value for name, value in self.auth.items() if name in SECRETS}

    @property
    def connection(self) -> Path:
        """Writes the connection, without its secrets."""
        document = json.loads((SCENARIOS / "table" / "connection.json").read_text(encoding="utf-8"))
        changes = {"SCIM_URL": self.url, "SCIM_VERSION": self.version} | self.auth | self.settings
        provision = document["outboundProvision"]
        rows = [row for row in provision["targetSettings"] if row["name"] not in changes]
        rows += [{"name": name, "value": value} for name, value in changes.items() if name not in SECRETS]
        provision["targetSettings"] = rows
        provision["channels"][0]["attributeMapping"] = [
            {
                "fieldName": code,
                "saasFieldInfo": {
                    "attributeNames": [source],
                    "masked": code in self.masked,
                    "createOnly": code == "password",
                },
            }
            for code, source in self.fields.items()
        ]
        path = self.folder / "connection.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def write_source(self, users: list[dict[str, Any]]) -> Path:
        """Writes a source with these users, as JSON lines."""
        path = self.folder / f"people-{len(self.runs)}.jsonl"
        path.write_text("".join(json.dumps(user) + "\n" for user in users), encoding="utf-8")
        return path

    def sync(self, users: list[dict[str, Any]], *more: object) -> Run:
        """Runs a cycle with these users in the source."""
        return self._cycle("sync", users, *more)

    def plan(self, users: list[dict[str, Any]], *more: object) -> Run:
        """Runs a plan with these users in the source."""
        return self._cycle("plan", users, *more)

    def test(self, *more: object) -> Run:
        """Runs `pfscim test`."""
        plugin = ["--plugin", DEPLOY] if self.way == "jar" else []
        return self.run("test", self.connection, *plugin, *more)

    def _cycle(self, command: str, users: list[dict[str, Any]], *more: object) -> Run:
        source = f"jsonl:{self.write_source(users)}"
        plugin = ["--plugin", DEPLOY] if self.way == "jar" else []
        return self.run(command, self.connection, "--source", source, "--state", self.state, "--json", *plugin, *more)

    def run(self, *arguments: object) -> Run:
        """Runs the program with this connection's secrets."""
        secret_options = [part for name in self.secrets for part in ("--secret", f"{name}=env:SECRET_{name}")]
        environment = {f"SECRET_{name}": value for name, value in self.secrets.items()} | self.environment
        environment["JAVA_TOOL_OPTIONS"] = " ".join([*JVM_OPTIONS, *self.java_options])
        run = pfscim(*arguments, *secret_options, environment=environment)
        self.runs.append(run)
        for secret in self.secrets.values():
            assert secret not in run.out + run.err, "the program prints a secret"
        return run
