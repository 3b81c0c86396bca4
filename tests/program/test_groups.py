"""Checks groups at a real server: core and jar, PUT and PATCH must end in the expected groups."""

import json

import pytest
from kit.program import DEPLOY, Scenario
from kit.slapd import BASE, GROUPS, Slapd, group, member, person
from test_ldap import Directory
from test_scenarios import HOST_MODES, without_link_detail


@pytest.fixture
def scenario() -> Scenario:
    return Scenario("groups")


@pytest.fixture(params=["PUT", "PATCH"])
def method(request, direct) -> str:
    direct.settings["GROUP_PATCH_PROV_OPT"] = "true" if request.param == "PATCH" else "false"
    return request.param


def assert_expected_groups(setup, scenario, server, wire, instances=1):
    ids = {}
    for cycle in scenario.cycles:
        wire.clear_requests()
        run = setup.sync(setup.directory(cycle["directory"]))
        assert run.status == 0, run
        assert without_link_detail(run.outcomes, instances) == without_link_detail(cycle["outcomes"], instances), run
        group_outcomes = without_link_detail(run.group_outcomes, instances)
        assert group_outcomes == without_link_detail(cycle["group_outcomes"], instances), run
        assert server.groups() == cycle["groups"]
        assert without_groups(server.users()) == scenario.target(cycle)
        if not cycle["outcomes"] and not cycle["group_outcomes"]:
            assert wire.writes() == [], "nothing changed, but the cycle wrote"
        ids_of_cycle = {line["source"]: line["id"] for line in run.lines if line["kind"] == "group"}
        assert all(ids_of_cycle[source] == ids[source] for source in ids_of_cycle.keys() & ids.keys()), (
            "a group got another id"
        )
        ids = ids_of_cycle


def without_groups(users):
    """Returns the users without `groups`, because a server may fill that attribute itself."""
    return {name: {key: value for key, value in user.items() if key != "groups"} for name, user in users.items()}


def test_each_cycle_ends_in_the_expected_groups(setup, method, scenario, server, wire):
    assert_expected_groups(setup, scenario, server, wire)
    methods = {request.method for request in wire.raw_requests if "/Groups" in request.path and request.is_write}
    assert methods <= {"POST", "DELETE", method}


@pytest.mark.parametrize("modes", HOST_MODES, ids=lambda modes: ",".join(modes) if len(modes) == 1 else "all-at-once")
def test_every_host_mode_ends_in_the_same_groups(direct, scenario, server, wire, modes):
    direct.plugin = DEPLOY
    direct.java_options = [f"-Dorg.pfscim.host.{mode}" for mode in modes]
    assert_expected_groups(direct, scenario, server, wire, instances=2 if "instances=2" in modes else 1)


def test_groups_are_created_after_their_members(setup, scenario, server, wire):
    assert setup.sync(setup.directory("a.ldif")).status == 0
    created = [(e.path.rpartition("/")[2], json.loads(e.body)) for e in wire.writes() if e.method == "POST"]
    kinds = [kind for kind, _ in created]
    assert kinds == sorted(kinds, reverse=True), "a group came before a user"
    groups = [body["displayName"] for kind, body in created if kind == "Groups"]
    assert groups.index("Engineers") < groups.index("Everyone")


def test_a_plan_lists_added_and_removed_members_and_writes_nothing(direct, scenario, server, wire):
    run = direct.plan(direct.directory("a.ldif"))
    assert run.status == 0, run
    assert wire.writes() == []
    members = {line["identifier"]: line["members"] for line in run.lines if line["kind"] == "group"}
    assert members == {
        "Design": {"added": ["cyd"], "removed": ["bob"]},
        "Engineers": {"added": ["ada", "bob"], "removed": []},
        "Everyone": {"added": ["Engineers", "cyd"], "removed": []},
    }
    assert direct.sync(direct.directory("a.ldif")).status == 0
    run = direct.plan(direct.directory("b.ldif"))
    lines = {line["identifier"]: line for line in run.lines}
    assert lines["Engineers"]["members"] == {"added": ["cyd"], "removed": ["bob"]}
    assert lines["Product Design"]["changes"] == [
        {"field": "displayName", "old": ["Design"], "new": ["Product Design"]}
    ]
    assert lines["ada"]["changes"] == [{"field": "title", "old": ["Analyst"], "new": []}]
    run = direct.plan(direct.directory("d.ldif"))
    assert run.group_outcomes["Engineers"] == "deleted"


@pytest.mark.parametrize("detected_by", ["groups", "both"])
def test_groups_of_a_live_directory_keep_members_that_are_not_read_again(direct, server, wire, tmp_path, detected_by):
    server.replace_resources([])
    detection = {"groupMemberAttributeName": "member"}
    if detected_by == "both":
        detection["memberOfGroupAttributeName"] = "memberOf"
    people = "".join(person(number) for number in range(1, 5))
    with Slapd(tmp_path / "slapd", people) as slapd:
        slapd.change(
            group("staff", member(1), member(2), f"cn=unknown,{BASE}") + group("all", f"cn=staff,{GROUPS}", member(3))
        )
        directory = Directory(direct, slapd)
        location = {"filter": "(cn=*)"}
        directory.edit_source(baseDn=BASE, groupSourceLocation=location, groupMembershipDetection=detection)
        run = directory.sync()
        assert run.status == 0, run
        mail = "user{}@example.com".format
        assert server.groups() == {"all": ["staff", mail(3)], "staff": [mail(1), mail(2)]}
        # A group that changed a moment ago is read again.
        assert directory.sync().group_outcomes == {}
        slapd.searches()
        slapd.change(f"dn: cn=staff,{GROUPS}\nchangetype: modify\nadd: member\nmember: {member(4)}\n")
        wire.clear_requests()
        run = directory.sync()
        assert (run.outcomes, run.group_outcomes) == ({}, {"staff": "updated"})
        assert server.groups()["staff"] == [mail(1), mail(2), mail(4)]
        bases_read = {search.base for search in slapd.searches() if "title" in search.attributes}
        assert member(3) not in bases_read and BASE not in bases_read, "unchanged users were read again"
        slapd.change(f"dn: cn=all,{GROUPS}\nchangetype: delete\n")
        assert directory.sync().group_outcomes == {"all": "deleted"}
        assert list(server.groups()) == ["staff"]
