"""One connection to one server of the zoo: its file, its state file, its secrets, and the way out. Everything that the
program says is searched for secrets, whatever the test is about."""

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
"""What every server takes."""
# The second compiler would only take the processor away from the tests.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass
class ZooConnection:
    """A connection of tests/scenarios/table with another target."""

    folder: Path
    way: str
    url: str
    auth: dict[str, str]
    """Target settings for signing in."""
    version: str = "2.0"
    settings: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    """Field to attribute of the source."""
    masked: tuple[str, ...] = ()
    """Fields whose values are not to be shown; `password` is sent on create only, as it is everywhere."""
    environment: dict[str, str] = field(default_factory=dict)
    java_options: list[str] = field(default_factory=list)
    said: list[Run] = field(default_factory=list)

    @classmethod
    def to(cls, server: Any, folder: Path, way: str, **more: Any) -> "ZooConnection":
        """A link to a server of the zoo with the right credentials, unless others are given."""
        settings = dict(server.settings) | more.pop("settings", {})
        usual = {"url": server.url, "auth": server.auth.right, "version": server.version}
        return cls(folder=folder, way=way, settings=settings, **(usual | more))

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
        wanted = {"SCIM_URL": self.url, "SCIM_VERSION": self.version} | self.auth | self.settings
        provision = document["outboundProvision"]
        kept = [entry for entry in provision["targetSettings"] if entry["name"] not in wanted]
        kept += [{"name": name, "value": value} for name, value in wanted.items() if name not in SECRETS]
        provision["targetSettings"] = kept
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

    def people(self, users: list[dict[str, Any]]) -> Path:
        """Writes a directory."""
        path = self.folder / f"people-{len(self.said)}.jsonl"
        path.write_text("".join(json.dumps(user) + "\n" for user in users), encoding="utf-8")
        return path

    def sync(self, users: list[dict[str, Any]], *more: object) -> Run:
        """A cycle with these users in the directory."""
        return self._cycle("sync", users, *more)

    def plan(self, users: list[dict[str, Any]], *more: object) -> Run:
        """A preview of a cycle."""
        return self._cycle("plan", users, *more)

    def test(self, *more: object) -> Run:
        """`pfscim test`."""
        plugin = ["--plugin", DEPLOY] if self.way == "jar" else []
        return self.run("test", self.connection, *plugin, *more)

    def _cycle(self, command: str, users: list[dict[str, Any]], *more: object) -> Run:
        source = f"jsonl:{self.people(users)}"
        plugin = ["--plugin", DEPLOY] if self.way == "jar" else []
        return self.run(command, self.connection, "--source", source, "--state", self.state, "--json", *plugin, *more)

    def run(self, *arguments: object) -> Run:
        """The program with this connection's secrets."""
        given = [part for name in self.secrets for part in ("--secret", f"{name}=env:GIVEN_{name}")]
        environment = {f"GIVEN_{name}": value for name, value in self.secrets.items()} | self.environment
        environment["JAVA_TOOL_OPTIONS"] = " ".join([*SHORT_LIVED, *self.java_options])
        run = pfscim(*arguments, *given, environment=environment)
        self.said.append(run)
        for secret in self.secrets.values():
            assert secret not in run.out + run.err, "the program shows a secret"
        return run
