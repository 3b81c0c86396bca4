"""Runs the rows of tests/scenarios/table at one server, computes the expected results, and formats the table.

The limits of a server are data: `drops`, `rejects` and `invents` of its row in the zoo's catalogue. `where` in a scenario
has the results that differ at a server with a quirk.
"""

import copy
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo import KINDS, Kind, Request, Server
from zoo.quirks import CORE

from kit.program import SCENARIOS, Run
from kit.zoo_connection import WAYS, ZooConnection

FOLDER = SCENARIOS / "table"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTERPRISE_1 = "urn:scim:schemas:extension:enterprise:1.0"


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


FIELDS: dict[str, dict[str, Any]] = read("fields.json")
ROWS: dict[str, dict[str, Any]] = read("rows.json")
SUITES: dict[str, dict[str, Any]] = {suite["name"]: suite for suite in read("suites.json")}


# --- what a server stores ---------------------------------------------------------------------------------------------


def mapped_fields(kind: Kind) -> dict[str, dict[str, Any]]:
    """Returns the fields that an administrator maps for a server: those that it does not reject."""
    return {code: row for code, row in FIELDS.items() if kind.rejects.isdisjoint(row["sends"])}


def unmapped_attributes(kind: Kind) -> set[str]:
    """Returns the attributes of the fields that are not mapped because the server rejects a part of them."""
    mapped = mapped_fields(kind)
    return {path.partition(".")[0] for code, row in FIELDS.items() if code not in mapped for path in row["sends"]}


def without(resource: dict[str, Any], paths: set[str] | frozenset[str]) -> dict[str, Any]:
    """Returns a resource without these attributes or sub-attributes, and without values that are then empty."""
    rest = copy.deepcopy(resource)
    for path in paths:
        for parent in (rest, rest.get(ENTERPRISE, {})):
            remove(parent, path.split("."))
    for name, value in rest.items():
        if isinstance(value, list):
            # An entry with only a type or `primary` has no content.
            rest[name] = [each for each in value if not isinstance(each, dict) or set(each) - {"type", "primary"}]
    return {name: value for name, value in rest.items() if value not in ({}, [])}


def remove(parent: Any, path: list[str]) -> None:
    """Removes the value at a path, and the objects that are then empty."""
    if isinstance(parent, list):
        for each in parent:
            remove(each, path)
    elif isinstance(parent, dict) and len(path) == 1:
        parent.pop(path[0], None)
    elif isinstance(parent, dict) and path[0] in parent:
        remove(parent[path[0]], path[1:])
        if parent[path[0]] == {}:
            del parent[path[0]]


def in_version(resource: dict[str, Any], version: str) -> dict[str, Any]:
    """Converts a resource of SCIM 2.0 to a version of SCIM, with its schemas."""
    converted = dict(resource)
    enterprise = converted.pop(ENTERPRISE, None)
    urn = ENTERPRISE if version == "2.0" else ENTERPRISE_1
    if enterprise:
        manager = enterprise.get("manager")
        if version == "1.1" and manager:
            enterprise = enterprise | {"manager": {"managerId": manager["value"]}}
        converted[urn] = enterprise
    return converted | {"schemas": [CORE[version].format("User")] + ([urn] if enterprise else [])}


def seed_user(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Returns a user in the form that the server accepts before the first cycle."""
    return in_version(without(resource, unmapped_attributes(kind) | kind.rejects), kind.version)


def expected_user(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Returns a user in the form that the server has after a cycle."""
    missing = unmapped_attributes(kind) | kind.rejects | kind.drops
    return comparable(in_version(without(resource, missing), kind.version), kind)


def comparable(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Returns a resource with sorted lists, without what the server adds and without `schemas`.

    A list of SCIM 1.1 has no `schemas`.
    """
    rest = without(resource, kind.invents | {"schemas"})
    return {
        name: sorted(value, key=lambda each: json.dumps(each, sort_keys=True)) if isinstance(value, list) else value
        for name, value in rest.items()
    }


def target_name(entry: dict[str, Any]) -> str:
    """Returns the userName or displayName at the target of an entry of the source."""
    return entry["uid"] if "uid" in entry else entry["cn"]


def members_by_group(groups: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Returns the sorted names of the members of each group."""
    return {
        group["displayName"]: sorted(m if isinstance(m, str) else m["value"] for m in group.get("members", []))
        for group in groups
    }


@dataclass(frozen=True)
class Expectation:
    """The expected results of one cycle of a row."""

    outcomes: dict[str, str]
    target: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]
    """Members' names by group."""


class Row:
    """One scenario at one server."""

    def __init__(self, name: str, suite: str, kind: Kind) -> None:
        self.name = name
        self.suite = suite
        self.kind = kind
        self._data = ROWS[name]
        names = kind.quirks | {kind.name}
        differences = self._data.get("where", {}).items()
        self.differences = [each for name, each in differences if name in names and suite in each.get("in", [suite])]
        suite_differences = SUITES[suite].get("where", {}).items()
        self.suite_differences = [each for name, each in suite_differences if name in names]

    @property
    def seed(self) -> list[dict[str, Any]]:
        return [seed_user(user, self.kind) for user in self._data.get("seed", [])]

    @property
    def seed_groups(self) -> list[dict[str, Any]]:
        schemas = [CORE[self.kind.version].format("Group")]
        return [group | {"schemas": schemas} for group in self._data.get("seedGroups", [])]

    @property
    def length(self) -> int:
        return len(self._data["steps"])

    def source(self, step: int) -> list[dict[str, Any]]:
        """Returns the entries of the source in a cycle. After the last step they do not change."""
        return self._data["steps"][min(step, self.length - 1)]["source"]

    def expectation(self, step: int) -> Expectation:
        """Returns the expected results after a cycle.

        If an operation fails, the target stays unchanged, and each later cycle repeats the operation.
        """
        users = {user["userName"]: expected_user(user, self.kind) for user in self._data.get("seed", [])}
        expectation = Expectation({}, users, members_by_group(self._data.get("seedGroups", [])))
        for number in range(step + 1):
            expectation = self._next(expectation, number)
        return expectation

    def _next(self, before: Expectation, step: int) -> Expectation:
        """Adds the failures of the server to the results in the data."""
        now = self._expectation_in_data(step)
        failure_keys = {target_name(e): "groupFails" if "member" in e else "fails" for e in self.source(step)}
        failed = {name for name, outcome in before.outcomes.items() if outcome == "failed" and name in failure_keys}
        failed -= set(now.outcomes)
        explicit = {name for each in self.differences for name in each["steps"].get(str(step), {}).get("outcomes", {})}
        for name, outcome in now.outcomes.items():
            key = failure_keys.get(name, "fails")
            fails = any(outcome in difference.get(key, []) for difference in self.suite_differences)
            if fails and name not in explicit:
                failed.add(name)
        failed_keys = {failure_keys.get(name, "fails") for name in failed}
        return Expectation(
            now.outcomes | dict.fromkeys(failed, "failed"),
            before.target if "fails" in failed_keys else now.target,
            before.groups if "groupFails" in failed_keys else now.groups,
        )

    def _mapped_source(self, step: int) -> list[dict[str, Any]]:
        """Returns the entries of the source with the attributes that the connection uses."""
        used = {row["from"] for row in mapped_fields(self.kind).values()} | {"id", "status", "dn", "member"}
        return [{name: value for name, value in user.items() if name in used} for user in self.source(step)]

    def _expectation_in_data(self, step: int) -> Expectation:
        is_step = step < self.length
        data = self._data["steps"][min(step, self.length - 1)]
        data = data | {"outcomes": data["outcomes"] if is_step else {}}
        for difference in self.differences:
            changes = difference["steps"].get(str(min(step, self.length - 1)), {})
            data |= changes if is_step else {key: value for key, value in changes.items() if key != "outcomes"}
        outcomes = data["outcomes"]
        if step > 0 and self._mapped_source(step) == self._mapped_source(step - 1):
            # Only attributes that are not mapped changed, so no record changed.
            outcomes = {}
        target = {user["userName"]: expected_user(user, self.kind) for user in data["target"]}
        return Expectation(outcomes, target, members_by_group(data.get("groups", [])))

    @property
    def names(self) -> set[str]:
        """The names of every user and group of this row."""
        steps = self._data["steps"]
        users = [user for step in steps for user in step["target"]] + self._data.get("seed", [])
        sources = {target_name(entry) for step in steps for entry in step["source"]}
        groups = set(members_by_group(self._data.get("seedGroups", [])))
        return sources | {user["userName"] for user in users} | groups

    @property
    def unmapped(self) -> list[str]:
        """The attributes of the row's `needs` that are not mapped, because the server rejects them."""
        unmapped = unmapped_attributes(self.kind)
        return sorted(
            need
            for need in set(self._data.get("needs", []))
            if need in self.kind.rejects or need.partition(".")[0] in unmapped
        )

    @property
    def note(self) -> str:
        """What the server does not support of the row; empty if it supports everything."""
        dropped = sorted(set(self._data.get("needs", [])) & self.kind.drops)
        notes = [difference["says"] for difference in self.differences if "says" in difference]
        if any("failed" in self.expectation(step).outcomes.values() for step in range(self.length)):
            notes += [difference["says"] for difference in self.suite_differences]
        notes += [f"rejects {', '.join(self.unmapped)}: not mapped"] if self.unmapped else []
        notes += [f"does not keep {', '.join(dropped)}"] if dropped and not self.unmapped else []
        return "; ".join(notes)


def rows(suite: str, kind: Kind) -> list[Row]:
    return [Row(name, suite, kind) for name in SUITES[suite]["rows"]]


# --- running ----------------------------------------------------------------------------------------------------------


@dataclass
class Cycle:
    """The results of one cycle."""

    run: Run
    users: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]
    ids: dict[str, str]
    requests: list[Request]

    @cached_property
    def outcomes(self) -> dict[str, str]:
        return self.run.outcomes | self.run.group_outcomes


@dataclass
class Replay:
    """The cycles of a suite at one server, through core or through the jar."""

    cycles: list[Cycle] = field(default_factory=list)


def replay_suite(server: Server, suite: str, way: str, folder: Path) -> Replay:
    """Runs all rows of a suite in the same cycles, then one more cycle without changes."""
    server.clear()
    suite_rows = rows(suite, server.kind)
    server.seed([user for row in suite_rows for user in row.seed])
    server.seed_groups([group for row in suite_rows for group in row.seed_groups])
    fields = {code: row["from"] for code, row in mapped_fields(server.kind).items()}
    connection = ZooConnection.for_server(server, folder, way, settings=SUITES[suite]["settings"], fields=fields)
    replay = Replay()
    for step in range(max(row.length for row in suite_rows) + 1):
        server.clear_requests()
        run = connection.sync([entry for row in suite_rows for entry in row.source(step)])
        ids = {user["userName"]: user["id"] for user in server.resources("/Users")}
        users = {name: comparable(user, server.kind) for name, user in server.users().items()}
        groups = members_by_group(list(server.groups().values()))
        replay.cycles.append(Cycle(run, users, groups, ids, server.requests()))
    return replay


# --- the table --------------------------------------------------------------------------------------------------------

CELLS: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
"""The results: by suite and row, then by server and way."""


def record_result(row: Row, way: str, passed: bool) -> None:
    """Adds a result to the table."""
    cell = "FAILED" if not passed else row.note or "ok"
    CELLS.setdefault((row.suite, row.name), {})[row.kind.name, way] = cell


def format_table(servers: tuple[str, ...]) -> list[str]:
    """Returns the lines of the table, one for each scenario, then the notes."""
    notes: dict[str, str] = {}

    def cell_text(text: str | None) -> str:
        if text is None:
            return "-"
        if text in ("ok", "FAILED"):
            return text
        return notes.setdefault(text, f"({len(notes) + 1})")

    lines = []
    order = [(name, row) for name, suite in SUITES.items() for row in suite["rows"]]
    keys = [key for key in order if key in CELLS]
    titles = {key: f"{key[0]}: {key[1]}" for key in keys}
    width = max(len(title) for title in titles.values())
    heads = [f"{name} {KINDS[name].version}" for name in servers]
    lines.append(" " * width + "  " + "  ".join(heads))
    for key in keys:
        texts = []
        for name, head in zip(servers, heads, strict=True):
            results = [cell_text(CELLS[key].get((name, way))) for way in WAYS]
            texts.append(" / ".join(results).ljust(len(head)))
        lines.append(f"{titles[key].ljust(width)}  {'  '.join(texts)}".rstrip())
    lines.append("each cell: through core / through the jar; ok = the expected result")
    lines += [f"{number} {text}" for text, number in notes.items()]
    return lines
