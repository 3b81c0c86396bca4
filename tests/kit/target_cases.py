"""Reads the cases of tests/cases/target, writes their directories, and compares each step with what must hold.

A member that it does not know is an error, so no part of a case is skipped. tests/cases/README.md describes the members.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from zoo.recorder import RawRequest

from kit.program import ROOT, Run
from kit.stand_in import BASE, Resource, check_quirks

FOLDER = ROOT / "tests" / "cases" / "target"
CONNECTION = FOLDER / "connection.json"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json") if path != CONNECTION)
BASE_DN = "dc=example,dc=com"

CASE_MEMBERS = ("name", "what", "exchange", "right", "target", "settings", "steps")
TARGET_MEMBERS = ("quirks", "users")
PERSON_MEMBERS = ("uid", "mail", "title", "givenName", "sn", "locked")

# Outcomes of a record, by what they say about the target.
PRESENT = ("created", "adopted", "updated", "re-enabled", "unchanged")
CLOSED = ("disabled", "already-disabled", "deleted", "already-gone")
OPEN_ENDED = ("skipped", "passed-on", "failed")


# --- the directory ----------------------------------------------------------------------------------------------------


def uids(names: list[str]) -> list[str]:
    """Returns the uids of a list: `p1..p120` is p1 to p120."""
    expanded = []
    for name in names:
        span = re.fullmatch(r"([a-z]+)(\d+)\.\.\1(\d+)", name)
        expanded += [f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1)] if span else [name]
    return expanded


def people(entries: list[str | dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns uid to attributes of the people of a step."""
    persons = {}
    for entry in entries:
        given = entry if isinstance(entry, dict) else {}
        check_members("person", given, PERSON_MEMBERS)
        for uid in uids([given["uid"] if given else entry]):
            defaults = {"mail": f"{uid}@example.com", "title": "Staff", "givenName": uid.capitalize(), "sn": "Person"}
            persons[uid] = defaults | given | {"uid": uid}
    return persons


def entry(name: str, unit: str, attributes: list[tuple[str, str]]) -> str:
    """Returns an entry of an LDIF file. Its `entryUUID` depends on the name only."""
    lines = [("dn", f"{name},ou={unit},{BASE_DN}"), ("entryUUID", str(uuid.uuid5(uuid.NAMESPACE_URL, name)))]
    return "".join(f"{attribute}: {value}\n" for attribute, value in lines + attributes) + "\n"


def ldif(persons: dict[str, dict[str, Any]], groups: dict[str, list[str]]) -> str:
    """Returns a directory as LDIF."""
    entries = []
    for uid, person in persons.items():
        attributes = [("objectClass", "inetOrgPerson"), ("cn", uid)]
        attributes += [(name, value) for name, value in person.items() if name != "locked"]
        if person.get("locked"):
            attributes.append(("nsAccountLock", "true"))
        entries.append(entry(f"uid={uid}", "people", attributes))
    for name, members in groups.items():
        attributes = [("objectClass", "groupOfNames"), ("cn", name)]
        attributes += [("member", f"uid={uid},ou=people,{BASE_DN}") for uid in members]
        entries.append(entry(f"cn={name}", "groups", attributes))
    return "".join(entries)


# --- cases ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One run of the program: what comes before it, and what must hold after it."""

    people: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]
    new_state: bool
    signs_in: list[str]
    quirks: dict[str, Any]
    names: dict[str, str]
    """The userName of each person whom the case has named so far, by uid."""
    expected: dict[str, Any]
    any: list[dict[str, Any]]
    """At least one of these must hold too, if there are any."""


@dataclass(frozen=True)
class Case:
    """A target with quirks, and the steps at it."""

    quirks: dict[str, Any]
    users: list[Resource]
    settings: dict[str, str]
    steps: list[Step]


def read_case(name: str) -> Case:
    """Reads a case by the name of its file."""
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if document["name"] != name:
        raise ValueError(f"the case {document['name']} is in {name}.json")
    return parse_case(document)


def parse_case(document: dict[str, Any]) -> Case:
    """Checks a case and fills in what a step does not name. Raises ValueError for a part that is not known."""
    check_members("case", document, CASE_MEMBERS)
    target = document["target"]
    check_members("target", target, TARGET_MEMBERS)
    check_quirks(target["quirks"])
    users = target.get("users", [])
    names = {user["userName"].partition("@")[0]: user["userName"] for user in users}
    persons: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    steps = []
    for step in document["steps"]:
        check_members("step", step, (*STEP_VALUES, *EXPECTATIONS))
        check_values(step, STEP_VALUES)
        check_quirks(step.get("quirks", {}))
        if "people" in step:
            persons = people(step["people"])
        if "groups" in step:
            groups = {group: uids(members) for group, members in step["groups"].items()}
        names = names | {uid: person["mail"] for uid, person in persons.items()}
        expected = {name: value for name, value in step.items() if name in EXPECTATIONS}
        for alternative in (expected, *step.get("any", [])):
            check_members("expectation", alternative, tuple(EXPECTATIONS))
            check_values(alternative, {kind: expectation.allows for kind, expectation in EXPECTATIONS.items()})
        prepared = step.get("new_state", False), step.get("signs_in", []), step.get("quirks", {})
        steps.append(Step(persons, groups, *prepared, names, expected, step.get("any", [])))
    return Case(target["quirks"], users, document["settings"], steps)


def check_members(what: str, members: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(members) - set(known))
    if unknown:
        raise ValueError(f"a {what} has no {', '.join(unknown)}")


def check_values(members: dict[str, Any], allowed: dict[str, Callable[[Any], bool]]) -> None:
    for name, value in members.items():
        if name in allowed and not allowed[name](value):
            raise ValueError(f"{name} cannot be {value!r}")


# --- what must hold ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A step after its run: the output of the program, and what the target has."""

    step: Step
    run: Run
    accounts: list[Resource]
    groups: list[Resource]
    requests: list[RawRequest]

    @property
    def output(self) -> str:
        return self.run.out + self.run.err

    def of_name(self, user_name: str) -> list[Resource]:
        """Returns the accounts of a userName, in any letter case."""
        return [account for account in self.accounts if account["userName"].lower() == user_name.lower()]

    def of_person(self, uid: str) -> list[Resource]:
        """Returns the accounts of a person."""
        return self.of_name(self.step.names[uid])

    def members(self, group: Resource) -> list[str]:
        """Returns the sorted uids of a group's members, of others the id."""
        uid_by_id = {account["id"]: uid for uid in self.step.names for account in self.of_person(uid)}
        return sorted(uid_by_id.get(member["value"], member["value"]) for member in group.get("members", []))


def failures(seen: Seen) -> list[str]:
    """Returns one sentence for each thing that does not hold after a step."""
    found = [*unmet(seen.step.expected, seen), *untrue_lines(seen)]
    alternatives = [list(unmet(alternative, seen)) for alternative in seen.step.any]
    if alternatives and all(alternatives):
        found.append(f"none of `any` holds: {alternatives}")
    return found


def unmet(expected: dict[str, Any], seen: Seen) -> Iterator[str]:
    for name, value in expected.items():
        for failure in EXPECTATIONS[name].failures(value, seen):
            yield f"{name}: {failure}"


def untrue_lines(seen: Seen) -> Iterator[str]:
    """Yields what is printed as done but is not so at the target."""
    for line in seen.run.lines:
        outcome, said = line["outcome"], f"{line['outcome']} {line['kind']} {line['identifier']} ({line['id']})"
        if outcome not in PRESENT + CLOSED + OPEN_ENDED:
            yield f"{said}: the cases do not know this outcome"
        if line["kind"] == "group":
            groups = [
                group
                for group in seen.groups
                if (group["id"] == line["id"] if line["id"] else group["displayName"] == line["identifier"])
            ]
            if outcome in PRESENT:
                yield from (f"{said}: {fault}" for fault in member_faults(line["identifier"], groups, seen))
            elif outcome in CLOSED and groups:
                yield f"{said}, but the target has it"
            continue
        named = seen.of_name(line["identifier"])
        accounts = [a for a in seen.accounts if a["id"] == line["id"]] if line["id"] else named
        is_open = any(account["active"] for account in accounts)
        if outcome in PRESENT and not is_open:
            yield f"{said}, but the target has no active account"
        elif outcome in CLOSED and is_open:
            yield f"{said}, but the account is active"


def member_faults(name: str, groups: list[Resource], seen: Seen) -> Iterator[str]:
    """Yields the faults of a group that the program printed as done. Who is locked may be a member or not."""
    locked = {uid for uid, person in seen.step.people.items() if person.get("locked")}
    wanted = sorted(set(seen.step.groups.get(name, [])) - locked)
    found = [[uid for uid in seen.members(group) if uid not in locked] for group in groups]
    if found != [wanted]:
        yield f"the target has {found}, not one group with {wanted}"


@dataclass(frozen=True)
class Expectation:
    """One kind of what must hold."""

    allows: Callable[[Any], bool]
    """Returns whether a case may give this value."""
    failures: Callable[[Any, Seen], Iterator[str]]


def exit_failures(statuses: list[int], seen: Seen) -> Iterator[str]:
    if seen.run.status not in statuses:
        yield f"{seen.run.status}, not one of {statuses}"


def account_failures(active: list[bool]) -> Callable[[list[str], Seen], Iterator[str]]:
    """Returns a check of persons: `active` is that of all the accounts of each one."""

    def check(names: list[str], seen: Seen) -> Iterator[str]:
        for uid in uids(names):
            found = [account["active"] for account in seen.of_person(uid)]
            if found != active:
                yield f"the accounts of {uid} have active {found}, not {active}"

    return check


def count_failures(count: int, seen: Seen) -> Iterator[str]:
    if len(seen.accounts) != count:
        yield f"{len(seen.accounts)}, not {count}"


def value_failures(values: dict[str, dict[str, Any]], seen: Seen) -> Iterator[str]:
    for uid, wanted in values.items():
        found = [{name: account.get(name) for name in wanted} for account in seen.of_person(uid)]
        if found != [wanted]:
            yield f"{uid} has {found}, not one account with {wanted}"


def group_failures(groups: dict[str, list[str]], seen: Seen) -> Iterator[str]:
    for name, members in groups.items():
        found = [seen.members(group) for group in seen.groups if group["displayName"] == name]
        if found != [sorted(uids(members))]:
            yield f"{name} has {found}, not one group with {sorted(uids(members))}"


def print_failures(outcomes: dict[str, list[str]], seen: Seen) -> Iterator[str]:
    for uid, wanted in outcomes.items():
        user_name = seen.step.names[uid]
        lines = [line for line in seen.run.lines if (line["kind"], line["identifier"]) == ("user", user_name)]
        if not any(line["outcome"] in wanted for line in lines):
            yield f"{uid} is {[line['outcome'] for line in lines]}, not one of {wanted}"


def say_failures(choices: list[list[str]], seen: Seen) -> Iterator[str]:
    for words in choices:
        if not any(word in seen.output for word in words):
            yield f"none of {words} is in the output"


def silence_failures(words: list[str], seen: Seen) -> Iterator[str]:
    for word in words:
        if word in seen.output:
            yield f"{word} is in the output"


def request_failures(limits: dict[str, int], seen: Seen) -> Iterator[str]:
    for kind, limit in limits.items():
        method, path = kind.split(" /")
        pattern = re.compile(rf"{BASE}{path}(?![^/?])")
        sent = [str(r) for r in seen.requests if r.method == method and pattern.match(r.path)]
        if len(sent) > limit:
            yield f"{len(sent)} of {kind}, not {limit}: {sent}"


def is_list_of(allows: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and value != [] and all(map(allows, value))


def is_object_of(allows: Callable[[Any], bool], names: str = r".+") -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict)
        and value != {}
        and all(re.fullmatch(names, name) and allows(each) for name, each in value.items())
    )


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    return type(value) is int


def is_members(value: Any) -> bool:
    return value == [] or is_list_of(is_text)(value)


def is_object(value: Any) -> bool:
    return isinstance(value, dict) and value != {}


STEP_VALUES: dict[str, Callable[[Any], bool]] = {
    "people": is_list_of(lambda person: is_text(person) or is_object(person)),
    "groups": is_object_of(is_members),
    "new_state": lambda value: value is True,
    "signs_in": is_list_of(is_text),
    "quirks": is_object,
    "any": is_list_of(is_object),
}
REQUEST_KIND = r"(GET|POST|PUT|PATCH|DELETE) /(Users|Groups)"
EXPECTATIONS: dict[str, Expectation] = {
    "exit": Expectation(is_list_of(is_count), exit_failures),
    "active": Expectation(is_list_of(is_text), account_failures([True])),
    "inactive": Expectation(is_list_of(is_text), account_failures([False])),
    "absent": Expectation(is_list_of(is_text), account_failures([])),
    "accounts": Expectation(is_count, count_failures),
    "holds": Expectation(is_object_of(is_object_of(lambda _: True)), value_failures),
    "holds_groups": Expectation(is_object_of(is_members), group_failures),
    "prints": Expectation(is_object_of(is_list_of(is_text)), print_failures),
    "says": Expectation(is_list_of(is_list_of(is_text)), say_failures),
    "never_says": Expectation(is_list_of(is_text), silence_failures),
    "requests_at_most": Expectation(is_object_of(is_count, REQUEST_KIND), request_failures),
}
