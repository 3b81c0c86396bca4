"""Runs the walk-throughs of the README as printed, and compares their output."""

import re
import shutil
import subprocess

import pytest
from kit.program import ROOT, SCENARIOS
from zoo.process import free_port, require

TARGET_ID = re.compile(r"\([0-9a-f]{32}\)")
PORT = re.compile(r"(?<=--port )\d+|(?<=127\.0\.0\.1:)\d+")


@pytest.mark.parametrize(
    ("title", "scenario", "programs"),
    [
        ("#### A live directory, step by step", "ldap", ("slapadd", "slapd", "ldapmodify")),
        ("## A PingOne rule, step by step", "pingone", ()),
    ],
    ids=["ldap", "pingone"],
)
def test_a_walk_through_works_as_printed(tmp_path, title, scenario, programs):
    """Runs in a folder with the paths of the checkout, on free ports instead of the printed ports."""
    for name in programs:
        require(name)
    level = title.split()[0]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.split(rf"\n#{{1,{len(level)}}} ", readme.split(f"\n{title}\n")[1])[0]
    scripts = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert scripts, "the section has no script"
    for folder in ("dist", "build"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    scenario_folder = tmp_path / "tests" / "scenarios" / scenario
    shutil.copytree(SCENARIOS / scenario, scenario_folder)
    script = "set -eu\n" + "".join(scripts)
    connection = (scenario_folder / "connection.json").read_text(encoding="utf-8")
    for port in sorted(set(PORT.findall(script))):
        unused_port = str(free_port())
        script, connection = script.replace(port, unused_port), connection.replace(port, unused_port)
    (scenario_folder / "connection.json").write_text(connection, encoding="utf-8")
    completed = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert completed.returncode == 0, completed
    expected_outputs = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    assert expected_outputs, "the section has no output"
    for expected in expected_outputs:
        assert TARGET_ID.sub("(ID)", expected.strip()) in TARGET_ID.sub("(ID)", completed.stdout), (
            f"expected:\n{expected}\nprinted:\n{completed.stdout}"
        )
