"""Tests `draft.py`: it reports what is missing for a release, and collects the files that users download."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import draft
import pytest

CHANGELOG = """# Change log

## [Unreleased]

## [0.2.0] - 2026-02-01

### Fixed

- The second fault.

## [0.1.0] - 2026-01-01

- The first version.
"""


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose version 0.2.0 is built and ready for its release."""
    root = tmp_path / "project"
    for folder in ("docs", "dist"):
        (root / folder).mkdir(parents=True)
    files = {
        "Cargo.toml": '[workspace]\nversion = "9"\n\n[workspace.package]\n# A comment.\nversion = "0.2.0"\n',
        "README.md": "Copy `pfscim-connector-0.2.0.jar` or `pfscim-connector-<version>.zip`. 0.1.0 was the first version.\n",
        "docs/architecture.md": "A setting: `tests/upgrades/connections/0.2.0.json`.\n",
        "docs/compatibility.md": "Versions are numbered.\n",
        "CHANGELOG.md": CHANGELOG,
    }
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    archive = root / "dist" / "pfscim-connector-0.2.0.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("pfscim-connector-0.2.0/pfscim-connector-0.2.0.cdx.json", "{}\n")
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    (root / "dist" / f"{archive.name}.sha256").write_text(f"{checksum}  {archive.name}\n", encoding="ascii")
    return root


def test_a_version_that_is_ready_has_no_faults(root: Path) -> None:
    assert draft.check(root) == []
    assert draft.check(root, "v0.2.0") == []


@pytest.mark.parametrize("tag", ["v0.1.0", "0.2.0", "v0.2.0-rc.1", "V0.2.0", "v0.2.0\n"])
def test_a_tag_of_another_version_is_a_fault(root: Path, tag: str) -> None:
    (fault,) = draft.check(root, tag)
    assert f"the tag is {tag}" in fault and "must be v0.2.0" in fault


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("## [0.2.0] - 2026-02-01", "## [0.3.0] - 2026-02-01", "has no section for 0.2.0"),
        ("## [0.2.0] - 2026-02-01", "## [0.2.0]", "no date"),
        ("## [0.2.0] - 2026-02-01", "## [0.2.0] - soon", "no date"),
        ("## [0.2.0] - 2026-02-01", "## [0.2.0] - 2026-99-99", "no date"),
        ("# Change log", "# Change log\n\nNo version has been released yet.", "remove these sentences"),
        ("### Fixed\n\n- The second fault.\n\n", "", "is empty"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- One more.\n", "[Unreleased] has entries"),
    ],
)
def test_a_change_log_that_is_not_ready_is_a_fault(root: Path, old: str, new: str, fault: str) -> None:
    change(root / "CHANGELOG.md", old, new)
    (reported,) = draft.check(root)
    assert fault in reported


def test_a_project_without_a_change_log_is_not_ready(root: Path) -> None:
    (root / "CHANGELOG.md").unlink()
    (fault,) = draft.check(root)
    assert "has no section for 0.2.0" in fault


@pytest.mark.parametrize("document", draft.DOCUMENTS)
def test_a_document_that_names_a_file_of_another_version_is_a_fault(root: Path, document: str) -> None:
    change(root / document, "0.2.0.j", "0.1.0.j")
    (fault,) = draft.check(root)
    assert fault.startswith(f"{document}:1 names ") and "0.1.0.j" in fault


def test_the_documents_of_this_project_name_its_version() -> None:
    assert draft.other_versions(draft.ROOT, draft.read_version(draft.ROOT)) == []


def test_collect_copies_the_zip_the_checksum_the_bill_of_materials_and_the_notes(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert draft.collect(root, folder) == []
    name = "pfscim-connector-0.2.0"
    assert {file.name for file in folder.iterdir()} == {
        f"{name}.zip",
        f"{name}.zip.sha256",
        f"{name}.cdx.json",
        "release-notes.md",
    }
    for file in (f"{name}.zip", f"{name}.zip.sha256"):
        assert (folder / file).read_bytes() == (root / "dist" / file).read_bytes()
    assert (folder / f"{name}.cdx.json").read_text(encoding="utf-8") == "{}\n"
    assert (folder / "release-notes.md").read_text(encoding="utf-8") == "### Fixed\n\n- The second fault.\n"


def test_the_notes_of_the_last_section_end_with_the_file(root: Path, tmp_path: Path) -> None:
    change(root / "CHANGELOG.md", "[0.2.0]", "[0.3.0]")
    change(root / "CHANGELOG.md", "[0.1.0]", "[0.2.0]")
    assert draft.collect(root, tmp_path / "folder") == []
    assert (tmp_path / "folder" / "release-notes.md").read_text(encoding="utf-8") == "- The first version.\n"


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("dist/pfscim-connector-0.2.0.zip", "changed after the build", "does not have the checksum"),
        ("dist/pfscim-connector-0.2.0.zip.sha256", "0  pfscim-connector-0.2.0.zip\n", "does not have the checksum"),
        ("Cargo.toml", '[workspace.package]\nversion = "0.3.0"\n', "dist has no pfscim-connector-0.3.0.zip"),
        ("CHANGELOG.md", "# Change log\n", "has no text for 0.2.0"),
    ],
)
def test_collect_copies_nothing_if_a_file_is_missing_or_changed(
    root: Path, tmp_path: Path, file: str, text: str, fault: str
) -> None:
    (root / file).write_text(text, encoding="utf-8")
    (reported,) = draft.collect(root, tmp_path / "folder")
    assert fault in reported
    assert not (tmp_path / "folder").exists()


def test_collect_does_not_write_into_a_folder_with_files(root: Path, tmp_path: Path) -> None:
    (tmp_path / "other.zip").touch()
    (fault,) = draft.collect(root, tmp_path)
    assert "is not empty" in fault
    assert not (tmp_path / "release-notes.md").exists()


@pytest.mark.parametrize("arguments", [[], ["publish"], ["check", "v1", "v2"], ["collect"]])
def test_other_arguments_print_the_usage(arguments: list[str]) -> None:
    result = subprocess.run([sys.executable, draft.__file__, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Usage: draft.py check [TAG]")


def test_the_command_fails_and_names_the_fault() -> None:
    result = subprocess.run(
        [sys.executable, draft.__file__, "check", "v0.0.0-none"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "draft.py: the tag is v0.0.0-none, but Cargo.toml has version " in result.stderr
