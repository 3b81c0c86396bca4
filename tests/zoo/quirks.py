"""What a server may be unable to do, or do in its own way, each with the question that shows it.

Scenarios read a server's quirks to know what to expect of it; the tests ask every question of every server, so that
the rows of the catalogue stay true.
"""

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.server import Answer, Server

CORE = {"2.0": "urn:ietf:params:scim:schemas:core:2.0:{}", "1.1": "urn:scim:schemas:core:1.0"}
URN = CORE["2.0"].format("User")
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
EMAIL = "ann.lee@example.com"


@dataclass(frozen=True)
class Quirk:
    """One way to be different."""

    meaning: str
    shown_by: Callable[[Server], bool]
    """Whether an empty server has it."""
    versions: tuple[str, ...] = ("2.0", "1.1")
    """The SCIM versions in which the question makes sense."""
    groups: bool = False
    """Whether the question is about groups: a server without any is not asked."""


def user(server: Server, name: str = "Ann.Lee@example.com", **more: Any) -> dict[str, Any]:
    """The least that every server takes as a user."""
    return {
        "schemas": [CORE[server.version].format("User")],
        "userName": name,
        "name": {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"},
        "emails": [{"value": name.lower()}],
        "active": True,
    } | more


def group(server: Server, name: str, *members: dict[str, Any]) -> dict[str, Any]:
    """A group with users as its members. SCIM 1.1 knows no `$ref`."""
    sent = [{"value": m["id"], "$ref": f"{server.url}/Users/{m['id']}"} for m in members]
    if server.version == "1.1":
        sent = [{"value": member["value"]} for member in sent]
    return {"schemas": [CORE[server.version].format("Group")], "displayName": name, "members": sent}


def made(server: Server, path: str, resource: dict[str, Any]) -> dict[str, Any]:
    """The resource as the server answers it after making it."""
    answer = server.ask("POST", path, resource)
    assert answer.status == 201, f"{server.name} does not take {resource}: {answer}"
    return answer.body


def found(server: Server, expression: str) -> Answer:
    return server.ask("GET", "/Users?filter=" + urllib.parse.quote(expression, safe=""))


def count(answer: Answer) -> int:
    """How many resources an answer lists; a refusal lists none."""
    return len(answer.body.get("Resources") or []) if answer.status == 200 else 0


def patch(server: Server, path: str, *operations: dict[str, Any]) -> Answer:
    return server.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})


def finds_none(expression: str) -> Callable[[Server], bool]:
    def shown(server: Server) -> bool:
        made(server, "/Users", user(server))
        return count(found(server, expression)) == 0

    return shown


def ignores_filters(server: Server) -> bool:
    made(server, "/Users", user(server))
    return count(found(server, 'userName eq "nobody@example.com"')) == 1


def refuses_quote(server: Server) -> bool:
    return found(server, r'userName eq "a\"b"').status >= 400


def count_fails(server: Server) -> bool:
    return server.ask("GET", "/Users?count=10").status >= 500


def ignores_paging(server: Server) -> bool:
    for name in ("a@example.com", "b@example.com", "c@example.com"):
        made(server, "/Users", user(server, name))
    return count(server.ask("GET", "/Users?startIndex=2")) != 2


def accepts_duplicates(server: Server) -> bool:
    made(server, "/Users", user(server))
    return server.ask("POST", "/Users", user(server)).status == 201


def duplicates_by_case(server: Server) -> bool:
    made(server, "/Users", user(server))
    return server.ask("POST", "/Users", user(server, "ANN.LEE@example.com")).status == 201


def conflict_without_type(server: Server) -> bool:
    made(server, "/Users", user(server))
    answer = server.ask("POST", "/Users", user(server))
    return answer.status == 409 and "scimType" not in answer.body


def refuses_patch(operation: dict[str, Any]) -> Callable[[Server], bool]:
    def shown(server: Server) -> bool:
        one = made(server, "/Users", user(server))
        before = server.users()
        answer = patch(server, f"/Users/{one['id']}", operation)
        return answer.status >= 400 or server.users() == before

    return shown


def refuses_filter_path(server: Server) -> bool:
    sent = user(server)
    typed = server.ask("POST", "/Users", sent | {"emails": [{"value": EMAIL, "type": "work"}]})
    # Some keep no type; then no filter can find one.
    one = typed.body if typed.status == 201 else made(server, "/Users", sent)
    before = server.users()
    path = 'emails[type eq "work"].value'
    answer = patch(server, f"/Users/{one['id']}", {"op": "replace", "path": path, "value": "ann@example.com"})
    return answer.status >= 400 or server.users() == before


def keeps_absent(server: Server) -> bool:
    one = made(server, "/Users", user(server))
    sent = {name: value for name, value in user(server).items() if name != "emails"}
    answer = server.ask("PUT", f"/Users/{one['id']}", sent | {"id": one["id"]})
    assert answer.status == 200, answer
    (after,) = server.users().values()
    return "emails" in after


def requires_name(server: Server) -> bool:
    least = {name: user(server)[name] for name in ("schemas", "userName")}
    return server.ask("POST", "/Users", least).status == 400


def refuses_email(address: str) -> Callable[[Server], bool]:
    return lambda server: server.ask("POST", "/Users", user(server, emails=[{"value": address}])).status == 400


def keeps_user_name(server: Server) -> bool:
    one = made(server, "/Users", user(server))
    server.ask("PUT", f"/Users/{one['id']}", user(server, "ann.bell@example.com") | {"id": one["id"]})
    return "ann.bell@example.com" not in server.users()


def without_etag(server: Server) -> bool:
    one = made(server, "/Users", user(server))
    answer = server.ask("GET", f"/Users/{one['id']}")
    return not answer.header("ETag")


def ignores_if_match(server: Server) -> bool:
    one = made(server, "/Users", user(server))
    answer = server.ask("PUT", f"/Users/{one['id']}", user(server) | {"id": one["id"]}, headers={"If-Match": 'W/"old"'})
    return answer.status != 412


def without_location(server: Server) -> bool:
    return not (server.ask("POST", "/Users", user(server)).header("Location") or "").startswith("http://")


def without_groups(server: Server) -> bool:
    return server.ask("GET", "/Groups").status != 200


def requires_members(server: Server) -> bool:
    return server.ask("POST", "/Groups", group(server, "Staff")).status >= 400


def requires_ref(server: Server) -> bool:
    one = made(server, "/Users", user(server))
    sent = group(server, "Staff") | {"members": [{"value": one["id"]}]}
    return server.ask("POST", "/Groups", sent).status >= 400


def keeps_group_name(server: Server) -> bool:
    one = made(server, "/Users", user(server))
    staff = made(server, "/Groups", group(server, "Staff", one))
    server.ask("PUT", f"/Groups/{staff['id']}", group(server, "Crew", one) | {"id": staff["id"]})
    return "Crew" not in server.groups()


def staff(server: Server) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A group's path, its member and a user who is none, the server's way of making members permitting."""
    one, two = (made(server, "/Users", user(server, name)) for name in ("a@example.com", "b@example.com"))
    path = "/Groups/" + made(server, "/Groups", group(server, "Staff", one))["id"]
    if not is_member(server, "a@example.com"):
        patch(server, path, {"op": "add", "path": "members", "value": group(server, "Staff", one)["members"]})
        assert is_member(server, "a@example.com"), f"{server.name} has no way to put somebody into a group"
    return path, one, two


def is_member(server: Server, name: str) -> bool:
    return {"value": name} in server.groups()["Staff"]["members"]


def post_loses_members(server: Server) -> bool:
    made(server, "/Groups", group(server, "Staff", made(server, "/Users", user(server, "a@example.com"))))
    return not is_member(server, "a@example.com")


def put_loses_members(server: Server) -> bool:
    path, one, two = staff(server)
    server.ask("PUT", path, group(server, "Staff", one, two) | {"id": path.rpartition("/")[2]})
    return not is_member(server, "b@example.com")


def patch_loses_members(server: Server) -> bool:
    path, _, two = staff(server)
    patch(server, path, {"op": "add", "path": "members", "value": group(server, "Staff", two)["members"]})
    return not is_member(server, "b@example.com")


def keeps_member(path_of: str) -> Callable[[Server], bool]:
    """Whether a member stays that a PATCH with that path removes."""

    def shown(server: Server) -> bool:
        path, one, _ = staff(server)
        patch(server, path, {"op": "remove", "path": path_of.format(one["id"])})
        return is_member(server, "a@example.com")

    return shown


def members_by_name(server: Server) -> bool:
    path, one, _ = staff(server)
    return [m["value"] for m in server.ask("GET", path).body["members"]] != [one["id"]]


QUIRKS: dict[str, Quirk] = {
    "ignores-filters": Quirk("a filter changes nothing: every user is answered", ignores_filters),
    "case-sensitive-filter": Quirk(
        "userName eq finds a user only in the case it was made with", finds_none(f'userName eq "{EMAIL}"')
    ),
    "case-sensitive-attribute": Quirk(
        "an attribute spelt in another case finds nothing", finds_none('username eq "Ann.Lee@example.com"')
    ),
    "no-email-filter": Quirk("emails.value eq finds nothing", finds_none(f'emails.value eq "{EMAIL}"')),
    "no-quote-in-filter": Quirk("a filter with an escaped quotation mark is refused", refuses_quote),
    "count-fails": Quirk("a list with the parameter count is a server error", count_fails),
    "ignores-paging": Quirk("a list does not begin at startIndex", ignores_paging),
    "accepts-duplicates": Quirk("a second user of the same name is made", accepts_duplicates),
    "duplicates-by-case": Quirk("a name in another case is another user", duplicates_by_case),
    "conflict-without-type": Quirk("409 comes without scimType", conflict_without_type, ("2.0",)),
    "no-patch-add": Quirk(
        "PATCH with add does nothing", refuses_patch({"op": "add", "path": "active", "value": False}), ("2.0",)
    ),
    "no-patch-without-path": Quirk(
        "PATCH without a path does nothing", refuses_patch({"op": "replace", "value": {"active": False}}), ("2.0",)
    ),
    "no-patch-urn-path": Quirk(
        "PATCH with a schema in its path does nothing",
        refuses_patch({"op": "replace", "path": f"{URN}:active", "value": False}),
        ("2.0",),
    ),
    "no-patch-sub-attribute": Quirk(
        "PATCH of a sub-attribute does nothing",
        refuses_patch({"op": "replace", "path": "name.givenName", "value": "Anna"}),
        ("2.0",),
    ),
    "no-patch-filter-path": Quirk("PATCH with a filter in its path does nothing", refuses_filter_path, ("2.0",)),
    "no-patch-remove": Quirk(
        "PATCH with remove does nothing", refuses_patch({"op": "remove", "path": "emails"}), ("2.0",)
    ),
    "put-keeps-absent": Quirk("PUT keeps what its body leaves out", keeps_absent),
    "requires-name": Quirk("name.formatted, name.familyName and active are required", requires_name),
    "ascii-email-only": Quirk("an address with a letter beyond ASCII is refused", refuses_email("zoë@example.com")),
    "keeps-user-name": Quirk("userName cannot be changed", keeps_user_name),
    "no-etag": Quirk("a user comes without ETag", without_etag),
    "ignores-if-match": Quirk("a stale If-Match is no hindrance", ignores_if_match),
    "no-location": Quirk("201 comes without an absolute Location", without_location),
    "no-groups": Quirk("there are no groups", without_groups),
    "requires-members": Quirk("a group without members is refused", requires_members, groups=True),
    "requires-member-ref": Quirk("a member without $ref is refused", requires_ref, groups=True),
    "keeps-group-name": Quirk("displayName of a group cannot be changed", keeps_group_name, groups=True),
    "members-by-name": Quirk("a member's value is answered as another text than the id", members_by_name, groups=True),
    "post-loses-members": Quirk("a new group has no members", post_loses_members, groups=True),
    "put-loses-members": Quirk("PUT adds no member", put_loses_members, groups=True),
    "no-patch-add-members": Quirk("PATCH adds no member", patch_loses_members, ("2.0",), groups=True),
    "no-patch-remove-member": Quirk(
        "PATCH removes no single member", keeps_member('members[value eq "{}"]'), ("2.0",), groups=True
    ),
    "no-patch-remove-members": Quirk("PATCH does not empty a group", keeps_member("members"), ("2.0",), groups=True),
}
