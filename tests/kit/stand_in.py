"""Plays a SCIM 2.0 target that is true to RFC 7644, except for the quirks that a case gives it.

Does not know: the program that sends the requests, and what a case expects.

`respond` is the `override` of a recorder, which listens and keeps every request. Filters, PATCH and the types of the
attributes are those of scim2-models. The target has no ETags, and does not check the token.
"""

import copy
import json
import re
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import ValidationError
from scim2_models import EnterpriseUser, Error, Group, PatchOp, ScimFilter, ServiceProviderConfig, User
from scim2_models.exceptions import SCIMException
from zoo.recorder import RawRequest

BASE = "/v2/"
MEDIA_TYPE = "application/scim+json"
MODELS = {"Users": User[EnterpriseUser], "Groups": Group}
UNIQUE = {"Users": "userName", "Groups": "displayName"}
PAGE_SIZE = 100
"""A list response has this many resources, unless the request has a count."""
MAX_RESULTS = 1000
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
CONFIGURATION = {
    "schemas": [ServiceProviderConfig.to_schema().id],
    "patch": {"supported": True},
    "filter": {"supported": True, "maxResults": MAX_RESULTS},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "etag": {"supported": False},
    "sort": {"supported": False},
    "changePassword": {"supported": False},
    "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer", "description": "A token"}],
}

Resource = dict[str, Any]


# --- quirks -----------------------------------------------------------------------------------------------------------


class Place(Enum):
    """Where a quirk acts: what the true target has there, which the quirk changes."""

    FOUND = "the resources of a list or filter response, before paging"
    LIST = "a list or filter response"
    SHOWN = "a resource in any response"
    HOLDERS = "the resources that have the userName or displayName of a write"


@dataclass(frozen=True)
class Quirk:
    """One row of the table of quirks in tests/cases/README.md."""

    place: Place
    allows: Callable[[Any], bool]
    """Returns whether a case may give the row this value."""
    effect: Callable[[Any, Any], Any]
    """Returns what the target has at the place: of the row's value, and of what the true target has."""


def one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def repeated(times: int, found: list[Resource]) -> list[Resource]:
    return [resource for resource in found for _ in range(times)]


def active_only(_: str, found: list[Resource]) -> list[Resource]:
    # A group has no `active`.
    return [resource for resource in found if resource.get("active", True)]


def counted_only(shows: str, response: dict[str, Any]) -> dict[str, Any]:
    return response | {"itemsPerPage": 0, "Resources": []} if shows == "count" else response


def with_number_ids(_: str, resource: Resource) -> Resource:
    numbers: Resource = {"id": int(resource["id"])}
    if "members" in resource:
        numbers["members"] = [member | {"value": int(member["value"])} for member in resource["members"]]
    return resource | numbers


def no_user(_: str, holders: list[Resource]) -> list[Resource]:
    return [holder for holder in holders if UNIQUE["Users"] not in holder]


# The quirks of one place act in the order of this table.
QUIRKS: dict[str, Quirk] = {
    "lists": Quirk(Place.FOUND, one_of("active"), active_only),
    "listed_times": Quirk(Place.FOUND, lambda value: type(value) is int and value > 0, repeated),
    "lists_show": Quirk(Place.LIST, one_of("all", "count"), counted_only),
    "ids_shown": Quirk(Place.SHOWN, one_of("numbers"), with_number_ids),
    "same_names": Quirk(Place.HOLDERS, one_of("allowed"), no_user),
}


def check_quirks(quirks: dict[str, Any]) -> None:
    """Raises ValueError if a row or its value is not in the table."""
    for name, value in quirks.items():
        if name not in QUIRKS or not QUIRKS[name].allows(value):
            raise ValueError(f"the stand-in has no quirk {name}: {value!r}")


# --- the target -------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """The target refuses a request with this status."""

    def __init__(self, status: int, detail: str, scim_type: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"schemas": [Error.__schema__], "status": str(status), "detail": detail}
        if scim_type is not None:
            self.body["scimType"] = scim_type


class StandIn:
    """The target. Its ids are digits, from 1 on. `quirks` may change between two runs of the program."""

    def __init__(self, quirks: dict[str, Any], users: list[Resource]) -> None:
        check_quirks(quirks)
        self.quirks = dict(quirks)
        self._resources: dict[str, dict[str, Resource]] = {"Users": {}, "Groups": {}}
        self._last_id = 0
        # The recorder calls `respond` from a thread for each connection.
        self._lock = threading.Lock()
        for user in users:
            self._create("Users", {"schemas": [User.to_schema().id]} | user)

    @property
    def accounts(self) -> list[Resource]:
        """Every user as stored, without quirks."""
        return copy.deepcopy(list(self._resources["Users"].values()))

    @property
    def groups(self) -> list[Resource]:
        """Every group as stored, without quirks."""
        return copy.deepcopy(list(self._resources["Groups"].values()))

    def sign_in(self, user_name: str) -> None:
        """Gives an account another id, also as a member. The old id is unknown from then on."""
        users = self._resources["Users"]
        (old,) = [user["id"] for user in users.values() if user["userName"].lower() == user_name.lower()]
        new = self._new_id()
        users[new] = users.pop(old) | {"id": new}
        for group in self._resources["Groups"].values():
            for member in group.get("members", []):
                if member["value"] == old:
                    member["value"] = new

    def respond(self, request: RawRequest) -> tuple[int, str, str]:
        """Returns status, content type and body."""
        with self._lock:
            try:
                status, body = self._response(request)
            except Refused as refused:
                status, body = refused.status, refused.body
            except (SCIMException, ValidationError, ValueError) as fault:
                refused = Refused(400, str(fault), "invalidValue")
                status, body = refused.status, refused.body
        return status, MEDIA_TYPE, "" if body is None else json.dumps(body)

    def _response(self, request: RawRequest) -> tuple[int, Any]:
        url = urllib.parse.urlsplit(request.path)
        endpoint, _, target_id = urllib.parse.unquote(url.path.removeprefix(BASE)).partition("/")
        if (request.method, endpoint, target_id) == ("GET", "ServiceProviderConfig", ""):
            return 200, CONFIGURATION
        if not url.path.startswith(BASE) or endpoint not in MODELS:
            raise Refused(404, "no such endpoint")
        if not target_id:
            if request.method == "GET":
                return 200, self._list(endpoint, dict(urllib.parse.parse_qsl(url.query)))
            if request.method == "POST":
                return 201, self._shown(endpoint, self._create(endpoint, parse_body(request)))
            raise Refused(405, "the endpoint does not have this method")
        stored = self._resources[endpoint].get(target_id)
        if stored is None:
            raise Refused(404, f"{target_id} is not known")
        if request.method == "DELETE":
            self._delete(endpoint, target_id)
            return 204, None
        if request.method == "PUT":
            stored = self._store(endpoint, target_id, parse_body(request))
        elif request.method == "PATCH":
            stored = self._store(endpoint, target_id, patched(endpoint, stored, parse_body(request)))
        elif request.method != "GET":
            raise Refused(405, "the endpoint does not have this method")
        return 200, self._shown(endpoint, stored)

    def _list(self, endpoint: str, query: dict[str, str]) -> dict[str, Any]:
        found = list(self._resources[endpoint].values())
        if "filter" in query:
            model = MODELS[endpoint]
            wanted = ScimFilter[model](query["filter"])
            found = [resource for resource in found if wanted.match(model.model_validate(resource))]
        found = self._with_quirks(Place.FOUND, found)
        start = max(1, int(query.get("startIndex", "1")))
        count = min(MAX_RESULTS, max(0, int(query.get("count", PAGE_SIZE))))
        page = found[start - 1 : start - 1 + count]
        response = {
            "schemas": [LIST_SCHEMA],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": [self._shown(endpoint, resource) for resource in page],
        }
        return self._with_quirks(Place.LIST, response)

    def _shown(self, endpoint: str, stored: Resource) -> Resource:
        meta = {"resourceType": endpoint.removesuffix("s")}
        return self._with_quirks(Place.SHOWN, copy.deepcopy(stored) | {"meta": meta})

    def _create(self, endpoint: str, content: Resource) -> Resource:
        return self._store(endpoint, self._new_id(), content)

    def _store(self, endpoint: str, target_id: str, content: Resource) -> Resource:
        """Puts a resource in the place of what has the id."""
        if endpoint == "Users":
            content = {"active": True} | content
        content = MODELS[endpoint].model_validate(content).model_dump()
        unique = UNIQUE[endpoint]
        if not content.get(unique):
            raise Refused(400, f"{unique} is missing", "invalidValue")
        holders = [
            other
            for other in self._resources[endpoint].values()
            if other["id"] != target_id and other[unique].lower() == content[unique].lower()
        ]
        if self._with_quirks(Place.HOLDERS, holders):
            raise Refused(409, f"{unique} is taken", "uniqueness")
        known = self._resources["Users"].keys() | self._resources["Groups"].keys()
        if any(member["value"] not in known for member in content.get("members", [])):
            raise Refused(400, "a member is not known", "invalidValue")
        stored = {name: value for name, value in content.items() if name not in ("meta", "groups")} | {"id": target_id}
        self._resources[endpoint][target_id] = stored
        return stored

    def _delete(self, endpoint: str, target_id: str) -> None:
        del self._resources[endpoint][target_id]
        for group in self._resources["Groups"].values():
            group["members"] = [member for member in group.get("members", []) if member["value"] != target_id]

    def _new_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    def _with_quirks(self, place: Place, value: Any) -> Any:
        """Returns what the target has at a place, of what the true target has there."""
        for name, quirk in QUIRKS.items():
            if quirk.place is place and name in self.quirks:
                value = quirk.effect(self.quirks[name], value)
        return value


def patched(endpoint: str, stored: Resource, body: dict[str, Any]) -> Resource:
    """Returns a resource after the operations of a PATCH."""
    model = MODELS[endpoint]
    resource = model.model_validate(stored)
    PatchOp[model].model_validate(body).patch(resource)
    return resource.model_dump()


def parse_body(request: RawRequest) -> Any:
    """Parses a body, in which ids may be numbers."""
    return with_text_ids(json.loads(request.body))


def with_text_ids(value: Any) -> Any:
    """Returns a body in which each id that is a number is text."""
    if isinstance(value, list):
        return [with_text_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: text_id(name, with_text_ids(each)) for name, each in value.items()}


def text_id(name: str, value: Any) -> Any:
    if name in ("id", "value") and type(value) is int:
        return str(value)
    if name == "path" and isinstance(value, str):
        return re.sub(r"(\[value eq )(\d+)\]", r'\1"\2"]', value)
    return value
