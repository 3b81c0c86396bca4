"""Whether a request is one that a SCIM service provider may expect: by scim2-models in strict mode, by the schemas of
RFC 7643 for the JSON type of every value, and by what the two versions of the protocol ask of a client.

Knows nothing of what the request was meant to do. `problems` of a request is a list of sentences; empty = none.
"""

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from scim2_models import Attribute, Context, EnterpriseUser, Group, PatchOp, ScimFilter, User
from scim2_models.exceptions import SCIMException
from zoo.server import Request

CORE_1 = "urn:scim:schemas:core:1.0"
ENTERPRISE_1 = "urn:scim:schemas:extension:enterprise:1.0"
ENTERPRISE_2 = EnterpriseUser.to_schema().id
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MODELS = {"Users": User[EnterpriseUser], "Groups": Group}
CORE_2 = {"Users": User.to_schema().id, "Groups": Group.to_schema().id}
# Every URN of the other version is a mix-up.
FOREIGN = {"2.0": "urn:scim:schemas:", "1.1": "urn:ietf:params:scim:"}
MEDIA = {"2.0": "application/scim+json", "1.1": "application/json"}
# RFC 7643, section 2.4: these have a preferred entry.
PREFERRED = ("emails", "phoneNumbers", "ims", "photos", "addresses")
DISCOVERY = ("ServiceProviderConfig", "ServiceProviderConfigs", "Schemas", "ResourceTypes")
PATH = re.compile(
    r"^(?:(?P<urn>urn:[^\[\]\"]+):)?(?P<attribute>[A-Za-z][\w$-]*)(?:\[(?P<filter>.+)\])?(?:\.(?P<sub>[A-Za-z$][\w$-]*))?$"
)


def problems(asked: Request, version: str, extensions: Iterable[str] = ()) -> list[str]:
    """What is wrong with a request to a service provider of that version. `extensions`: URNs that are its own."""
    if "x-www-form-urlencoded" in (asked.header("Content-Type") or ""):
        return []
    return [f"{asked.method} {asked.path}: {problem}" for problem in Check(asked, version, extensions).all()]


class Check:
    """One request and what is known of it."""

    def __init__(self, asked: Request, version: str, extensions: Iterable[str]) -> None:
        self.asked = asked
        self.version = version
        self.own = tuple(extensions)
        segments = [part for part in urllib.parse.urlsplit(asked.path).path.split("/") if part]
        self.single = len(segments) > 1 and segments[-2] in MODELS
        self.kind = segments[-2] if self.single else segments[-1] if segments else ""

    def all(self) -> Iterator[str]:
        """Every problem."""
        yield from self.shape()
        yield from self.headers()
        yield from self.query()
        if self.asked.body is not None and self.kind in MODELS:
            yield from self.body(self.asked.body)

    # --- around the body --------------------------------------------------------------------------------------------

    def shape(self) -> Iterator[str]:
        method, reads = self.asked.method, self.kind in DISCOVERY
        if self.kind not in MODELS and not reads:
            yield f"{self.kind} is no endpoint"
        allowed = ("GET",) if reads else ("GET", "PUT", "PATCH", "DELETE") if self.single else ("GET", "POST")
        if method not in allowed:
            yield "the method is not one of this address"
        if (self.asked.body is not None) != (method in ("POST", "PUT", "PATCH")):
            yield "a body where none belongs, or none where one does"

    def headers(self) -> Iterator[str]:
        media = MEDIA[self.version]
        first = (self.asked.header("Accept") or "").split(",")[0].strip()
        if first != media:
            yield f"Accept begins with {first}, not with {media}"
        kind = (self.asked.header("Content-Type") or "").split(";")[0].strip()
        if self.asked.body is not None and kind != media:
            yield f"Content-Type is {kind}, not {media}"
        if self.asked.header("If-Match") is not None and not (self.single and self.asked.method != "GET"):
            yield "If-Match without a resource to write"

    def query(self) -> Iterator[str]:
        query = urllib.parse.parse_qsl(urllib.parse.urlsplit(self.asked.path).query, keep_blank_values=True)
        names = [name for name, _ in query]
        if len(set(names)) != len(names):
            yield "a parameter is there twice"
        for name, value in query:
            if name == "filter" and self.asked.method == "GET" and not self.single:
                try:
                    ScimFilter(value)
                except (SCIMException, ValueError) as failure:
                    yield f"the filter is none: {failure}"
            elif name not in ("startIndex", "count") or not value.isdigit():
                yield f"the parameter {name} does not belong there or is no number"

    # --- the body ---------------------------------------------------------------------------------------------------

    def body(self, body: Any) -> Iterator[str]:
        if not isinstance(body, dict):
            yield "the body is no object"
            return
        yield from nulls(body)
        for urn in urns(body):
            if urn.startswith(FOREIGN[self.version]):
                yield f"{urn} belongs to the other version"
        if self.asked.method == "PATCH" and self.version == "2.0":
            yield from self.operations(body)
        else:
            yield from self.resource(body)
        if self.version == "2.0":
            yield from self.models(body)

    def resource(self, body: dict[str, Any]) -> Iterator[str]:
        patch = self.asked.method == "PATCH"
        yield from self.schemas(body)
        for name in ("meta", "groups"):
            # A partial resource of SCIM 1.1 names there what it takes away (section 3.3.2).
            clears = patch and name == "meta" and set(body.get("meta") or {}) == {"attributes"}
            if name in body and not clears:
                yield f"{name} is the target's own"
        for name, value in body.items():
            if name not in ("schemas", "meta", "groups"):
                yield from self.typed(name, value)
        for name in PREFERRED:
            primary = sum(entry.get("primary") is True for entry in body.get(name, []) if isinstance(entry, dict))
            if primary > 1 or (self.asked.method == "POST" and name in body and primary != 1):
                yield f"{name} has {primary} primary entries"

    def schemas(self, body: dict[str, Any]) -> Iterator[str]:
        listed = body.get("schemas")
        if not isinstance(listed, list) or not all(isinstance(urn, str) for urn in listed):
            yield "schemas is no list of URNs"
            return
        core = CORE_2[self.kind] if self.version == "2.0" else CORE_1
        used = {core} | {name for name in body if name.startswith("urn:")}
        if len(set(listed)) != len(listed):
            yield "schemas lists one twice"
        if used - set(listed):
            yield f"schemas does not list {used - set(listed)}"
        # What the target's own resource lists is kept when it is replaced.
        if self.asked.method != "PUT" and set(listed) - used:
            yield f"schemas lists {set(listed) - used}, which is not used"

    def operations(self, body: dict[str, Any]) -> Iterator[str]:
        if set(body) != {"schemas", "Operations"} or body["schemas"] != [PATCH_OP] or not body["Operations"]:
            yield "the body is no PatchOp with operations"
            return
        for operation in body["Operations"]:
            if operation.get("op") not in ("add", "replace", "remove"):
                yield f"{operation.get('op')} is no operation"
            if set(operation) != ({"op", "path"} if operation.get("op") == "remove" else {"op", "path", "value"}):
                yield f"an operation has {sorted(operation)}"
            yield from self.operation(str(operation.get("path")), operation.get("value"))

    def operation(self, path: str, value: Any) -> Iterator[str]:
        parts = PATH.match(path)
        if parts is None:
            yield f"the path {path} is none"
            return
        if parts["filter"] is not None:
            try:
                ScimFilter(parts["filter"])
            except (SCIMException, ValueError) as failure:
                yield f"the filter in the path {path} is none: {failure}"
        urn, name = parts["urn"], parts["attribute"]
        if urn in self.own or value is None:
            return
        attribute = find(self.attributes(urn), name)
        if attribute is None:
            yield f"{path} is no attribute"
        elif parts["sub"]:
            yield from self.fits(find(attribute.sub_attributes or [], parts["sub"]), value, path)
        elif parts["filter"]:
            yield from self.one(attribute, value, path)
        else:
            yield from self.fits(attribute, value, path)

    # --- types ------------------------------------------------------------------------------------------------------

    def attributes(self, urn: str | None) -> list[Attribute]:
        """The attributes of a schema; of the core schema of this endpoint for none."""
        enterprise = ENTERPRISE_2 if self.version == "2.0" else ENTERPRISE_1
        if urn == enterprise:
            found = list(EnterpriseUser.to_schema().attributes)
            if self.version == "1.1":
                manager = find(found, "manager")
                manager.sub_attributes.append(Attribute(name="managerId", type=Attribute.Type.string))
            return found
        if urn is None or urn == CORE_2[self.kind]:
            common = [Attribute(name=name, type=Attribute.Type.string) for name in ("id", "externalId")]
            return [*(User if self.kind == "Users" else Group).to_schema().attributes, *common]
        return []

    def typed(self, name: str, value: Any) -> Iterator[str]:
        if name in self.own:
            return
        if name.startswith("urn:"):
            if not isinstance(value, dict) or not value:
                yield f"{name} is no object with content"
                return
            for inner, each in value.items():
                yield from self.fits(find(self.attributes(name), inner), each, f"{name}:{inner}")
        else:
            yield from self.fits(find(self.attributes(None), name), value, name)

    def fits(self, attribute: Attribute | None, value: Any, where: str) -> Iterator[str]:
        if attribute is None:
            yield f"{where} is in no schema"
        elif not attribute.multi_valued:
            yield from self.one(attribute, value, where)
        elif not isinstance(value, list):
            yield f"{where} is no list"
        else:
            for entry in value:
                yield from self.one(attribute, entry, where)

    def one(self, attribute: Attribute, value: Any, where: str) -> Iterator[str]:
        kind = attribute.type.value
        if kind == "complex":
            if not isinstance(value, dict) or not value:
                yield f"{where} is no object with content"
                return
            inside = list(attribute.sub_attributes or [])
            if self.version == "1.1" and self.asked.method == "PATCH":
                inside.append(Attribute(name="operation", type=Attribute.Type.string))
            for name, each in value.items():
                yield from self.fits(find(inside, name), each, f"{where}.{name}")
        elif not JSON[kind](value):
            yield f"{where} is {type(value).__name__}, not {kind}"

    def models(self, body: dict[str, Any]) -> Iterator[str]:
        contexts = {
            "POST": Context.RESOURCE_CREATION_REQUEST,
            "PUT": Context.RESOURCE_REPLACEMENT_REQUEST,
            "PATCH": Context.RESOURCE_PATCH_REQUEST,
        }
        model = MODELS[self.kind]
        if self.asked.method == "PATCH":
            model = PatchOp[model]
            body = body | {"Operations": [o for o in body.get("Operations", []) if not self.beyond(str(o.get("path")))]}
            if not body["Operations"]:
                return
        body = {name: value for name, value in body.items() if name not in self.own}
        if "schemas" in body:
            body["schemas"] = [urn for urn in body["schemas"] if urn not in self.own]
        if isinstance(body.get(ENTERPRISE_2), dict) and "manager" in body[ENTERPRISE_2]:
            # The models require `$ref`, which RFC 7643, section 4.3, only recommends and a client cannot know.
            manager = body[ENTERPRISE_2]["manager"] | {"$ref": "Users/of-the-target"}
            body[ENTERPRISE_2] = body[ENTERPRISE_2] | {"manager": manager}
        try:
            model.model_validate(body, scim_ctx=contexts[self.asked.method])
        except ValidationError as failure:
            for error in failure.errors():
                yield f"scim2-models: {'.'.join(map(str, error['loc']))}: {error['msg']}"

    def beyond(self, path: str) -> bool:
        """Whether a path lies in an extension that the models do not know."""
        return any(path.startswith(urn) for urn in self.own)


def find(attributes: list[Attribute], name: str) -> Attribute | None:
    """An attribute by its name as the schema spells it."""
    return next((attribute for attribute in attributes if attribute.name == name), None)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


# RFC 7643, section 2.3: how each type is written in JSON. A boolean is no integer, whatever Python says.
JSON = {
    "string": is_text,
    "reference": is_text,
    "dateTime": is_text,
    "binary": lambda value: is_text(value) and re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", value) is not None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "decimal": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def nulls(value: Any, where: str = "") -> Iterator[str]:
    if value is None:
        yield f"{where} is null"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from nulls(each, f"{where}.{name}" if where else name)
    elif isinstance(value, list):
        for each in value:
            yield from nulls(each, where)


def urns(value: Any) -> Iterator[str]:
    """Every URN that a body names, as a key, in schemas or in a path."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name.startswith("urn:"):
                yield name
            if name in ("schemas", "path"):
                yield from (each if isinstance(each, list) else [each])
            else:
                yield from urns(each)
    elif isinstance(value, list):
        for each in value:
            yield from urns(each)
