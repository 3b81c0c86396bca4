"""Every attribute of a SCIM user with a value to try, and what a server does with it."""

import json
from typing import Any

from zoo.quirks import made, user
from zoo.server import Server, plain

ENTERPRISE = {
    "2.0": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "1.1": "urn:scim:schemas:extension:enterprise:1.0",
}

# Path to value; sub-attributes of a multi-valued attribute are tried beside a `value` where it has one.
CORE: dict[str, Any] = {
    "externalId": "hr-7",
    "name.middleName": "May",
    "name.honorificPrefix": "Dr.",
    "name.honorificSuffix": "III",
    "displayName": "Ann Lee-Marsh",
    "nickName": "Annie",
    "profileUrl": "https://example.com/ann",
    "title": "Engineer",
    "userType": "Employee",
    "preferredLanguage": "de",
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "emails.type": "work",
    "emails.primary": True,
    "phoneNumbers.value": "+1-555-0100",
    "phoneNumbers.type": "mobile",
    "ims.value": "ann",
    "ims.type": "skype",
    "photos.value": "https://example.com/ann.jpg",
    "photos.type": "thumbnail",
    "addresses.type": "work",
    "addresses.primary": True,
    "addresses.formatted": "1 Main Street",
    "addresses.streetAddress": "1 Main Street",
    "addresses.locality": "Springfield",
    "addresses.region": "OR",
    "addresses.postalCode": "97403",
    "addresses.country": "US",
    "entitlements.value": "reports",
    "roles.value": "auditor",
    "x509Certificates.value": "MIIB",
}
EXTENSION: dict[str, Any] = {
    "employeeNumber": "701984",
    "costCenter": "4130",
    "organization": "Example Corp",
    "division": "Theme Park",
    "department": "Tours",
    "manager.value": "26118915",
}
VALUES = {
    "emails": "ann.lee@example.com",
    "phoneNumbers": "+1-555-0100",
    "ims": "ann",
    "photos": "https://example.com/ann.jpg",
}
MANAGER_OF = {"2.0": "value", "1.1": "managerId"}


def with_attribute(server: Server, path: str) -> dict[str, Any]:
    """The least user with one attribute more."""
    sent = user(server)
    if path in EXTENSION:
        urn = ENTERPRISE[server.version]
        first, _, _ = path.partition(".")
        value = EXTENSION[path]
        sent["schemas"] = [*sent["schemas"], urn]
        sent[urn] = {first: {MANAGER_OF[server.version]: value} if first == "manager" else value}
        return sent
    first, _, second = path.partition(".")
    value = CORE[path]
    if not second:
        sent[first] = value
    elif first == "name":
        sent[first] |= {second: value}
    else:
        sent[first] = [({"value": VALUES[first]} if first in VALUES else {}) | {second: value}]
    return sent


def treatment(server: Server, path: str) -> str:
    """`kept`, `dropped` or `refused`."""
    sent = with_attribute(server, path)
    answer = server.ask("POST", "/Users", sent)
    if answer.status == 400:
        return "refused"
    assert answer.status == 201, f"{server.name} with {path}: {answer}"
    (after,) = server.users().values()
    urn = ENTERPRISE[server.version]
    where = [urn, *path.split(".")] if path in EXTENSION else path.split(".")
    if where[-2:] == ["manager", "value"]:
        where[-1] = MANAGER_OF[server.version]
    return "kept" if values(after, where) == values(plain(sent), where) else "dropped"


def invented(server: Server) -> set[str]:
    """The attributes that a user has who was made with the least."""
    sent = plain(user(server))
    made(server, "/Users", user(server))
    (after,) = server.users().values()
    return {path for path in paths(after) if path != "schemas" and path not in paths(sent)}


def values(resource: Any, where: list[str]) -> list[str]:
    """Every value at a path, as text."""
    if not where:
        return [json.dumps(resource, sort_keys=True)]
    if isinstance(resource, list):
        return sorted(value for each in resource for value in values(each, where))
    if not isinstance(resource, dict) or where[0] not in resource:
        return []
    return values(resource[where[0]], where[1:])


def paths(resource: Any, before: str = "") -> set[str]:
    if isinstance(resource, dict):
        return {path for name, each in resource.items() for path in paths(each, f"{before}.{name}" if before else name)}
    if isinstance(resource, list):
        return {path for each in resource for path in paths(each, before)}
    return {before}
