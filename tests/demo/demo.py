"""The whole path once, for a person to read: a directory, the deployed jar, a SCIM server that knows nothing of us.

Three cycles of the Code42 scenario go through `pfscim sync --plugin` into scim2-server. After each one this prints what
happened to whom and what the target holds, and checks what it claims; the exit status is 1 where a claim does not
hold. Whatever was started is stopped again.
"""

import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.program import DEPLOY, ROOT, Run, Scenario, Setup
from zoo.recorder import Recorder
from zoo.scim2_server import ScimServer

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Claims:
    """What the demo says is so, each looked up before it is said."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def __call__(self, holds: bool, claim: str) -> None:
        print(f"  [{'ok' if holds else 'NOT SO'}] {claim}")
        if not holds:
            self.broken.append(claim)


def main() -> int:
    scenario = Scenario("code42")
    (jar,) = DEPLOY.glob("*.jar")
    print(scenario.data["about"])
    print(f"\nThe jar:     {jar.relative_to(ROOT)}")
    claim = Claims()
    with tempfile.TemporaryDirectory() as folder, ScimServer() as server, Recorder(server) as wire:
        print(f"The target:  scim2-server 0.8.3 at {server.url}")
        server.hold(scenario.seed)
        print("\nAt the target before the first cycle")
        show_target(server.users())
        setup = Setup(scenario, Path(folder), wire.url, server.token, plugin=DEPLOY)
        for cycle in scenario.cycles:
            play(cycle, scenario, setup, server, wire, claim)
    print()
    if claim.broken:
        print(f"{len(claim.broken)} claims do not hold, the first: {claim.broken[0]}")
        return 1
    print("Everything that is claimed above was checked and holds. The server is stopped.")
    return 0


def play(
    cycle: dict[str, Any], scenario: Scenario, setup: Setup, server: ScimServer, wire: Recorder, claim: Claims
) -> None:
    """One cycle: runs it, shows it, checks it."""
    print(f"\n=== Cycle {cycle['name']}: {cycle['about']} ({cycle['directory']})")
    before = {resource["id"]: resource for resource in server.resources()}
    wire.forget()
    run = setup.sync(setup.directory(cycle["directory"]))
    after = {resource["id"]: resource for resource in server.resources()}

    print("\nWhat happened to whom")
    show_outcomes(run, before, after)
    print("\nWhat the target holds now")
    show_target(server.users())

    print()
    claim(run.status == 0, f"the cycle ended well (exit status {run.status})")
    if run.status != 0:
        print(run.err)
        return
    claim(run.outcomes == cycle["outcomes"], "each record had the outcome that the scenario expects")
    claim(server.users() == scenario.target(cycle), "the target holds exactly what the scenario expects")
    deletes = [exchange for exchange in wire.exchanges if exchange.method == "DELETE"]
    claim(not deletes and set(before) <= set(after), "nobody was deleted")
    disabled = [i for i in before if before[i].get("active") is not False and after.get(i, {}).get("active") is False]
    if disabled:
        kept = all(content(before[i]) | {"active": False} == content(after[i]) for i in disabled)
        claim(kept, f"who was disabled ({len(disabled)}) kept every other attribute")
    if not cycle["outcomes"]:
        claim(not wire.writes(), "nothing was written")
    print(f"  {len(wire.exchanges)} requests, {len(wire.writes())} of them writes")


def content(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without what the server changes by itself."""
    return {key: value for key, value in resource.items() if key != "meta"}


def show_outcomes(run: Run, before: dict[str, Any], after: dict[str, Any]) -> None:
    rows = [
        [
            line["outcome"],
            line["identifier"],
            changes(before.get(line.get("id")), after.get(line.get("id"))) or said(line),
        ]
        for line in run.lines
        if line["outcome"] != "unchanged"
    ]
    if rows:
        table(["outcome", "user", "what changed at the target"], sorted(rows))
    print("  " + ", ".join(f"{count} {outcome}" for outcome, count in run.summary.items() if count))


def said(line: dict[str, Any]) -> str:
    return line.get("message") or "; ".join(line.get("warnings", []))


def changes(old: dict[str, Any] | None, new: dict[str, Any] | None) -> str:
    """What differs, in few words."""
    if new is None or old is None:
        return ""
    before, now = flat(content(old)), flat(content(new))
    names = [name for name in before | now if before.get(name) != now.get(name) and name != "schemas"]
    told = [f"{name}: {before.get(name, '-')} -> {now.get(name, '-')}" for name in names]
    return "; ".join(told[:2]) + (f"; {len(told) - 2} more" if len(told) > 2 else "")


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Leaves by path: `name.givenName`, `emails[work].value`."""
    if isinstance(value, dict):
        parts = [flat(v, f"{path}.{k}" if path else k.replace(ENTERPRISE, "enterprise")) for k, v in value.items()]
        return {name: leaf for part in parts for name, leaf in part.items()}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        parts = [flat(item, f"{path}[{item.get('type', i)}]") for i, item in enumerate(value)]
        return {name: leaf for part in parts for name, leaf in part.items()}
    return {path: "true" if value is True else "false" if value is False else str(value)}


def show_target(users: dict[str, dict[str, Any]]) -> None:
    rows = [
        [
            name,
            "active" if user.get("active", True) else "INACTIVE",
            user.get("displayName", ""),
            user.get("title", ""),
            user.get(ENTERPRISE, {}).get("department", ""),
            next((address.get("locality", "") for address in user.get("addresses", [])), ""),
        ]
        for name, user in sorted(users.items(), key=lambda item: item[0].lower())
    ]
    table(["user name", "status", "display name", "title", "department", "city"], rows)
    inactive = sum(row[1] == "INACTIVE" for row in rows)
    print(f"  {len(rows)} users, {inactive} of them inactive")


def table(head: list[str], rows: list[list[str]]) -> None:
    widths = [max(width(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip())


def width(text: str) -> int:
    """Columns on a terminal: East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


if __name__ == "__main__":
    sys.exit(main())
