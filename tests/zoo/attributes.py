"""Sends each attribute of a SCIM user to a server, and reports whether the server stores it."""

import json
from typing import Any

from zoo.quirks import create, user
from zoo.server import Server, normalised

ENTERPRISE = {
    "2.0": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "1.1": "urn:scim:schemas:extension:enterprise:1.0",
}

# Path to value. A sub-attribute of a multi-valued attribute is sent next to the `value` of VALUES, if that has one.
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
MANAGER_ID_ATTRIBUTE = {"2.0": "value", "1.1": "managerId"}


def user_with_attribute(server: Server, path: str) -> dict[str, Any]:
    """Returns the smallest user with one more attribute."""
    sent = user(server)
    if path in EXTENSION:
        urn = ENTERPRISE[server.version]
        first, _, _ = path.partition(".")
        value = EXTENSION[path]
        sent["schemas"] = [*sent["schemas"], urn]
        sent[urn] = {first: {MANAGER_ID_ATTRIBUTE[server.version]: value} if first == "manager" else value}
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


def attribute_treatment(server: Server, path: str) -> str:
    """Returns what the server does with an attribute: `kept`, `dropped` or `rejected`."""
    sent = user_with_attribute(server, path)
    response = server.request("POST", "/Users", sent)
    if response.status == 400:
        return "rejected"
    assert response.status == 201, f"{server.name} with {path}: {response}"
    (stored,) = server.users().values()
    urn = ENTERPRISE[server.version]
    names = [urn, *path.split(".")] if path in EXTENSION else path.split(".")
    if names[-2:] == ["manager", "value"]:
        names[-1] = MANAGER_ID_ATTRIBUTE[server.version]
    return "kept" if values_at(stored, names) == values_at(normalised(sent), names) else "dropped"


def invented_attributes(server: Server) -> set[str]:
    """Returns the paths of the attributes that the server adds to the smallest user."""
    sent = normalised(user(server))
    create(server, "/Users", user(server))
    (stored,) = server.users().values()
    return {path for path in leaf_paths(stored) if path != "schemas" and path not in leaf_paths(sent)}


def values_at(resource: Any, names: list[str]) -> list[str]:
    """Returns every value at a path of names, as text."""
    if not names:
        return [json.dumps(resource, sort_keys=True)]
    if isinstance(resource, list):
        return sorted(value for each in resource for value in values_at(each, names))
    if not isinstance(resource, dict) or names[0] not in resource:
        return []
    return values_at(resource[names[0]], names[1:])


def leaf_paths(resource: Any, parent: str = "") -> set[str]:
    if isinstance(resource, dict):
        return {
            path for name, each in resource.items() for path in leaf_paths(each, f"{parent}.{name}" if parent else name)
        }
    if isinstance(resource, list):
        return {path for each in resource for path in leaf_paths(each, parent)}
    return {parent}
