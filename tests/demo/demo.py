"""Provisions a directory through the deployed jar into a third-party SCIM server, and prints each cycle for a reader.

It runs the three cycles of the Code42 scenario with `pfscim sync --plugin` against scim2-server. After each cycle it prints
the outcomes and the users at the target, and checks them. If a check fails, the exit status is 1. At the end it stops the
server.
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


class Checks:
    """The checks of the demo: prints each result, and keeps the failures."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def add(self, passed: bool, statement: str) -> None:
        print(f"  [{'ok' if passed else 'FAILED'}] {statement}")
        if not passed:
            self.failures.append(statement)


def main() -> int:
    scenario = Scenario("code42")
    (jar,) = DEPLOY.glob("*.jar")
    print(scenario.data["about"])
    print(f"\nThe jar:     {jar.relative_to(ROOT)}")
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, ScimServer() as server, Recorder(server) as recorder:
        print(f"The target:  scim2-server 0.8.3 at {server.url}")
        server.replace_resources(scenario.seed)
        print("\nUsers at the target before the first cycle")
        print_target(server.users())
        setup = Setup(scenario, Path(folder), recorder.url, server.token, plugin=DEPLOY)
        for cycle in scenario.cycles:
            run_cycle(cycle, scenario, setup, server, recorder, checks)
    print()
    if checks.failures:
        print(f"{len(checks.failures)} checks failed, the first: {checks.failures[0]}")
        return 1
    print("All checks passed. The server is stopped.")
    return 0


def run_cycle(
    cycle: dict[str, Any], scenario: Scenario, setup: Setup, server: ScimServer, recorder: Recorder, checks: Checks
) -> None:
    """Runs one cycle, prints its results, and checks them."""
    print(f"\n=== Cycle {cycle['name']}: {cycle['about']} ({cycle['directory']})")
    before = {resource["id"]: resource for resource in server.resources()}
    recorder.clear_requests()
    run = setup.sync(setup.directory(cycle["directory"]))
    after = {resource["id"]: resource for resource in server.resources()}

    print("\nOutcomes of this cycle")
    print_outcomes(run, before, after)
    print("\nUsers at the target after this cycle")
    print_target(server.users())

    print()
    checks.add(run.status == 0, f"the cycle succeeded (exit status {run.status})")
    if run.status != 0:
        print(run.err)
        return
    checks.add(run.outcomes == cycle["outcomes"], "each record had the outcome that the scenario expects")
    checks.add(server.users() == scenario.target(cycle), "the target has exactly the users that the scenario expects")
    deletes = [request for request in recorder.raw_requests if request.method == "DELETE"]
    checks.add(not deletes and set(before) <= set(after), "no user was deleted")
    disabled = [i for i in before if before[i].get("active") is not False and after.get(i, {}).get("active") is False]
    if disabled:
        unchanged = all(content(before[i]) | {"active": False} == content(after[i]) for i in disabled)
        checks.add(unchanged, f"disabled users ({len(disabled)}) kept every other attribute")
    if not cycle["outcomes"]:
        checks.add(not recorder.writes(), "nothing was written")
    print(f"  {len(recorder.raw_requests)} requests, {len(recorder.writes())} of them writes")


def content(resource: dict[str, Any]) -> dict[str, Any]:
    """Returns a resource without `meta`, which the server changes by itself."""
    return {key: value for key, value in resource.items() if key != "meta"}


def print_outcomes(run: Run, before: dict[str, Any], after: dict[str, Any]) -> None:
    rows = [
        [
            line["outcome"],
            line["identifier"],
            changes(before.get(line.get("id")), after.get(line.get("id"))) or reason(line),
        ]
        for line in run.lines
        if line["outcome"] != "unchanged"
    ]
    if rows:
        print_table(["outcome", "user", "changes at the target"], sorted(rows))
    print("  " + ", ".join(f"{count} {outcome}" for outcome, count in run.summary.items() if count))


def reason(line: dict[str, Any]) -> str:
    return line.get("message") or "; ".join(line.get("warnings", []))


def changes(old: dict[str, Any] | None, new: dict[str, Any] | None) -> str:
    """Returns the first two changed values of a resource, and the number of further changes."""
    if new is None or old is None:
        return ""
    before, after = leaves(content(old)), leaves(content(new))
    names = [name for name in before | after if before.get(name) != after.get(name) and name != "schemas"]
    changed = [f"{name}: {before.get(name, '-')} -> {after.get(name, '-')}" for name in names]
    return "; ".join(changed[:2]) + (f"; {len(changed) - 2} more" if len(changed) > 2 else "")


def leaves(value: Any, path: str = "") -> dict[str, str]:
    """Returns the single values by path: `name.givenName`, `emails[work].value`."""
    if isinstance(value, dict):
        parts = [leaves(v, f"{path}.{k}" if path else k.replace(ENTERPRISE, "enterprise")) for k, v in value.items()]
        return {name: leaf for part in parts for name, leaf in part.items()}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        parts = [leaves(item, f"{path}[{item.get('type', i)}]") for i, item in enumerate(value)]
        return {name: leaf for part in parts for name, leaf in part.items()}
    return {path: "true" if value is True else "false" if value is False else str(value)}


def print_target(users: dict[str, dict[str, Any]]) -> None:
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
    print_table(["user name", "status", "display name", "title", "department", "city"], rows)
    inactive = sum(row[1] == "INACTIVE" for row in rows)
    print(f"  {len(rows)} users, {inactive} of them inactive")


def print_table(head: list[str], rows: list[list[str]]) -> None:
    widths = [max(width(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip())


def width(text: str) -> int:
    """Returns the number of columns on a terminal. Wide East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


if __name__ == "__main__":
    sys.exit(main())
