"""Writes LDIF files with any number of users for tests and benchmarks, and makes the connection that reads them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

BASE = "ou=people,dc=example,dc=com"


def name(number: int) -> str:
    """Returns the userName of a user."""
    return f"user{number:06}@example.com"


def write(file: TextIO, numbers: Iterable[int], title: str = "Engineer", disabled: Iterable[int] = ()) -> None:
    """Writes the entries of these users as LDIF."""
    disabled_numbers = set(disabled)
    for number in numbers:
        file.write(
            f"dn: uid=user{number:06},{BASE}\nobjectClass: top\nobjectClass: inetOrgPerson\n"
            f"entryUUID: 00000000-0000-4000-8000-{number:012}\nuid: user{number:06}\n"
            f"mail: {name(number)}\ngivenName: Given{number}\nsn: Family{number}\ncn: Given{number} Family{number}\n"
            f"title: {title}\nemployeeNumber: {number}\nl: Town {number % 97}\n"
        )
        if number in disabled_numbers:
            file.write("employeeType: gone\n")
        file.write("\n")


def ldif(path: Path, numbers: Iterable[int], **more: Any) -> Path:
    """Writes an LDIF file with these users. Returns its path."""
    with path.open("w", encoding="utf-8") as file:
        write(file, numbers, **more)
    return path


def connection(url: str, threads: int = 4, **settings: str) -> dict[str, Any]:
    """Returns a connection to a target at this URL. The token is missing: `--secret` supplies it."""
    target_settings = {
        "SCIM_URL": url,
        "SCIM_VERSION": "2.0",
        "AUTHENTICATION_METHOD": "OAuth 2 Bearer Token",
        "REMOVE_ACTION": "Disable",
    } | settings
    mapping = {
        "userName": "mail",
        "workEmail": "mail",
        "givenName": "givenName",
        "familyName": "sn",
        "displayName": "cn",
        "title": "title",
        "employeeNumber": "employeeNumber",
    }
    return {
        "id": "population",
        "entityId": "population",
        "name": "Population",
        "outboundProvision": {
            "type": "PfScim",
            "targetSettings": [{"name": name, "value": value} for name, value in target_settings.items()],
            "channels": [
                {
                    "name": "people",
                    "active": True,
                    "maxThreads": threads,
                    "timeout": 60,
                    "channelSource": {
                        "guidAttributeName": "entryUUID",
                        "guidBinary": False,
                        "changeDetectionSettings": {
                            "userObjectClass": "inetOrgPerson",
                            "groupObjectClass": "groupOfNames",
                        },
                        "accountManagementSettings": {
                            "accountStatusAttributeName": "employeeType",
                            "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
                            "flagComparisonValue": "gone",
                            "flagComparisonStatus": False,
                            "defaultStatus": True,
                        },
                        "baseDn": BASE,
                        "userSourceLocation": {"filter": "(mail=*)"},
                    },
                    "attributeMapping": [
                        {"fieldName": field, "saasFieldInfo": {"attributeNames": [attribute]}}
                        for field, attribute in mapping.items()
                    ],
                }
            ],
        },
    }
