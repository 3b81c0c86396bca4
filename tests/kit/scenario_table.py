"""The scenario table: the rows of tests/scenarios/table, run against one server, and what must come of them there.

What a server is unable to do is data: `drops`, `refuses` and `invents` of its row in the zoo's catalogue, and `where` in
a scenario, which says by a server's quirk what comes of it instead.
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


# --- what a server makes of it ----------------------------------------------------------------------------------------


def mapped(kind: Kind) -> dict[str, dict[str, Any]]:
    """The fields that an administrator maps for a server: those that it does not refuse."""
    return {code: row for code, row in FIELDS.items() if kind.refuses.isdisjoint(row["sends"])}


def refused(kind: Kind) -> set[str]:
    """The attributes of which nothing is mapped, because the server refuses a part of what would be sent."""
    return {path.partition(".")[0] for code, row in FIELDS.items() if code not in mapped(kind) for path in row["sends"]}


def without(resource: dict[str, Any], paths: set[str] | frozenset[str]) -> dict[str, Any]:
    """A resource without some attributes, whole ones or parts, and without what is then empty."""
    rest = copy.deepcopy(resource)
    for path in paths:
        for holder in (rest, rest.get(ENTERPRISE, {})):
            take(holder, path.split("."))
    for name, value in rest.items():
        if isinstance(value, list):
            # What kind of entry it is says nothing without the entry.
            rest[name] = [each for each in value if not isinstance(each, dict) or set(each) - {"type", "primary"}]
    return {name: value for name, value in rest.items() if value not in ({}, [])}


def take(holder: Any, path: list[str]) -> None:
    if isinstance(holder, list):
        for each in holder:
            take(each, path)
    elif isinstance(holder, dict) and len(path) == 1:
        holder.pop(path[0], None)
    elif isinstance(holder, dict) and path[0] in holder:
        take(holder[path[0]], path[1:])
        if holder[path[0]] == {}:
            del holder[path[0]]


def spoken(resource: dict[str, Any], version: str) -> dict[str, Any]:
    """A resource as the server's version of SCIM has it, with its schemas."""
    there = dict(resource)
    enterprise = there.pop(ENTERPRISE, None)
    urn = ENTERPRISE if version == "2.0" else ENTERPRISE_1
    if enterprise:
        manager = enterprise.get("manager")
        if version == "1.1" and manager:
            enterprise = enterprise | {"manager": {"managerId": manager["value"]}}
        there[urn] = enterprise
    return there | {"schemas": [CORE[version].format("User")] + ([urn] if enterprise else [])}


def seeded(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """A user as it can be put there beforehand."""
    return spoken(without(resource, refused(kind) | kind.refuses), kind.version)


def expected(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """A user as the server then has it."""
    return comparable(spoken(without(resource, refused(kind) | kind.refuses | kind.drops), kind.version), kind)


def comparable(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Without what the server makes up, `schemas` (a list of SCIM 1.1 has none), and the order of lists."""
    rest = without(resource, kind.invents | {"schemas"})
    return {
        name: sorted(value, key=lambda each: json.dumps(each, sort_keys=True)) if isinstance(value, list) else value
        for name, value in rest.items()
    }


def name(entry: dict[str, Any]) -> str:
    """What an entry of the source is called at the target."""
    return entry["uid"] if "uid" in entry else entry["cn"]


def members(groups: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Each group with the names of its members, in order."""
    found = {group["displayName"]: group.get("members", []) for group in groups}
    return {who: sorted(one if isinstance(one, str) else one["value"] for one in some) for who, some in found.items()}


@dataclass(frozen=True)
class Expectation:
    """What must be after one step of a row."""

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
        named = kind.quirks | {kind.name}
        limits = self._data.get("where", {}).items()
        self.limits = [limit for who, limit in limits if who in named and suite in limit.get("in", [suite])]
        self.suite_limits = [limit for who, limit in SUITES[suite].get("where", {}).items() if who in named]

    @property
    def seed(self) -> list[dict[str, Any]]:
        return [seeded(user, self.kind) for user in self._data.get("seed", [])]

    @property
    def seed_groups(self) -> list[dict[str, Any]]:
        schemas = [CORE[self.kind.version].format("Group")]
        return [group | {"schemas": schemas} for group in self._data.get("seedGroups", [])]

    @property
    def length(self) -> int:
        return len(self._data["steps"])

    def source(self, step: int) -> list[dict[str, Any]]:
        """Who is in the directory; after the last step everything stays as it is."""
        return self._data["steps"][min(step, self.length - 1)]["source"]

    def expects(self, step: int) -> Expectation:
        """What must be after a cycle. What fails leaves everything as it was, and is tried again in each cycle."""
        users = {user["userName"]: expected(user, self.kind) for user in self._data.get("seed", [])}
        before = Expectation({}, users, members(self._data.get("seedGroups", [])))
        for at in range(step + 1):
            before = self._after(before, at)
        return before

    def _after(self, before: Expectation, step: int) -> Expectation:
        now = self._written(step)
        here = {name(one): "groupFails" if "member" in one else "fails" for one in self.source(step)}
        failed = {who for who, word in before.outcomes.items() if word == "failed" and who in here}
        failed -= set(now.outcomes)
        said = {who for limit in self.limits for who in limit["steps"].get(str(step), {}).get("outcomes", {})}
        for who, word in now.outcomes.items():
            fails = any(word in limit.get(here.get(who, "fails"), []) for limit in self.suite_limits)
            if fails and who not in said:
                failed.add(who)
        kinds = {here.get(who, "fails") for who in failed}
        return Expectation(
            now.outcomes | dict.fromkeys(failed, "failed"),
            before.target if "fails" in kinds else now.target,
            before.groups if "groupFails" in kinds else now.groups,
        )

    def _mapped(self, step: int) -> list[dict[str, Any]]:
        """What the connection sees of the directory."""
        seen = {row["from"] for row in mapped(self.kind).values()} | {"id", "status", "dn", "member"}
        return [{name: value for name, value in user.items() if name in seen} for user in self.source(step)]

    def _written(self, step: int) -> Expectation:
        there = self._data["steps"][min(step, self.length - 1)]
        there = there | {"outcomes": there["outcomes"] if step < self.length else {}}
        for limit in self.limits:
            instead = limit["steps"].get(str(min(step, self.length - 1)), {})
            there |= instead if step < self.length else {what: v for what, v in instead.items() if what != "outcomes"}
        outcomes = there["outcomes"]
        if step > 0 and self._mapped(step) == self._mapped(step - 1):
            # What is not mapped cannot change.
            outcomes = {}
        target = {user["userName"]: expected(user, self.kind) for user in there["target"]}
        return Expectation(outcomes, target, members(there.get("groups", [])))

    @property
    def names(self) -> set[str]:
        """Every user and group that belongs to this row."""
        steps = self._data["steps"]
        there = [user for step in steps for user in step["target"]] + self._data.get("seed", [])
        sources = {name(one) for step in steps for one in step["source"]}
        return sources | {user["userName"] for user in there} | set(members(self._data.get("seedGroups", [])))

    @property
    def unmapped(self) -> list[str]:
        """What the row is about and the server refuses."""
        needs = set(self._data.get("needs", []))
        return sorted(
            need for need in needs if need in self.kind.refuses or need.partition(".")[0] in refused(self.kind)
        )

    @property
    def note(self) -> str:
        """What the server cannot do of it; empty where it can do all."""
        dropped = sorted(set(self._data.get("needs", [])) & self.kind.drops)
        notes = [limit["says"] for limit in self.limits if "says" in limit]
        if any("failed" in self.expects(step).outcomes.values() for step in range(self.length)):
            notes += [limit["says"] for limit in self.suite_limits]
        notes += [f"refuses {', '.join(self.unmapped)}: not mapped"] if self.unmapped else []
        notes += [f"does not keep {', '.join(dropped)}"] if dropped and not self.unmapped else []
        return "; ".join(notes)


def rows(suite: str, kind: Kind) -> list[Row]:
    return [Row(name, suite, kind) for name in SUITES[suite]["rows"]]


# --- running ----------------------------------------------------------------------------------------------------------


@dataclass
class Cycle:
    """One cycle as it went."""

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
    """A suite at one server, one way out."""

    cycles: list[Cycle] = field(default_factory=list)


def replay(server: Server, suite: str, way: str, folder: Path) -> Replay:
    """Runs all rows of a suite in the same cycles, and one cycle more in which nothing has changed."""
    server.clear()
    here = rows(suite, server.kind)
    server.seed([user for row in here for user in row.seed])
    server.seed_groups([group for row in here for group in row.seed_groups])
    fields = {code: row["from"] for code, row in mapped(server.kind).items()}
    link = ZooConnection.to(server, folder, way, settings=SUITES[suite]["settings"], fields=fields)
    done = Replay()
    for step in range(max(row.length for row in here) + 1):
        server.forget()
        run = link.sync([user for row in here for user in row.source(step)])
        listed = server.resources("/Users")
        users = {who: comparable(user, server.kind) for who, user in server.users().items()}
        ids = {user["userName"]: user["id"] for user in listed}
        groups = members(list(server.groups().values()))
        done.cycles.append(Cycle(run, users, groups, ids, server.requests()))
    return done


# --- the table --------------------------------------------------------------------------------------------------------

CELLS: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
"""Suite and row, then server and way: what came of it."""


def told(row: Row, way: str, well: bool) -> None:
    """Puts a result into the table."""
    cell = "FAILED" if not well else row.note or "ok"
    CELLS.setdefault((row.suite, row.name), {})[row.kind.name, way] = cell


def printed(servers: tuple[str, ...]) -> list[str]:
    """The table, one line a scenario, with what the servers cannot do below it."""
    notes: dict[str, str] = {}

    def short(text: str | None) -> str:
        if text is None:
            return "-"
        if text in ("ok", "FAILED"):
            return text
        return notes.setdefault(text, f"({len(notes) + 1})")

    lines = []
    order = [(name, row) for name, suite in SUITES.items() for row in suite["rows"]]
    played = [key for key in order if key in CELLS]
    titles = {key: f"{key[0]}: {key[1]}" for key in played}
    width = max(len(title) for title in titles.values())
    heads = [f"{name} {KINDS[name].version}" for name in servers]
    lines.append(" " * width + "  " + "  ".join(heads))
    for key in played:
        texts = []
        for name, head in zip(servers, heads, strict=True):
            both = [short(CELLS[key].get((name, way))) for way in WAYS]
            texts.append(" / ".join(both).ljust(len(head)))
        lines.append(f"{titles[key].ljust(width)}  {'  '.join(texts)}".rstrip())
    lines.append("each cell: through core / through the jar; ok = ends as written")
    lines += [f"{number} {text}" for text, number in notes.items()]
    return lines
