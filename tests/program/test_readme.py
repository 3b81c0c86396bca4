"""The walk-throughs of the README, run as they are printed."""

import re
import shutil
import subprocess

import pytest
from kit.program import ROOT, SCENARIOS
from zoo.process import free_port, require

IDS = re.compile(r"\([0-9a-f]{32}\)")
PORTS = re.compile(r"(?<=--port )\d+|(?<=127\.0\.0\.1:)\d+")


@pytest.mark.parametrize(
    ("title", "scenario", "programs"),
    [
        ("#### A live directory, step by step", "ldap", ("slapadd", "slapd", "ldapmodify")),
        ("## A PingOne rule, step by step", "pingone", ()),
    ],
    ids=["ldap", "pingone"],
)
def test_a_walk_through_works_as_printed(tmp_path, title, scenario, programs):
    """In a folder that looks like the checkout, on free ports instead of the printed ones."""
    for name in programs:
        require(name)
    level = title.split()[0]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.split(rf"\n#{{1,{len(level)}}} ", readme.split(f"\n{title}\n")[1])[0]
    scripts = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert scripts, "there is no walk-through"
    for folder in ("dist", "build"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    there = tmp_path / "tests" / "scenarios" / scenario
    shutil.copytree(SCENARIOS / scenario, there)
    script = "set -eu\n" + "".join(scripts)
    connection = (there / "connection.json").read_text(encoding="utf-8")
    for port in sorted(set(PORTS.findall(script))):
        free = str(free_port())
        script, connection = script.replace(port, free), connection.replace(port, free)
    (there / "connection.json").write_text(connection, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done
    printed = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    assert printed, "nothing is printed"
    for block in printed:
        assert IDS.sub("(ID)", block.strip()) in IDS.sub("(ID)", done.stdout), (
            f"not printed:\n{block}\nbut\n{done.stdout}"
        )
