"""Lists the differences of servers from the RFCs, each with a check that shows it.

The scenario table uses a server's quirks to compute the expected results. `tests/program/test_zoo.py` runs every check at
every server, so the rows of the catalogue stay true.
"""

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.server import Response, Server

CORE = {"2.0": "urn:ietf:params:scim:schemas:core:2.0:{}", "1.1": "urn:scim:schemas:core:1.0"}
URN = CORE["2.0"].format("User")
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
EMAIL = "ann.lee@example.com"


@dataclass(frozen=True)
class Quirk:
    """One difference."""

    meaning: str
    is_shown_by: Callable[[Server], bool]
    """Returns whether a server has the quirk. The server must be empty."""
    versions: tuple[str, ...] = ("2.0", "1.1")
    """The SCIM versions to which the check applies."""
    groups: bool = False
    """Whether the check needs groups; a server without groups is not checked."""


def user(server: Server, name: str = "Ann.Lee@example.com", **more: Any) -> dict[str, Any]:
    """Returns the smallest user that every server accepts."""
    return {
        "schemas": [CORE[server.version].format("User")],
        "userName": name,
        "name": {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"},
        "emails": [{"value": name.lower()}],
        "active": True,
    } | more


def group(server: Server, name: str, *members: dict[str, Any]) -> dict[str, Any]:
    """Returns a group with users as its members. SCIM 1.1 does not have `$ref`."""
    sent = [{"value": m["id"], "$ref": f"{server.url}/Users/{m['id']}"} for m in members]
    if server.version == "1.1":
        sent = [{"value": member["value"]} for member in sent]
    return {"schemas": [CORE[server.version].format("Group")], "displayName": name, "members": sent}


def create(server: Server, path: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Creates a resource. Returns it as the server responds with it."""
    response = server.request("POST", path, resource)
    assert response.status == 201, f"{server.name} does not create {resource}: {response}"
    return response.body


def search(server: Server, expression: str) -> Response:
    return server.request("GET", "/Users?filter=" + urllib.parse.quote(expression, safe=""))


def count(response: Response) -> int:
    """Returns how many resources a list contains; 0 if the response is an error."""
    return len(response.body.get("Resources") or []) if response.status == 200 else 0


def patch(server: Server, path: str, *operations: dict[str, Any]) -> Response:
    return server.request("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})


def finds_nothing(expression: str) -> Callable[[Server], bool]:
    def is_shown(server: Server) -> bool:
        create(server, "/Users", user(server))
        return count(search(server, expression)) == 0

    return is_shown


def ignores_filters(server: Server) -> bool:
    create(server, "/Users", user(server))
    return count(search(server, 'userName eq "absent@example.com"')) == 1


def rejects_quote(server: Server) -> bool:
    return search(server, r'userName eq "a\"b"').status >= 400


def count_fails(server: Server) -> bool:
    return server.request("GET", "/Users?count=10").status >= 500


def ignores_paging(server: Server) -> bool:
    for name in ("a@example.com", "b@example.com", "c@example.com"):
        create(server, "/Users", user(server, name))
    return count(server.request("GET", "/Users?startIndex=2")) != 2


def accepts_duplicates(server: Server) -> bool:
    create(server, "/Users", user(server))
    return server.request("POST", "/Users", user(server)).status == 201


def duplicates_by_case(server: Server) -> bool:
    create(server, "/Users", user(server))
    return server.request("POST", "/Users", user(server, "ANN.LEE@example.com")).status == 201


def conflict_without_type(server: Server) -> bool:
    create(server, "/Users", user(server))
    response = server.request("POST", "/Users", user(server))
    return response.status == 409 and "scimType" not in response.body


def rejects_patch(operation: dict[str, Any]) -> Callable[[Server], bool]:
    """Returns a check that also shows the quirk if a PATCH succeeds without effect."""

    def is_shown(server: Server) -> bool:
        account = create(server, "/Users", user(server))
        before = server.users()
        response = patch(server, f"/Users/{account['id']}", operation)
        return response.status >= 400 or server.users() == before

    return is_shown


def rejects_filter_path(server: Server) -> bool:
    sent = user(server)
    response = server.request("POST", "/Users", sent | {"emails": [{"value": EMAIL, "type": "work"}]})
    # Some servers reject a type. Then no filter for it can match.
    account = response.body if response.status == 201 else create(server, "/Users", sent)
    before = server.users()
    path = 'emails[type eq "work"].value'
    response = patch(server, f"/Users/{account['id']}", {"op": "replace", "path": path, "value": "ann@example.com"})
    return response.status >= 400 or server.users() == before


def keeps_absent_attributes(server: Server) -> bool:
    account = create(server, "/Users", user(server))
    sent = {name: value for name, value in user(server).items() if name != "emails"}
    response = server.request("PUT", f"/Users/{account['id']}", sent | {"id": account["id"]})
    assert response.status == 200, response
    (after,) = server.users().values()
    return "emails" in after


def requires_name(server: Server) -> bool:
    sent = {name: user(server)[name] for name in ("schemas", "userName")}
    return server.request("POST", "/Users", sent).status == 400


def rejects_email(address: str) -> Callable[[Server], bool]:
    return lambda server: server.request("POST", "/Users", user(server, emails=[{"value": address}])).status == 400


def keeps_user_name(server: Server) -> bool:
    account = create(server, "/Users", user(server))
    server.request("PUT", f"/Users/{account['id']}", user(server, "ann.bell@example.com") | {"id": account["id"]})
    return "ann.bell@example.com" not in server.users()


def omits_etag(server: Server) -> bool:
    account = create(server, "/Users", user(server))
    response = server.request("GET", f"/Users/{account['id']}")
    return not response.header("ETag")


def ignores_if_match(server: Server) -> bool:
    account = create(server, "/Users", user(server))
    sent = user(server) | {"id": account["id"]}
    response = server.request("PUT", f"/Users/{account['id']}", sent, headers={"If-Match": 'W/"old"'})
    return response.status != 412


def omits_location(server: Server) -> bool:
    return not (server.request("POST", "/Users", user(server)).header("Location") or "").startswith("http://")


def has_no_groups(server: Server) -> bool:
    return server.request("GET", "/Groups").status != 200


def requires_members(server: Server) -> bool:
    return server.request("POST", "/Groups", group(server, "Staff")).status >= 400


def requires_ref(server: Server) -> bool:
    account = create(server, "/Users", user(server))
    sent = group(server, "Staff") | {"members": [{"value": account["id"]}]}
    return server.request("POST", "/Groups", sent).status >= 400


def keeps_group_name(server: Server) -> bool:
    account = create(server, "/Users", user(server))
    staff = create(server, "/Groups", group(server, "Staff", account))
    server.request("PUT", f"/Groups/{staff['id']}", group(server, "Crew", account) | {"id": staff["id"]})
    return "Crew" not in server.groups()


def create_staff(server: Server) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Creates the group Staff with a@example.com. Returns its path, its member, and a user who is not a member."""
    member, other = (create(server, "/Users", user(server, name)) for name in ("a@example.com", "b@example.com"))
    path = "/Groups/" + create(server, "/Groups", group(server, "Staff", member))["id"]
    # Some servers ignore the members of a POST; then a PATCH adds the member.
    if not is_member(server, "a@example.com"):
        patch(server, path, {"op": "add", "path": "members", "value": group(server, "Staff", member)["members"]})
        assert is_member(server, "a@example.com"), f"{server.name} adds members neither by POST nor by PATCH"
    return path, member, other


def is_member(server: Server, name: str) -> bool:
    return {"value": name} in server.groups()["Staff"]["members"]


def post_loses_members(server: Server) -> bool:
    create(server, "/Groups", group(server, "Staff", create(server, "/Users", user(server, "a@example.com"))))
    return not is_member(server, "a@example.com")


def put_loses_members(server: Server) -> bool:
    path, member, other = create_staff(server)
    server.request("PUT", path, group(server, "Staff", member, other) | {"id": path.rpartition("/")[2]})
    return not is_member(server, "b@example.com")


def patch_loses_members(server: Server) -> bool:
    path, _, other = create_staff(server)
    patch(server, path, {"op": "add", "path": "members", "value": group(server, "Staff", other)["members"]})
    return not is_member(server, "b@example.com")


def keeps_member(remove_path: str) -> Callable[[Server], bool]:
    """Returns a check that a PATCH `remove` with this path removes no member. `{}` is the member's id."""

    def is_shown(server: Server) -> bool:
        path, member, _ = create_staff(server)
        patch(server, path, {"op": "remove", "path": remove_path.format(member["id"])})
        return is_member(server, "a@example.com")

    return is_shown


def members_by_name(server: Server) -> bool:
    path, member, _ = create_staff(server)
    return [m["value"] for m in server.request("GET", path).body["members"]] != [member["id"]]


QUIRKS: dict[str, Quirk] = {
    "ignores-filters": Quirk("a filter has no effect: the list contains every user", ignores_filters),
    "case-sensitive-filter": Quirk(
        "userName eq is case-sensitive for the value", finds_nothing(f'userName eq "{EMAIL}"')
    ),
    "case-sensitive-attribute": Quirk(
        "a filter is case-sensitive for the attribute's name", finds_nothing('username eq "Ann.Lee@example.com"')
    ),
    "no-email-filter": Quirk("emails.value eq finds nothing", finds_nothing(f'emails.value eq "{EMAIL}"')),
    "no-quote-in-filter": Quirk("a filter with an escaped quotation mark is rejected", rejects_quote),
    "count-fails": Quirk("a list request with the parameter count is a server error", count_fails),
    "ignores-paging": Quirk("a list does not begin at startIndex", ignores_paging),
    "accepts-duplicates": Quirk("a second user with the same userName is created", accepts_duplicates),
    "duplicates-by-case": Quirk("a userName in another case is another user", duplicates_by_case),
    "conflict-without-type": Quirk("409 has no scimType", conflict_without_type, ("2.0",)),
    "no-patch-add": Quirk(
        "PATCH with add does nothing", rejects_patch({"op": "add", "path": "active", "value": False}), ("2.0",)
    ),
    "no-patch-without-path": Quirk(
        "PATCH without a path does nothing", rejects_patch({"op": "replace", "value": {"active": False}}), ("2.0",)
    ),
    "no-patch-urn-path": Quirk(
        "PATCH with a schema in its path does nothing",
        rejects_patch({"op": "replace", "path": f"{URN}:active", "value": False}),
        ("2.0",),
    ),
    "no-patch-sub-attribute": Quirk(
        "PATCH of a sub-attribute does nothing",
        rejects_patch({"op": "replace", "path": "name.givenName", "value": "Anna"}),
        ("2.0",),
    ),
    "no-patch-filter-path": Quirk("PATCH with a filter in its path does nothing", rejects_filter_path, ("2.0",)),
    "no-patch-remove": Quirk(
        "PATCH with remove does nothing", rejects_patch({"op": "remove", "path": "emails"}), ("2.0",)
    ),
    "put-keeps-absent": Quirk("PUT keeps the attributes that its body omits", keeps_absent_attributes),
    "requires-name": Quirk("name.formatted, name.familyName and active are required", requires_name),
    "ascii-email-only": Quirk("an address with a letter outside ASCII is rejected", rejects_email("zoë@example.com")),
    "keeps-user-name": Quirk("userName cannot be changed", keeps_user_name),
    "no-etag": Quirk("the response with a user has no ETag", omits_etag),
    "ignores-if-match": Quirk("a stale If-Match does not prevent a write", ignores_if_match),
    "no-location": Quirk("201 has no absolute Location", omits_location),
    "no-groups": Quirk("groups are not supported", has_no_groups),
    "requires-members": Quirk("a group without members is rejected", requires_members, groups=True),
    "requires-member-ref": Quirk("a member without $ref is rejected", requires_ref, groups=True),
    "keeps-group-name": Quirk("displayName of a group cannot be changed", keeps_group_name, groups=True),
    "members-by-name": Quirk(
        "a member's value in a response is not the id that was sent", members_by_name, groups=True
    ),
    "post-loses-members": Quirk("a new group has no members", post_loses_members, groups=True),
    "put-loses-members": Quirk("PUT adds no member", put_loses_members, groups=True),
    "no-patch-add-members": Quirk("PATCH adds no member", patch_loses_members, ("2.0",), groups=True),
    "no-patch-remove-member": Quirk(
        "PATCH removes no single member", keeps_member('members[value eq "{}"]'), ("2.0",), groups=True
    ),
    "no-patch-remove-members": Quirk("PATCH does not empty a group", keeps_member("members"), ("2.0",), groups=True),
}
