"""Checks users from a live directory (slapd): first load, changes, leavers, and every cause of an incomplete result."""

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.program import DEPLOY, Run, Setup
from kit.slapd import (
    BASE,
    GROUPS,
    LIMITED_READER,
    PASSWORD,
    PEOPLE,
    READER,
    SEARCH_ENTRIES_MAX,
    Slapd,
    group,
    member,
    person,
)
from test_safety import assert_failure
from zoo.network import make_certificates
from zoo.process import LOOPBACK, free_port
from zoo.recorder import Recorder
from zoo.scim2_server import ScimServer

USERS = 12
SOURCE = {
    "dataSource": {"id": "ldap"},
    "guidAttributeName": "entryUUID",
    "guidBinary": False,
    "changeDetectionSettings": {
        "userObjectClass": "person",
        "groupObjectClass": "groupOfNames",
        "changedUsersAlgorithm": "TIMESTAMP",
        "timeStampAttributeName": "modifyTimestamp",
    },
    "groupMembershipDetection": {
        "memberOfGroupAttributeName": "memberOf",
        "groupMemberAttributeName": "member",
    },
    "accountManagementSettings": {
        "accountStatusAttributeName": "employeeType",
        "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
        "flagComparisonValue": "locked",
        "flagComparisonStatus": False,
        "defaultStatus": True,
    },
    "baseDn": PEOPLE,
    "userSourceLocation": {"filter": "(uid=user*)"},
}
MAPPING = {
    "userName": "mail",
    "workEmail": "mail",
    "givenName": "givenName",
    "familyName": "sn",
    "title": "title",
}


def attribute_mapping(attributes: dict[str, str]) -> list[dict[str, Any]]:
    return [{"fieldName": field, "saasFieldInfo": {"attributeNames": [name]}} for field, name in attributes.items()]


class Directory:
    """A connection whose channel reads slapd."""

    def __init__(self, setup: Setup, slapd: Slapd) -> None:
        self.setup = setup
        self.slapd = slapd
        self.bind_dn = READER
        setup.environment["DIRECTORY_PASSWORD"] = PASSWORD
        self.edit_channel(
            lambda channel: channel.update(channelSource=SOURCE, attributeMapping=attribute_mapping(MAPPING))
        )

    def edit_channel(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Changes the channel in the connection file."""
        if not self.setup.connection.exists():
            self.setup.write_connection()
        document = json.loads(self.setup.connection.read_text(encoding="utf-8"))
        change(document["outboundProvision"]["channels"][0])
        self.setup.connection.write_text(json.dumps(document), encoding="utf-8")

    def edit_source(self, **changes: Any) -> None:
        self.edit_channel(lambda channel: channel["channelSource"].update(changes))

    def run(self, command: str, *arguments: str, url: str | None = None) -> Run:
        bind_arguments = (
            ["--bind-dn", self.bind_dn, "--bind-password", "env:DIRECTORY_PASSWORD"] if self.bind_dn else []
        )
        run = self.setup.run(command, url or self.slapd.url, *bind_arguments, *arguments)
        assert self.setup.environment["DIRECTORY_PASSWORD"] not in run.out + run.err, "the program prints a password"
        return run

    def sync(self, *arguments: str) -> Run:
        return self.run("sync", *arguments)

    def run_first_cycle(self) -> None:
        """Runs the first cycle and discards its searches."""
        run = self.sync()
        assert run.status == 0, run
        self.slapd.searches()


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    people = "".join(person(number) for number in range(1, USERS + 1))
    with Slapd(tmp_path / "slapd", people) as slapd:
        yield slapd


@pytest.fixture
def directory(direct: Setup, slapd: Slapd, empty_target: ScimServer) -> Directory:
    return Directory(direct, slapd)


@pytest.fixture(params=["core", "jar"])
def any_directory(request: pytest.FixtureRequest, directory: Directory) -> Directory:
    """The directory, once through core and once through the jar."""
    if request.param == "jar":
        directory.setup.plugin = DEPLOY
    return directory


def active_names(server: ScimServer) -> set[str]:
    return {name.split("@")[0] for name, user in server.users().items() if user["active"]}


def user_names(*numbers: int) -> set[str]:
    return {f"user{number}" for number in numbers}


ALL_USERS = user_names(*range(1, USERS + 1))


def test_the_target_follows_the_changes_of_a_directory(
    any_directory: Directory, empty_target: ScimServer, wire: Recorder
):
    any_directory.run_first_cycle()
    assert active_names(empty_target) == ALL_USERS
    wire.clear_requests()

    any_directory.slapd.change(
        f"dn: {member(3)}\nchangetype: modify\nreplace: title\ntitle: Director\n\n"
        f"dn: {member(4)}\nchangetype: delete\n\n"
        f"dn: {member(5)}\nchangetype: modify\nadd: employeeType\nemployeeType: locked\n\n"
        + person(77).replace("entryUUID", "#").replace("modifyTimestamp", "#")
    )
    run = any_directory.sync()
    assert run.status == 0, run
    assert run.outcomes == {
        "user3@example.com": "updated",
        "user4@example.com": "disabled",
        "user5@example.com": "disabled",
        "user77@example.com": "created",
    }
    assert active_names(empty_target) == ALL_USERS - user_names(4, 5) | user_names(77)
    assert empty_target.users()["user3@example.com"]["title"] == "Director"


def test_an_unchanged_directory_is_listed_but_not_read(directory: Directory, wire: Recorder):
    directory.run_first_cycle()
    wire.clear_requests()
    run = directory.sync()
    assert run.status == 0, run
    assert run.summary["unchanged"] == USERS and run.outcomes == {}
    assert wire.writes() == []
    root_search, list_search = directory.slapd.searches()
    assert root_search.base == ""
    assert (list_search.base, list_search.entries) == (PEOPLE, USERS)
    assert sorted(list_search.attributes) == ["employeeType", "entryUUID", "modifyTimestamp"]


def test_only_changed_entries_are_read(directory: Directory):
    directory.run_first_cycle()
    directory.slapd.change(f"dn: {member(7)}\nchangetype: modify\nreplace: title\ntitle: Director\n")
    assert directory.sync().outcomes["user7@example.com"] == "updated"
    full_reads = [search for search in directory.slapd.searches() if "title" in search.attributes]
    assert [(search.base, search.entries) for search in full_reads] == [(member(7), 1)]
    # A second change may have the same timestamp, so the next cycle reads a fresh entry again.
    assert directory.sync().outcomes == {}
    full_reads = [search for search in directory.slapd.searches() if "title" in search.attributes]
    assert [search.base for search in full_reads] == [member(7)]


def test_full_reads_every_entry(directory: Directory):
    directory.run_first_cycle()
    assert directory.sync("--full").status == 0
    assert [s.entries for s in directory.slapd.searches() if "title" in s.attributes] == [USERS]


def test_a_new_mapping_is_applied_to_unchanged_entries(directory: Directory, empty_target: ScimServer):
    directory.run_first_cycle()
    directory.edit_channel(
        lambda channel: channel.update(attributeMapping=attribute_mapping(MAPPING | {"nickName": "uid"}))
    )
    assert set(directory.sync().outcomes.values()) == {"updated"}
    assert empty_target.users()["user9@example.com"]["nickName"] == "user9"


def test_a_failed_user_is_read_again(directory: Directory, empty_target: ScimServer, wire: Recorder):
    def reject_create(request):
        rejected = request.method == "POST" and "user2@" in request.body
        return (400, "application/scim+json", '{"detail": "no room", "status": "400"}') if rejected else None

    wire.override = reject_create
    assert directory.sync().outcomes["user2@example.com"] == "failed"
    wire.override = lambda request: None
    assert directory.sync().outcomes["user2@example.com"] == "created"
    assert active_names(empty_target) == ALL_USERS


def test_a_large_directory_is_read_page_by_page(direct: Setup, empty_target: ScimServer, tmp_path: Path):
    people = "".join(person(number) for number in range(1, 1101))
    with Slapd(tmp_path / "slapd", people + group("staff", member(1), member(1100))) as slapd:
        directory = Directory(direct, slapd)
        directory.edit_source(
            userSourceLocation={"groupDN": f"cn=staff,{GROUPS}"},
            groupMembershipDetection={"groupMemberAttributeName": "member"},
        )
        run = directory.sync()
        assert run.status == 0, run
        pages = [search.entries for search in slapd.searches() if search.base == PEOPLE]
        assert pages == [500, 500, 100]
        assert active_names(empty_target) == user_names(1, 1100)


def test_a_plan_changes_no_state_and_lists_what_the_sync_then_does(directory: Directory, wire: Recorder):
    directory.run_first_cycle()
    directory.slapd.change(f"dn: {member(7)}\nchangetype: modify\nreplace: title\ntitle: Director\n")
    state = directory.setup.state.read_bytes()
    wire.clear_requests()
    plan = directory.run("plan")
    assert directory.setup.state.read_bytes() == state and wire.writes() == []
    assert plan.outcomes == directory.sync().outcomes


def test_a_size_limit_is_an_error_and_removes_no_users(directory: Directory, empty_target: ScimServer, wire: Recorder):
    directory.run_first_cycle()
    before = empty_target.users()
    state = directory.setup.state.read_bytes()
    wire.clear_requests()
    directory.bind_dn = LIMITED_READER
    assert_failure(directory.sync(), 2, "size limit", directory.slapd.url)
    assert any(search.entries == SEARCH_ENTRIES_MAX for search in directory.slapd.searches()), (
        "no search reached the limit"
    )
    assert wire.writes() == [] and empty_target.users() == before
    assert directory.setup.state.read_bytes() == state


# --- groups ---------------------------------------------------------------------------------------------------------


def add_groups(slapd: Slapd) -> None:
    """Adds staff (1, 2, inner) and inner (3, staff). slapd maintains memberOf because it is running."""
    slapd.change(
        group("inner", member(3), f"cn=staff,{GROUPS}") + group("staff", member(1), member(2), f"cn=inner,{GROUPS}")
    )


@pytest.mark.parametrize("member_of", ["memberOf", ""], ids=["memberOf", "member-only"])
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_members_of_a_group_are_provisioned(
    directory: Directory, empty_target: ScimServer, member_of: str, nested: bool
):
    add_groups(directory.slapd)
    directory.edit_source(
        baseDn=BASE,
        userSourceLocation={"groupDN": f"cn=staff,{GROUPS}", "nestedSearch": nested},
        groupMembershipDetection={"memberOfGroupAttributeName": member_of, "groupMemberAttributeName": "member"},
    )
    directory.run_first_cycle()
    expected = user_names(1, 2, 3) if nested else user_names(1, 2)
    assert active_names(empty_target) == expected

    directory.slapd.change(
        f"dn: cn=staff,{GROUPS}\nchangetype: modify\ndelete: member\nmember: {member(2)}\n-\n"
        f"add: member\nmember: {member(8)}\n"
    )
    run = directory.sync()
    assert run.status == 0, run
    assert active_names(empty_target) == expected - user_names(2) | user_names(8)


def test_members_are_found_if_users_have_no_member_of(direct: Setup, empty_target: ScimServer, tmp_path: Path):
    # slapadd does not maintain memberOf.
    content = person(1) + person(2) + person(3) + group("staff", member(1), member(3))
    with Slapd(tmp_path / "slapd", content) as slapd:
        directory = Directory(direct, slapd)
        directory.edit_source(userSourceLocation={"groupDN": f"cn=staff,{GROUPS}"})
        directory.run_first_cycle()
        assert active_names(empty_target) == user_names(1, 3)


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def synced_directory(directory: Directory, empty_target: ScimServer, wire: Recorder) -> Iterator[Directory]:
    """A channel after its first cycle. The test must change neither the target nor the state."""
    directory.run_first_cycle()
    before, state = empty_target.users(), directory.setup.state.read_bytes()
    wire.clear_requests()
    yield directory
    assert wire.writes() == [] and empty_target.users() == before
    assert directory.setup.state.read_bytes() == state


def test_a_wrong_password_is_an_error(synced_directory: Directory):
    synced_directory.setup.environment["DIRECTORY_PASSWORD"] = "some-other-password"
    assert_failure(synced_directory.sync(), 2, "--bind-dn", "--bind-password", "invalidCredentials")


def test_a_bind_dn_that_is_not_a_dn_is_an_error(synced_directory: Directory):
    synced_directory.bind_dn = "reader"
    assert_failure(synced_directory.sync(), 2, "--bind-dn", "`reader`")


@pytest.mark.parametrize(
    ("changes", "expected_text"),
    [
        ({"baseDn": f"ou=nowhere,{BASE}"}, "Base DN"),
        ({"baseDn": "people"}, "Base DN"),
        ({"userSourceLocation": {"filter": "(uid=user*"}}, "Users Filter"),
        ({"userSourceLocation": {"groupDN": f"cn=unknown,{GROUPS}"}}, "Users Group DN"),
        ({"userSourceLocation": {"groupDN": "staff"}}, "Users Group DN"),
        ({"guidAttributeName": "employeeNumber"}, "employeeNumber"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_setting_that_does_not_match_the_directory_is_named(synced_directory: Directory, changes, expected_text):
    synced_directory.edit_source(**changes)
    assert_failure(synced_directory.sync(), 2, expected_text)


def test_a_filter_without_matches_removes_no_users(synced_directory: Directory):
    synced_directory.edit_source(userSourceLocation={"filter": "(uid=unknown)"})
    assert_failure(synced_directory.sync(), 2, "--max-removals")


def test_a_referral_is_an_error(synced_directory: Directory):
    synced_directory.slapd.change(
        f"dn: ou=branch,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: branch\n"
        f"ref: ldap://branch.example.com/ou=branch,{PEOPLE}\n"
    )
    assert_failure(synced_directory.sync(), 2, "ldap://branch.example.com", "Base DN")


def test_an_unreachable_directory_is_an_error(synced_directory: Directory):
    assert_failure(synced_directory.run("sync", url=f"ldap://{LOOPBACK}:{free_port()}"), 2, "the connection failed")


def test_a_connection_that_ends_during_a_search_is_an_error(synced_directory: Directory):
    with SeveringProxy(synced_directory.slapd.port) as proxy:
        assert_failure(synced_directory.run("sync", url=f"ldap://{LOOPBACK}:{proxy.port}"), 2, "the connection closed")
        assert proxy.bytes_passed, "the proxy passed no bytes"


@pytest.mark.parametrize("response", [b"", b"\x30\x00", b"\x02\x01\x01", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9])
def test_a_server_that_is_not_a_directory_is_an_error(synced_directory: Directory, response: bytes):
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(response)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        run = synced_directory.run("sync", url=f"ldap://{LOOPBACK}:{listener.getsockname()[1]}")
        thread.join(30)
    assert_failure(run, 2, "ldap://")
    assert "panicked" not in run.err


class SeveringProxy:
    """Forwards responses of a directory, and ends the connection in the middle of the third: the entries."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.bytes_passed = 0

    def __enter__(self) -> "SeveringProxy":
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(30)
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection((LOOPBACK, self.target)) as server:
            requests = 0
            while ready := select.select([client, server], [], [], 30)[0]:
                sender, receiver = (client, server) if client in ready else (server, client)
                data = sender.recv(65536)
                if not data:
                    return
                requests += sender is client
                if sender is client:
                    receiver.sendall(data)
                    continue
                # The requests are the bind, the root entry and the users.
                is_cut = requests == 3
                part = data[: len(data) * 2 // 3] if is_cut else data
                receiver.sendall(part)
                self.bytes_passed += len(part)
                if is_cut:
                    return


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def ldaps_directory(direct: Setup, empty_target: ScimServer, certificates: Path, tmp_path: Path) -> Iterator[Directory]:
    with Slapd(tmp_path / "slapd", person(1) + person(2), certificates) as slapd:
        yield Directory(direct, slapd)


def test_ldaps_trusts_the_authority_in_the_file(
    ldaps_directory: Directory, certificates: Path, empty_target: ScimServer
):
    run = ldaps_directory.sync("--ca-file", str(certificates / "authority.pem"))
    assert run.status == 0, run
    assert "in clear" not in run.err
    assert active_names(empty_target) == user_names(1, 2)


def test_ldaps_rejects_an_unknown_authority(ldaps_directory: Directory, empty_target: ScimServer):
    assert_failure(ldaps_directory.sync(), 2, "not trusted", ldaps_directory.slapd.url)
    assert active_names(empty_target) == set()


def test_start_tls_encrypts_before_the_password_is_sent(
    direct: Setup, empty_target: ScimServer, certificates: Path, tmp_path: Path
):
    with Slapd(tmp_path / "slapd", person(1), certificates, scheme="ldap") as slapd:
        directory = Directory(direct, slapd)
        run = directory.sync("--start-tls", "--ca-file", str(certificates / "authority.pem"))
        assert run.status == 0 and "in clear" not in run.err, run
        assert active_names(empty_target) == user_names(1)
        assert "STARTTLS" in (slapd.folder / "log").read_text(encoding="utf-8")
        assert_failure(directory.sync("--start-tls"), 2, "not trusted")


def test_start_tls_at_a_directory_without_tls_is_an_error(synced_directory: Directory):
    assert_failure(synced_directory.sync("--start-tls"), 2, "--start-tls")


def test_a_password_over_plain_ldap_causes_a_warning(directory: Directory):
    assert "in clear" in directory.sync().err
