"""Checks that a request is valid SCIM 1.1 or 2.0.

Does not know: the purpose of the request.

The sources of the rules are scim2-models in strict mode, the schemas of RFC 7643, and the texts of both versions for
clients. The schemas decide the JSON type of every value. `problems` returns one sentence for each problem.
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
# The prefix of the other version's URNs, which a request must not contain.
OTHER_VERSION = {"2.0": "urn:scim:schemas:", "1.1": "urn:ietf:params:scim:"}
MEDIA_TYPE = {"2.0": "application/scim+json", "1.1": "application/json"}
# Attributes with a `primary` entry (RFC 7643, section 2.4).
WITH_PRIMARY = ("emails", "phoneNumbers", "ims", "photos", "addresses")
DISCOVERY = ("ServiceProviderConfig", "ServiceProviderConfigs", "Schemas", "ResourceTypes")
PATH = re.compile(
    r"^(?:(?P<urn>urn:[^\[\]\"]+):)?(?P<attribute>[A-Za-z][\w$-]*)(?:\[(?P<filter>.+)\])?(?:\.(?P<sub>[A-Za-z$][\w$-]*))?$"
)


def problems(request: Request, version: str, extensions: Iterable[str] = ()) -> list[str]:
    """Returns the problems of a request to a target of that version. `extensions`: URNs of the target's own schemas.

    A token request has none, because it is not SCIM.
    """
    if "x-www-form-urlencoded" in (request.header("Content-Type") or ""):
        return []
    return [
        f"{request.method} {request.path}: {problem}" for problem in RequestCheck(request, version, extensions).all()
    ]


class RequestCheck:
    """The check of one request. Its methods yield problems."""

    def __init__(self, request: Request, version: str, extensions: Iterable[str]) -> None:
        self.request = request
        self.version = version
        self.extensions = tuple(extensions)
        segments = [part for part in urllib.parse.urlsplit(request.path).path.split("/") if part]
        self.has_id = len(segments) > 1 and segments[-2] in MODELS
        self.endpoint = segments[-2] if self.has_id else segments[-1] if segments else ""

    def all(self) -> Iterator[str]:
        """Yields every problem."""
        yield from self.method()
        yield from self.headers()
        yield from self.query()
        if self.request.body is not None and self.endpoint in MODELS:
            yield from self.body(self.request.body)

    # --- method, headers, query -------------------------------------------------------------------------------------

    def method(self) -> Iterator[str]:
        method, is_discovery = self.request.method, self.endpoint in DISCOVERY
        if self.endpoint not in MODELS and not is_discovery:
            yield f"{self.endpoint} is not an endpoint"
        allowed = ("GET",) if is_discovery else ("GET", "PUT", "PATCH", "DELETE") if self.has_id else ("GET", "POST")
        if method not in allowed:
            yield "the endpoint does not have this method"
        if (self.request.body is not None) != (method in ("POST", "PUT", "PATCH")):
            yield "POST, PUT and PATCH must have a body, other methods must not"

    def headers(self) -> Iterator[str]:
        media_type = MEDIA_TYPE[self.version]
        accepted = (self.request.header("Accept") or "").split(",")[0].strip()
        if accepted != media_type:
            yield f"Accept begins with {accepted}, not with {media_type}"
        content_type = (self.request.header("Content-Type") or "").split(";")[0].strip()
        if self.request.body is not None and content_type != media_type:
            yield f"Content-Type is {content_type}, not {media_type}"
        if self.request.header("If-Match") is not None and not (self.has_id and self.request.method != "GET"):
            yield "If-Match in a request that does not change or delete a resource"

    def query(self) -> Iterator[str]:
        query = urllib.parse.parse_qsl(urllib.parse.urlsplit(self.request.path).query, keep_blank_values=True)
        names = [name for name, _ in query]
        if len(set(names)) != len(names):
            yield "a parameter occurs twice"
        for name, value in query:
            if name == "filter" and self.request.method == "GET" and not self.has_id:
                try:
                    ScimFilter(value)
                except (SCIMException, ValueError) as failure:
                    yield f"the filter is not valid: {failure}"
            elif name not in ("startIndex", "count") or not value.isdigit():
                yield f"the parameter {name} is not allowed, or not a number"

    # --- the body ---------------------------------------------------------------------------------------------------

    def body(self, body: Any) -> Iterator[str]:
        if not isinstance(body, dict):
            yield "the body is not an object"
            return
        yield from nulls(body)
        for urn in urns(body):
            if urn.startswith(OTHER_VERSION[self.version]):
                yield f"{urn} belongs to the other version"
        if self.request.method == "PATCH" and self.version == "2.0":
            yield from self.operations(body)
        else:
            yield from self.resource(body)
        if self.version == "2.0":
            yield from self.models(body)

    def resource(self, body: dict[str, Any]) -> Iterator[str]:
        is_patch = self.request.method == "PATCH"
        yield from self.schemas(body)
        for name in ("meta", "groups"):
            # A partial resource of SCIM 1.1 lists the attributes to remove in meta.attributes (section 3.3.2).
            removes = is_patch and name == "meta" and set(body.get("meta") or {}) == {"attributes"}
            if name in body and not removes:
                yield f"only the target sets {name}"
        for name, value in body.items():
            if name not in ("schemas", "meta", "groups"):
                yield from self.attribute_value(name, value)
        for name in WITH_PRIMARY:
            primary = sum(entry.get("primary") is True for entry in body.get(name, []) if isinstance(entry, dict))
            if primary > 1 or (self.request.method == "POST" and name in body and primary != 1):
                yield f"{name} has {primary} primary entries"

    def schemas(self, body: dict[str, Any]) -> Iterator[str]:
        schemas = body.get("schemas")
        if not isinstance(schemas, list) or not all(isinstance(urn, str) for urn in schemas):
            yield "schemas is not a list of URNs"
            return
        core = CORE_2[self.endpoint] if self.version == "2.0" else CORE_1
        used = {core} | {name for name in body if name.startswith("urn:")}
        if len(set(schemas)) != len(schemas):
            yield "schemas contains a URN twice"
        if used - set(schemas):
            yield f"schemas does not contain {used - set(schemas)}"
        # A PUT keeps the schemas of the resource at the target.
        if self.request.method != "PUT" and set(schemas) - used:
            yield f"schemas contains {set(schemas) - used}, which the body does not use"

    def operations(self, body: dict[str, Any]) -> Iterator[str]:
        if set(body) != {"schemas", "Operations"} or body["schemas"] != [PATCH_OP] or not body["Operations"]:
            yield "the body is not a PatchOp with operations"
            return
        for operation in body["Operations"]:
            if operation.get("op") not in ("add", "replace", "remove"):
                yield f"{operation.get('op')} is not an operation"
            if set(operation) != ({"op", "path"} if operation.get("op") == "remove" else {"op", "path", "value"}):
                yield f"an operation has {sorted(operation)}"
            yield from self.operation(str(operation.get("path")), operation.get("value"))

    def operation(self, path: str, value: Any) -> Iterator[str]:
        parts = PATH.match(path)
        if parts is None:
            yield f"the path {path} is not valid"
            return
        if parts["filter"] is not None:
            try:
                ScimFilter(parts["filter"])
            except (SCIMException, ValueError) as failure:
                yield f"the filter in the path {path} is not valid: {failure}"
        urn, name = parts["urn"], parts["attribute"]
        if urn in self.extensions or value is None:
            return
        attribute = find(self.attributes(urn), name)
        if attribute is None:
            yield f"{path} is not an attribute"
        elif parts["sub"]:
            yield from self.value(find(attribute.sub_attributes or [], parts["sub"]), value, path)
        elif parts["filter"]:
            yield from self.single_value(attribute, value, path)
        else:
            yield from self.value(attribute, value, path)

    # --- types ------------------------------------------------------------------------------------------------------

    def attributes(self, urn: str | None) -> list[Attribute]:
        """Returns the attributes of a schema; for None, those of the endpoint's core schema."""
        enterprise = ENTERPRISE_2 if self.version == "2.0" else ENTERPRISE_1
        if urn == enterprise:
            attributes = list(EnterpriseUser.to_schema().attributes)
            if self.version == "1.1":
                manager = find(attributes, "manager")
                manager.sub_attributes.append(Attribute(name="managerId", type=Attribute.Type.string))
            return attributes
        if urn is None or urn == CORE_2[self.endpoint]:
            common = [Attribute(name=name, type=Attribute.Type.string) for name in ("id", "externalId")]
            return [*(User if self.endpoint == "Users" else Group).to_schema().attributes, *common]
        return []

    def attribute_value(self, name: str, value: Any) -> Iterator[str]:
        if name in self.extensions:
            return
        if name.startswith("urn:"):
            if not isinstance(value, dict) or not value:
                yield f"{name} is not an object with content"
                return
            for inner, each in value.items():
                yield from self.value(find(self.attributes(name), inner), each, f"{name}:{inner}")
        else:
            yield from self.value(find(self.attributes(None), name), value, name)

    def value(self, attribute: Attribute | None, value: Any, path: str) -> Iterator[str]:
        if attribute is None:
            yield f"{path} is not in a schema"
        elif not attribute.multi_valued:
            yield from self.single_value(attribute, value, path)
        elif not isinstance(value, list):
            yield f"{path} is not a list"
        else:
            for entry in value:
                yield from self.single_value(attribute, entry, path)

    def single_value(self, attribute: Attribute, value: Any, path: str) -> Iterator[str]:
        kind = attribute.type.value
        if kind == "complex":
            if not isinstance(value, dict) or not value:
                yield f"{path} is not an object with content"
                return
            sub_attributes = list(attribute.sub_attributes or [])
            if self.version == "1.1" and self.request.method == "PATCH":
                sub_attributes.append(Attribute(name="operation", type=Attribute.Type.string))
            for name, each in value.items():
                yield from self.value(find(sub_attributes, name), each, f"{path}.{name}")
        elif not IS_JSON_TYPE[kind](value):
            yield f"{path} is {type(value).__name__}, not {kind}"

    def models(self, body: dict[str, Any]) -> Iterator[str]:
        contexts = {
            "POST": Context.RESOURCE_CREATION_REQUEST,
            "PUT": Context.RESOURCE_REPLACEMENT_REQUEST,
            "PATCH": Context.RESOURCE_PATCH_REQUEST,
        }
        model = MODELS[self.endpoint]
        if self.request.method == "PATCH":
            model = PatchOp[model]
            operations = [o for o in body.get("Operations", []) if not self.is_extension_path(str(o.get("path")))]
            body = body | {"Operations": operations}
            if not body["Operations"]:
                return
        body = {name: value for name, value in body.items() if name not in self.extensions}
        if "schemas" in body:
            body["schemas"] = [urn for urn in body["schemas"] if urn not in self.extensions]
        if isinstance(body.get(ENTERPRISE_2), dict) and "manager" in body[ENTERPRISE_2]:
            # The models require `$ref`, but RFC 7643, section 4.3, only recommends it, and a client cannot know it.
            manager = body[ENTERPRISE_2]["manager"] | {"$ref": "Users/of-the-target"}
            body[ENTERPRISE_2] = body[ENTERPRISE_2] | {"manager": manager}
        try:
            model.model_validate(body, scim_ctx=contexts[self.request.method])
        except ValidationError as failure:
            for error in failure.errors():
                yield f"scim2-models: {'.'.join(map(str, error['loc']))}: {error['msg']}"

    def is_extension_path(self, path: str) -> bool:
        """Returns whether a path belongs to one of the target's own extensions, which the models do not have."""
        return any(path.startswith(urn) for urn in self.extensions)


def find(attributes: list[Attribute], name: str) -> Attribute | None:
    """Returns an attribute by its name. The case must be that of the schema."""
    return next((attribute for attribute in attributes if attribute.name == name), None)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


# The JSON form of each type (RFC 7643, section 2.3). In Python, a boolean is also an int.
IS_JSON_TYPE = {
    "string": is_text,
    "reference": is_text,
    "dateTime": is_text,
    "binary": lambda value: is_text(value) and re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", value) is not None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "decimal": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def nulls(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield f"{path} is null"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from nulls(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from nulls(each, path)


def urns(value: Any) -> Iterator[str]:
    """Yields every URN in a body: as a key, in `schemas` or in a path."""
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
