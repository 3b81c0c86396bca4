"""Users from a live directory (slapd): first load, changes, leavers, and everything that may cut an answer short."""

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.program import DEPLOY, Run, Setup
from kit.slapd import BASE, GROUPS, LIMIT, PASSWORD, PEOPLE, READER, SMALL, Slapd, group, member, person
from test_safety import refused
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


def mapped(attributes: dict[str, str]) -> list[dict[str, Any]]:
    return [{"fieldName": field, "saasFieldInfo": {"attributeNames": [name]}} for field, name in attributes.items()]


class Directory:
    """A connection whose channel reads the directory."""

    def __init__(self, setup: Setup, slapd: Slapd) -> None:
        self.setup = setup
        self.slapd = slapd
        self.account = READER
        setup.environment["DIRECTORY_PASSWORD"] = PASSWORD
        self.channel(lambda channel: channel.update(channelSource=SOURCE, attributeMapping=mapped(MAPPING)))

    def channel(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Changes the channel's part of the connection."""
        if not self.setup.connection.exists():
            self.setup.write_connection()
        document = json.loads(self.setup.connection.read_text(encoding="utf-8"))
        change(document["outboundProvision"]["channels"][0])
        self.setup.connection.write_text(json.dumps(document), encoding="utf-8")

    def source(self, **changes: Any) -> None:
        self.channel(lambda channel: channel["channelSource"].update(changes))

    def run(self, command: str, *more: str, url: str | None = None) -> Run:
        account = ["--bind-dn", self.account, "--bind-password", "env:DIRECTORY_PASSWORD"] if self.account else []
        run = self.setup.run(command, url or self.slapd.url, *account, *more)
        assert self.setup.environment["DIRECTORY_PASSWORD"] not in run.out + run.err, "the program shows a password"
        return run

    def sync(self, *more: str) -> Run:
        return self.run("sync", *more)

    def loaded(self) -> None:
        """The first cycle."""
        run = self.sync()
        assert run.status == 0, run
        self.slapd.searches()


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    people = "".join(person(number) for number in range(1, USERS + 1))
    with Slapd(tmp_path / "slapd", people) as slapd:
        yield slapd


@pytest.fixture
def empty(server: ScimServer) -> ScimServer:
    """The target without anybody."""
    server.hold([])
    return server


@pytest.fixture
def directory(direct: Setup, slapd: Slapd, empty: ScimServer) -> Directory:
    return Directory(direct, slapd)


@pytest.fixture(params=["core", "jar"])
def either(request: pytest.FixtureRequest, directory: Directory) -> Directory:
    """Each way out."""
    if request.param == "jar":
        directory.setup.plugin = DEPLOY
    return directory


def names(server: ScimServer) -> set[str]:
    return {name.split("@")[0] for name, user in server.users().items() if user["active"]}


def users(*numbers: int) -> set[str]:
    return {f"user{number}" for number in numbers}


EVERYBODY = users(*range(1, USERS + 1))


def test_the_target_follows_the_changes_of_a_directory(either: Directory, empty: ScimServer, wire: Recorder):
    either.loaded()
    assert names(empty) == EVERYBODY
    wire.forget()

    either.slapd.change(
        f"dn: {member(3)}\nchangetype: modify\nreplace: title\ntitle: Director\n\n"
        f"dn: {member(4)}\nchangetype: delete\n\n"
        f"dn: {member(5)}\nchangetype: modify\nadd: employeeType\nemployeeType: locked\n\n"
        + person(77).replace("entryUUID", "#").replace("modifyTimestamp", "#")
    )
    run = either.sync()
    assert run.status == 0, run
    assert run.outcomes == {
        "user3@example.com": "updated",
        "user4@example.com": "disabled",
        "user5@example.com": "disabled",
        "user77@example.com": "created",
    }
    assert names(empty) == EVERYBODY - users(4, 5) | users(77)
    assert empty.users()["user3@example.com"]["title"] == "Director"


def test_an_unchanged_directory_is_listed_but_not_read(directory: Directory, wire: Recorder):
    directory.loaded()
    wire.forget()
    run = directory.sync()
    assert run.status == 0, run
    assert run.summary["unchanged"] == USERS and run.outcomes == {}
    assert wire.writes() == []
    root, listed = directory.slapd.searches()
    assert root.base == ""
    assert (listed.base, listed.entries) == (PEOPLE, USERS)
    assert sorted(listed.attributes) == ["employeeType", "entryUUID", "modifyTimestamp"]


def test_only_changed_entries_are_read(directory: Directory):
    directory.loaded()
    directory.slapd.change(f"dn: {member(7)}\nchangetype: modify\nreplace: title\ntitle: Director\n")
    assert directory.sync().outcomes["user7@example.com"] == "updated"
    whole = [search for search in directory.slapd.searches() if "title" in search.attributes]
    assert [(search.base, search.entries) for search in whole] == [(member(7), 1)]
    # The time of a change so fresh may come again, with another content.
    assert directory.sync().outcomes == {}
    whole = [search for search in directory.slapd.searches() if "title" in search.attributes]
    assert [search.base for search in whole] == [member(7)]


def test_full_reads_every_entry(directory: Directory):
    directory.loaded()
    assert directory.sync("--full").status == 0
    assert [s.entries for s in directory.slapd.searches() if "title" in s.attributes] == [USERS]


def test_a_new_mapping_is_applied_to_unchanged_entries(directory: Directory, empty: ScimServer):
    directory.loaded()
    directory.channel(lambda channel: channel.update(attributeMapping=mapped(MAPPING | {"nickName": "uid"})))
    assert set(directory.sync().outcomes.values()) == {"updated"}
    assert empty.users()["user9@example.com"]["nickName"] == "user9"


def test_a_failed_user_is_read_again(directory: Directory, empty: ScimServer, wire: Recorder):
    def no_room(exchange):
        full = exchange.method == "POST" and "user2@" in exchange.body
        return (400, "application/scim+json", '{"detail": "no room", "status": "400"}') if full else None

    wire.instead = no_room
    assert directory.sync().outcomes["user2@example.com"] == "failed"
    wire.instead = lambda exchange: None
    assert directory.sync().outcomes["user2@example.com"] == "created"
    assert names(empty) == EVERYBODY


def test_a_large_directory_is_read_page_by_page(direct: Setup, empty: ScimServer, tmp_path: Path):
    everybody = "".join(person(number) for number in range(1, 1101))
    with Slapd(tmp_path / "slapd", everybody + group("staff", member(1), member(1100))) as slapd:
        directory = Directory(direct, slapd)
        directory.source(
            userSourceLocation={"groupDN": f"cn=staff,{GROUPS}"},
            groupMembershipDetection={"groupMemberAttributeName": "member"},
        )
        run = directory.sync()
        assert run.status == 0, run
        pages = [search.entries for search in slapd.searches() if search.base == PEOPLE]
        assert pages == [500, 500, 100]
        assert names(empty) == users(1, 1100)


def test_a_plan_changes_no_state_and_lists_what_the_sync_then_does(directory: Directory, wire: Recorder):
    directory.loaded()
    directory.slapd.change(f"dn: {member(7)}\nchangetype: modify\nreplace: title\ntitle: Director\n")
    state = directory.setup.state.read_bytes()
    wire.forget()
    plan = directory.run("plan")
    assert directory.setup.state.read_bytes() == state and wire.writes() == []
    assert plan.outcomes == directory.sync().outcomes


def test_a_size_limit_is_an_error_and_removes_no_users(directory: Directory, empty: ScimServer, wire: Recorder):
    directory.loaded()
    before = empty.users()
    state = directory.setup.state.read_bytes()
    wire.forget()
    directory.account = SMALL
    refused(directory.sync(), 2, "size limit", directory.slapd.url)
    assert any(search.entries == LIMIT for search in directory.slapd.searches()), "the limit was never met"
    assert wire.writes() == [] and empty.users() == before
    assert directory.setup.state.read_bytes() == state


# --- groups ---------------------------------------------------------------------------------------------------------


def groups(slapd: Slapd) -> None:
    """staff = 1, 2 and inner; inner = 3 and staff again. memberOf is maintained: they are added to the running server."""
    slapd.change(
        group("inner", member(3), f"cn=staff,{GROUPS}") + group("staff", member(1), member(2), f"cn=inner,{GROUPS}")
    )


@pytest.mark.parametrize("says", ["memberOf", ""], ids=["memberOf", "member-only"])
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_members_of_a_group_are_provisioned(directory: Directory, empty: ScimServer, says: str, nested: bool):
    groups(directory.slapd)
    directory.source(
        baseDn=BASE,
        userSourceLocation={"groupDN": f"cn=staff,{GROUPS}", "nestedSearch": nested},
        groupMembershipDetection={"memberOfGroupAttributeName": says, "groupMemberAttributeName": "member"},
    )
    directory.loaded()
    expected = users(1, 2, 3) if nested else users(1, 2)
    assert names(empty) == expected

    directory.slapd.change(
        f"dn: cn=staff,{GROUPS}\nchangetype: modify\ndelete: member\nmember: {member(2)}\n-\n"
        f"add: member\nmember: {member(8)}\n"
    )
    run = directory.sync()
    assert run.status == 0, run
    assert names(empty) == expected - users(2) | users(8)


def test_members_are_found_if_users_have_no_member_of(direct: Setup, empty: ScimServer, tmp_path: Path):
    # slapadd does not maintain memberOf.
    content = person(1) + person(2) + person(3) + group("staff", member(1), member(3))
    with Slapd(tmp_path / "slapd", content) as slapd:
        directory = Directory(direct, slapd)
        directory.source(userSourceLocation={"groupDN": f"cn=staff,{GROUPS}"})
        directory.loaded()
        assert names(empty) == users(1, 3)


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.fixture
def untouched(directory: Directory, empty: ScimServer, wire: Recorder) -> Iterator[Directory]:
    """A loaded channel, to which nothing may happen."""
    directory.loaded()
    before, state = empty.users(), directory.setup.state.read_bytes()
    wire.forget()
    yield directory
    assert wire.writes() == [] and empty.users() == before
    assert directory.setup.state.read_bytes() == state


def test_a_wrong_password_is_an_error(untouched: Directory):
    untouched.setup.environment["DIRECTORY_PASSWORD"] = "some-other-password"
    refused(untouched.sync(), 2, "--bind-dn", "--bind-password", "invalidCredentials")


def test_a_bind_dn_that_is_not_a_dn_is_an_error(untouched: Directory):
    untouched.account = "reader"
    refused(untouched.sync(), 2, "--bind-dn", "`reader`")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"baseDn": f"ou=nowhere,{BASE}"}, "Base DN"),
        ({"baseDn": "people"}, "Base DN"),
        ({"userSourceLocation": {"filter": "(uid=user*"}}, "Users Filter"),
        ({"userSourceLocation": {"groupDN": f"cn=nobody,{GROUPS}"}}, "Users Group DN"),
        ({"userSourceLocation": {"groupDN": "staff"}}, "Users Group DN"),
        ({"guidAttributeName": "employeeNumber"}, "employeeNumber"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_setting_that_does_not_match_the_directory_is_named(untouched: Directory, changes, named):
    untouched.source(**changes)
    refused(untouched.sync(), 2, named)


def test_a_filter_without_matches_removes_no_users(untouched: Directory):
    untouched.source(userSourceLocation={"filter": "(uid=nobody)"})
    refused(untouched.sync(), 2, "--max-removals")


def test_a_referral_is_an_error(untouched: Directory):
    untouched.slapd.change(
        f"dn: ou=branch,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: branch\n"
        f"ref: ldap://branch.example.com/ou=branch,{PEOPLE}\n"
    )
    refused(untouched.sync(), 2, "ldap://branch.example.com", "Base DN")


def test_an_unreachable_directory_is_an_error(untouched: Directory):
    refused(untouched.run("sync", url=f"ldap://{LOOPBACK}:{free_port()}"), 2, "cannot be talked to")


def test_a_connection_that_ends_during_a_search_is_an_error(untouched: Directory):
    with Severed(untouched.slapd.port) as severed:
        refused(untouched.run("sync", url=f"ldap://{LOOPBACK}:{severed.port}"), 2, "the connection ended")
        assert severed.passed, "nothing was ever answered"


@pytest.mark.parametrize("answer", [b"", b"\x30\x00", b"\x02\x01\x01", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9])
def test_a_server_that_is_not_a_directory_is_an_error(untouched: Directory, answer: bytes):
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        run = untouched.run("sync", url=f"ldap://{LOOPBACK}:{listener.getsockname()[1]}")
        thread.join(30)
    refused(run, 2, "ldap://")
    assert "panicked" not in run.err


class Severed:
    """Passes answers on until entries come, and ends the connection in the middle of them."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.passed = 0

    def __enter__(self) -> "Severed":
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
            asked = 0
            while ready := select.select([client, server], [], [], 30)[0]:
                sender, receiver = (client, server) if client in ready else (server, client)
                data = sender.recv(65536)
                if not data:
                    return
                asked += sender is client
                if sender is client:
                    receiver.sendall(data)
                    continue
                # Sign in, the root, the users.
                last = asked == 3
                part = data[: len(data) * 2 // 3] if last else data
                receiver.sendall(part)
                self.passed += len(part)
                if last:
                    return


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def encrypted(direct: Setup, empty: ScimServer, certificates: Path, tmp_path: Path) -> Iterator[Directory]:
    with Slapd(tmp_path / "slapd", person(1) + person(2), certificates) as slapd:
        yield Directory(direct, slapd)


def test_ldaps_trusts_the_authority_in_the_file(encrypted: Directory, certificates: Path, empty: ScimServer):
    run = encrypted.sync("--ca-file", str(certificates / "authority.pem"))
    assert run.status == 0, run
    assert "in clear" not in run.err
    assert names(empty) == users(1, 2)


def test_ldaps_rejects_an_unknown_authority(encrypted: Directory, empty: ScimServer):
    refused(encrypted.sync(), 2, "not trusted", encrypted.slapd.url)
    assert names(empty) == set()


def test_start_tls_encrypts_before_the_password_is_sent(
    direct: Setup, empty: ScimServer, certificates: Path, tmp_path: Path
):
    with Slapd(tmp_path / "slapd", person(1), certificates, scheme="ldap") as slapd:
        directory = Directory(direct, slapd)
        run = directory.sync("--start-tls", "--ca-file", str(certificates / "authority.pem"))
        assert run.status == 0 and "in clear" not in run.err, run
        assert names(empty) == users(1)
        assert "STARTTLS" in (slapd.folder / "log").read_text(encoding="utf-8")
        refused(directory.sync("--start-tls"), 2, "not trusted")


def test_start_tls_at_a_directory_without_tls_is_an_error(untouched: Directory):
    refused(untouched.sync("--start-tls"), 2, "--start-tls")


def test_a_password_over_plain_ldap_causes_a_warning(directory: Directory):
    assert "in clear" in directory.sync().err
