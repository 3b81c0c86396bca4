"""Checks expressions of a mapping: they run only with `--allow-expressions` and can only compute a value."""

import json
from pathlib import Path

import pytest
from kit.program import Run, Setup
from test_safety import assert_failure

FULL_NAME = "#givenName + ' ' + #sn"
NOAH = "noah.weber@example.com"


def map_display_name(setup: Setup, **info: object) -> None:
    """Writes the connection with another mapping of `displayName`."""
    setup.write_connection()
    document = json.loads(setup.connection.read_text(encoding="utf-8"))
    for row in document["outboundProvision"]["channels"][0]["attributeMapping"]:
        if row["fieldName"] == "displayName":
            row["saasFieldInfo"] = {"attributeNames": ["givenName", "sn"]} | info
    setup.connection.write_text(json.dumps(document), encoding="utf-8")


def display_name(run: Run, identifier: str) -> list[str] | None:
    """Returns the `displayName` that the plan would write, or None if the plan does not change it."""
    (line,) = [line for line in run.lines if line["identifier"] == identifier]
    return next((change["new"] for change in line["changes"] if change["field"] == "displayName"), None)


def test_a_plan_shows_the_value_of_an_expression(direct):
    map_display_name(direct, expression=FULL_NAME)
    run = direct.plan(direct.directory("a.ldif"), "--allow-expressions")
    assert run.status == 0, run
    assert display_name(run, NOAH) == ["Noah Weber"]
    assert display_name(run, "zoë.müller@example.com") == ["Zoë Müller"]


def test_core_and_jar_write_the_value_of_an_expression(setup, server):
    map_display_name(setup, expression='#sn.toUpperCase() + ", " + #givenName')
    run = setup.sync(setup.directory("a.ldif"), "--allow-expressions")
    assert run.status == 0, run
    assert server.users()[NOAH]["displayName"] == "WEBER, Noah"
    second_run = setup.sync(setup.directory("a.ldif"), "--allow-expressions")
    assert second_run.status == 0 and second_run.outcomes == {}, second_run


def test_without_allow_expressions_the_field_is_unchanged_and_named(direct):
    map_display_name(direct, expression=FULL_NAME, defaultValue="Default")
    run = direct.plan(direct.directory("a.ldif"))
    assert_failure(run, 1, "displayName", "--allow-expressions")
    assert display_name(run, NOAH) is None


def test_a_failed_expression_gives_the_default_or_leaves_the_field_unchanged(direct):
    expression_that_fails = '#givenName == "Noah" ? #sn.substring(99) : #sn'
    map_display_name(direct, expression=expression_that_fails, defaultValue="Default")
    run = direct.plan(direct.directory("a.ldif"), "--allow-expressions")
    assert run.status == 0, run
    assert display_name(run, NOAH) == ["Default"]
    map_display_name(direct, expression=expression_that_fails)
    run = direct.plan(direct.directory("a.ldif"), "--allow-expressions")
    assert run.status == 0, run
    assert display_name(run, NOAH) is None
    (line,) = [line for line in run.lines if line["identifier"] == NOAH]
    (warning,) = line["warnings"]
    assert warning.startswith("displayName: the expression failed") and "Weber" not in warning
    assert display_name(run, "zoë.müller@example.com") == ["Müller"]


@pytest.mark.parametrize(
    "attack",
    [
        "@java.lang.Runtime@getRuntime().exec('touch FILE')",
        "(#a=@java.lang.Runtime@getRuntime()).(#a.exec('touch FILE'))",
        "''.getClass().forName('java.lang.Runtime')",
        "new java.io.File('FILE').createNewFile()",
        "\\u0040java.lang.Runtime\\u0040getRuntime().exec('touch FILE')",
        "#context['com.opensymphony.xwork2']",
        "#sn.matches('(a+)+b')",
    ],
    ids=["static", "assignment", "class", "constructor", "escapes", "context", "regex"],
)
def test_code_in_an_expression_is_rejected_and_not_run(direct, tmp_path: Path, attack):
    created_file = tmp_path / "made"
    map_display_name(direct, expression=attack.replace("FILE", str(created_file)))
    run = direct.plan(direct.directory("a.ldif"), "--allow-expressions")
    assert_failure(run, 1, "displayName", "rejected", "not allowed")
    assert not created_file.exists()
    assert display_name(run, NOAH) is None


def test_the_error_names_the_missing_host_jar_or_java(direct, tmp_path: Path):
    map_display_name(direct, expression=FULL_NAME)
    directory = direct.directory("a.ldif")
    assert_failure(
        direct.plan(directory, "--allow-expressions", "--host", str(tmp_path / "no.jar")), 2, "no.jar", "--host"
    )
    direct.environment["JAVA_HOME"] = str(tmp_path)
    assert_failure(direct.plan(directory, "--allow-expressions"), 2, "--allow-expressions", "JAVA_HOME")


def test_a_mapping_without_expressions_needs_no_java(direct, tmp_path: Path):
    direct.environment["JAVA_HOME"] = str(tmp_path)
    run = direct.plan(direct.directory("a.ldif"), "--allow-expressions")
    assert run.status == 0, run
