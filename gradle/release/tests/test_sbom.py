"""Tests `sbom.py`: the version and purl of the jar, the crates in it, and the same bytes for the same commit.

The tests run a copy of the helper with a small Cargo.lock.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_program
from crate_tree import CHECKSUMS, cargo_that_prints, lock_file, write_crates
from tools import TRIPLES

RELEASE = Path(__file__).resolve().parents[1]
VERSION = "9.8.7"


class Project:
    """A copy of the helpers with a small Cargo.lock, and scripts that replace cargo and rustc."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        (self.folder / "gradle" / "release").mkdir(parents=True)
        for helper in RELEASE.glob("*.py"):
            shutil.copy(helper, self.folder / "gradle" / "release")
        shutil.copy(RELEASE.parent / "programs.py", self.folder / "gradle")
        (self.folder / "Cargo.lock").write_text(lock_file(), encoding="utf-8")

        self.programs = folder / "programs"
        self.programs.mkdir()
        for triple in TRIPLES.values():
            libraries = folder / "sysroot" / "lib" / "rustlib" / triple / "lib"
            libraries.mkdir(parents=True)
            (libraries / "libstd-0123.rlib").touch()
        version = "rustc 1.95.0 (0123456 2026-01-01)"
        write_program(self.programs, "rustc", f'[ "$1" = -V ] && echo "{version}" || echo "{folder}/sysroot"')
        cargo = cargo_that_prints(write_crates(folder / "crates"), folder / "arguments")
        write_program(self.programs, "cargo", cargo)

    def bill(self, **environment: str) -> str:
        """Returns the text of the bill of materials."""
        out = self.folder / "new folder" / "bill.json"
        inherited = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            [sys.executable, self.folder / "gradle" / "release" / "sbom.py", VERSION, out],
            env=inherited | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
            cwd=self.folder,
            check=True,
        )
        return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("sbom"))


@pytest.fixture(scope="module")
def text(project: Project) -> str:
    return project.bill(SOURCE_DATE_EPOCH="1700000000")


@pytest.fixture
def bill(text: str) -> dict:
    return json.loads(text)


@pytest.fixture
def components(bill: dict) -> dict[str, dict]:
    return {component["name"]: component for component in bill["components"]}


def test_it_describes_the_jar_of_this_version(bill: dict) -> None:
    jar = bill["metadata"]["component"]
    assert (jar["group"], jar["name"], jar["version"]) == ("org.pfscim", "pfscim-connector", VERSION)
    assert jar["purl"] == f"pkg:maven/org.pfscim/pfscim-connector@{VERSION}"
    assert jar["licenses"] == [{"expression": "MIT OR Apache-2.0"}]


def test_it_is_valid_cyclonedx_whose_references_all_resolve(bill: dict) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    parts = [bill["metadata"]["component"], *bill["components"]]
    references = [part["bom-ref"] for part in parts]
    assert len(set(references)) == len(references)
    assert all(part["type"] == "library" and part["name"] and part["version"] for part in parts)
    assert sorted(entry["ref"] for entry in bill["dependencies"]) == sorted(references)
    assert {to for entry in bill["dependencies"] for to in entry.get("dependsOn", [])} <= set(references)


def test_it_contains_the_crates_of_the_native_library_and_no_other_crates(components: dict[str, dict]) -> None:
    # gamma is a crate of the program, which is not in the jar.
    assert sorted(components) == ["alpha", "beta", "pfscim-bridge", "std"]
    assert components["std"]["version"] == "1.95.0"


def test_a_crate_of_a_registry_has_its_purl_checksum_and_licence(components: dict[str, dict]) -> None:
    alpha = components["alpha"]
    assert alpha["purl"] == "pkg:cargo/alpha@1.2.3"
    assert alpha["hashes"] == [{"alg": "SHA-256", "content": CHECKSUMS["alpha"]}]
    # Crates may write OR as a slash, which is not an SPDX expression.
    assert alpha["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert "licenses" not in components["beta"]


def test_a_crate_of_this_project_has_no_purl_and_no_checksum(components: dict[str, dict]) -> None:
    assert not {"purl", "hashes"} & set(components["pfscim-bridge"])


def test_it_lists_the_dependencies_of_each_component(bill: dict) -> None:
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert needs == {
        "pfscim-connector": ["pfscim-bridge@0.1.0", "rust-std@1.95.0"],
        "pfscim-bridge@0.1.0": ["alpha@1.2.3"],
        "alpha@1.2.3": ["beta@0.4.0"],
        "beta@0.4.0": [],
        "rust-std@1.95.0": [],
    }


def test_two_runs_write_the_same_bytes(project: Project, text: str) -> None:
    assert project.bill(SOURCE_DATE_EPOCH="1700000000") == text


def test_the_timestamp_is_source_date_epoch_then_the_commit_then_1970(project: Project, bill: dict) -> None:
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    outside = {"GIT_CEILING_DIRECTORIES": str(project.folder.parent)}
    assert json.loads(project.bill(**outside))["metadata"]["timestamp"] == "1970-01-01T00:00:00+00:00"
    write_program(project.programs, "git", 'case "$*" in *" log -1 --format=%ct") echo 1600000000 ;; *) exit 1 ;; esac')
    assert json.loads(project.bill())["metadata"]["timestamp"] == "2020-09-13T12:26:40+00:00"
