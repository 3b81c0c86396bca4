"""Checks that invalid input ends a run with the right exit status, no write, and one line that names what to change."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from kit.program import DEPLOY, Setup, pfscim
from test_safety import assert_failure
from zoo.process import free_port


def test_a_wrong_token_stops_the_session(setup, server, wire):
    setup.secret = "not-the-token-of-this-server"
    before = server.users()
    assert_failure(setup.sync(setup.directory("a.ldif")), 3, "auth_failed", "Access Token")
    assert wire.writes() == []
    assert server.users() == before


def test_an_unreachable_target_stops_the_session(setup):
    setup.url = f"http://127.0.0.1:{free_port()}/v2"
    assert_failure(setup.sync(setup.directory("a.ldif")), 3, "transport")


@pytest.mark.parametrize(
    ("response", "expected_texts"),
    [
        ((200, "text/html", "<html><body>Welcome</body></html>"), ["protocol", "SCIM URL"]),
        ((200, "application/json", '{"ok": true}'), ["protocol", "SCIM URL"]),
        ((302, "text/html", "<html><body>Moved</body></html>"), ["protocol", "SCIM URL"]),
        ((403, "application/json", "{}"), ["auth_failed", "permissions"]),
        ((500, "text/plain", "out of order"), ["transport", "500"]),
    ],
    ids=["web-page", "no-list", "redirect", "forbidden", "server-error"],
)
def test_a_target_that_is_not_a_scim_service_stops_the_session(setup, wire, response, expected_texts):
    wire.override = lambda request: response
    assert_failure(setup.sync(setup.directory("a.ldif")), 3, *expected_texts)
    assert wire.writes() == []


def test_an_unknown_path_at_the_target_is_a_configuration_error(setup, wire):
    setup.url = wire.url + "/nowhere"
    assert_failure(setup.sync(setup.directory("a.ldif")), 2, "SCIM URL")
    assert wire.writes() == []


@pytest.mark.parametrize(
    ("change", "expected_text"),
    [
        ({"SCIM_URL": None}, "SCIM URL"),
        ({"SCIM_URL": "ftp://files.example.com"}, "SCIM URL"),
        ({"SCIM_VERSION": "3.0"}, "SCIM Version"),
        ({"REMOVE_ACTION": "Destroy"}, "Remove User Action"),
        ({"CREATE_USERS_PROV_OPT": "perhaps"}, "User Create"),
        ({"REMOVE_USERS_PROV": "true"}, "REMOVE_USERS_PROV"),
    ],
    ids=lambda value: "=".join(map(str, *value.items())) if isinstance(value, dict) else "",
)
def test_an_invalid_setting_is_reported_by_its_label(setup, wire, change, expected_text):
    setup.settings = change
    assert_failure(setup.sync(setup.directory("a.ldif")), 2, expected_text)
    assert wire.raw_requests == []
    assert not setup.state.exists()


def test_the_error_for_an_encrypted_secret_names_the_secret_option(direct):
    direct.write_connection()
    run = pfscim("sync", direct.connection, "--source", f"ldif:{direct.directory('a.ldif')}", "--state", direct.state)
    assert_failure(run, 2, "Access Token", "--secret")
    assert not direct.state.exists()


@pytest.mark.parametrize(
    ("text", "expected_text"),
    [
        ("", "connection.json"),
        ("{", "connection.json"),
        ("[]", "connection.json"),
        ("{}", "entityId"),
        ('{"entityId": "code42", "name": "Code42"}', "outboundProvision"),
        (
            ('{"entityId": "code42", "name": "Code42", "outboundProvision": {"type": "PfScim", "targetSettings": []}}'),
            "channels",
        ),
        (
            ('{"entityId": "code42", "name": "Code42", "outboundProvision": {"type": "PfScim", "channels": []}}'),
            "targetSettings",
        ),
        (
            (
                '{"entityId": "code42", "name": "Code42", "outboundProvision": '
                '{"type": "SCIM", "targetSettings": [], "channels": []}}'
            ),
            "PfScim",
        ),
    ],
)
def test_an_invalid_connection_is_rejected(setup, wire, text, expected_text):
    setup.connection.write_text(text, encoding="utf-8")
    assert_failure(setup.sync(setup.directory("a.ldif")), 2, expected_text)
    assert wire.raw_requests == []
    assert not setup.state.exists()


def test_a_missing_connection_file_is_an_error(setup):
    run = pfscim("sync", setup.folder / "absent.json", "--source", f"ldif:{setup.directory('a.ldif')}")
    assert_failure(run, 2, "absent.json")


def test_a_missing_ldif_file_is_an_error(setup, wire):
    assert_failure(setup.sync(setup.folder / "absent.ldif"), 2, "absent.ldif")
    assert wire.writes() == []
    assert not setup.state.exists()


def test_an_unknown_field_is_reported_by_its_name(setup, scenario, wire):
    setup.write_connection()
    document = json.loads(setup.connection.read_text(encoding="utf-8"))
    mapping = document["outboundProvision"]["channels"][0]["attributeMapping"]
    mapping.append({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["title"]}})
    setup.connection.write_text(json.dumps(document), encoding="utf-8")
    assert_failure(setup.sync(setup.directory("a.ldif")), 2, "shoeSize")
    assert wire.writes() == []


def test_a_command_line_without_arguments_is_a_usage_error():
    run = pfscim()
    assert run.status == 2
    assert "Usage" in run.err


# --- the deployed jar ---------------------------------------------------------------------------------------------


@pytest.fixture
def plugin(direct: Setup, tmp_path: Path) -> Setup:
    """The scenario's connection, through a copy of the jar that a test may damage."""
    folder = tmp_path / "deploy"
    shutil.copytree(DEPLOY, folder)
    direct.plugin = folder
    return direct


def rewrite(folder: Path, change) -> None:
    """Rewrites the jar: `change` returns the new bytes of an entry, or None to leave it out."""
    (jar,) = folder.glob("*.jar")
    with zipfile.ZipFile(jar) as old:
        entries = [(info, old.read(info)) for info in old.infolist()]
    changed = 0
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as new:
        for info, data in entries:
            after = change(info.filename, data)
            changed += after != data
            if after is not None:
                new.writestr(info, after)
    assert changed, "the test does not change the jar"


def is_library(name: str) -> bool:
    return "/native/" in name and name.endswith((".so", ".dll"))


def test_a_plugin_folder_without_a_jar_is_an_error(plugin, wire):
    for jar in plugin.plugin.glob("*.jar"):
        jar.unlink()
    assert_failure(plugin.sync(plugin.directory("a.ldif")), 2, str(plugin.plugin))
    assert wire.raw_requests == []


def test_a_jar_without_descriptor_is_rejected(plugin, wire):
    descriptor = "PF-INF/saas-provisioning-plugin-descriptor"
    rewrite(plugin.plugin, lambda name, data: None if name == descriptor else data)
    assert_failure(plugin.sync(plugin.directory("a.ldif")), 2, descriptor)
    assert wire.raw_requests == []


def test_a_jar_without_native_library_is_rejected(plugin, wire):
    rewrite(plugin.plugin, lambda name, data: None if is_library(name) else data)
    assert_failure(plugin.sync(plugin.directory("a.ldif")), 2, "native")
    assert wire.writes() == []
    assert not plugin.state.exists()


def test_a_damaged_native_library_is_never_loaded(plugin, wire):
    rewrite(plugin.plugin, lambda name, data: data[:-1] + bytes([data[-1] ^ 1]) if is_library(name) else data)
    assert_failure(plugin.sync(plugin.directory("a.ldif")), 2, "checksum")
    assert wire.writes() == []
    assert not plugin.state.exists()


def test_the_error_for_missing_java_names_java_home(plugin, wire, tmp_path):
    plugin.environment = {"PATH": str(tmp_path), "JAVA_HOME": ""}
    assert_failure(plugin.sync(plugin.directory("a.ldif")), 2, "JAVA_HOME")
    assert wire.writes() == []
    assert not plugin.state.exists()
