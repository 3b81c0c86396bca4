"""Checks the servers of the zoo: they start, check credentials, store users and groups, and match the catalogue."""

from collections.abc import Iterator

import pytest
from zoo import KINDS, NAMES, Server, start
from zoo.attributes import CORE, EXTENSION, attribute_treatment, invented_attributes
from zoo.quirks import QUIRKS, create, group, patch, user

AUTH_METHODS = [(name, method) for name in NAMES for method in KINDS[name].methods]


@pytest.fixture(scope="session", autouse=True)
def require_dist() -> None:
    """Replaces the check for `dist`: these tests do not run pfscim."""


@pytest.fixture(scope="module", params=NAMES)
def started_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param) as server:
        yield server


@pytest.fixture
def server(started_server: Server) -> Server:
    """Each server, without users and groups."""
    started_server.clear()
    return started_server


@pytest.mark.parametrize(("name", "method"), AUTH_METHODS, ids=[f"{name}-{method}" for name, method in AUTH_METHODS])
def test_right_credentials_are_accepted_and_wrong_credentials_rejected(name, method):
    with start(name, method) as server:
        assert server.request("GET", "/Users").status == 200
        assert bool(server.auth.wrong) == (method != "none")
        for wrong in server.auth.wrong:
            response = server.request("GET", "/Users", auth=wrong)
            assert response.status in (400, 401), f"{wrong.keys()} {response}"


def test_a_user_is_created_read_updated_and_deleted(server):
    created = create(server, "/Users", user(server))
    path = f"/Users/{created['id']}"
    assert server.request("GET", path).body["userName"] == "Ann.Lee@example.com"
    if server.version == "2.0":
        changed = patch(server, path, {"op": "replace", "path": "active", "value": False})
    else:
        changed = server.request("PATCH", path, {"schemas": created["schemas"], "active": False})
    assert changed.status in (200, 204), changed
    assert server.users()["Ann.Lee@example.com"]["active"] is False
    assert server.request("PUT", path, user(server) | {"id": created["id"]}).status == 200
    assert server.users()["Ann.Lee@example.com"]["active"] is True
    assert server.request("DELETE", path).status in (200, 204)
    assert server.users() == {}
    assert server.request("GET", path).status == 404
    assert server.request("DELETE", path).status == 404


def test_a_group_is_created_and_read_with_its_members_by_name(server):
    server.seed([user(server, "a@example.com"), user(server, "b@example.com")])
    members = [{"value": "b@example.com"}, {"value": "a@example.com"}]
    server.seed_groups([group(server, "Staff") | {"members": members}])
    expected = [] if "post-loses-members" in server.quirks else [{"value": "a@example.com"}, {"value": "b@example.com"}]
    assert server.groups()["Staff"]["members"] == expected


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_server_has_exactly_the_quirks_of_its_row(server, quirk):
    quirk_check = QUIRKS[quirk]
    expected = quirk in server.quirks
    if server.version not in quirk_check.versions or (quirk_check.groups and "no-groups" in server.quirks):
        assert not expected, f"{quirk} does not apply to {server.name}"
    else:
        assert quirk_check.is_shown_by(server) == expected, quirk_check.meaning


@pytest.mark.parametrize("path", [*CORE, *EXTENSION])
def test_a_server_stores_each_attribute_except_those_of_its_row(server, path):
    kind = server.kind
    expected = "rejected" if path in kind.rejects else "dropped" if path in kind.drops else "kept"
    assert attribute_treatment(server, path) == expected


def test_a_server_generates_exactly_the_attributes_of_its_row(server):
    assert invented_attributes(server) == server.kind.invents


def test_rows_name_only_existing_quirks_and_attributes():
    for kind in KINDS.values():
        assert kind.quirks <= set(QUIRKS), kind.name
        assert kind.drops | kind.rejects <= {*CORE, *EXTENSION}, kind.name


def test_requests_are_recorded_without_credentials():
    with start("scimmy") as server:
        secret = server.auth.right["OAUTH_ACCESS_TOKEN"]
        server.seed([user(server)])
        assert server.requests() == [], "requests of the test itself were recorded"
        assert server.request("GET", "/Users?count=1", recorded=True).status == 200
        (request,) = server.requests()
        assert (request.method, request.path, request.status) == ("GET", "/scim/Users?count=1", 200)
        assert request.query == {"count": "1"}
        assert request.header("Authorization") == "Bearer ***"
        assert secret not in repr(server.requests())
