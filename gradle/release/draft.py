"""Checks that this version is ready for its release, and puts the files of the release into one folder.

Builds nothing and sends nothing. Usage: draft.py check [TAG], or draft.py collect FOLDER
"""

import hashlib
import re
import shutil
import sys
import zipfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTES = "release-notes.md"
# Documents that name a file of this version.
DOCUMENTS = ("README.md", "docs/architecture.md")
# Documents with a sentence that the first release makes untrue.
UNRELEASED = ("CHANGELOG.md", "docs/compatibility.md")
RELEASE_FILE = re.compile(r"pfscim-connector-(\d[\w.+-]*?)\.(?:jar|zip)\b|connections/(\d[\w.+-]*?)\.json\b")
# As build.gradle reads it.
VERSION = re.compile(r'(?ms)^\[workspace\.package\].*?^version = "([^"]+)"')
HEADING = re.compile(r"(?m)^## +\[?([^\s\]]+)\]?(?: +- +(\S.*?))? *$")


def main(arguments: list[str]) -> str | None:
    match arguments:
        case ["check", *tag] if len(tag) <= 1:
            faults = check(ROOT, *tag)
        case ["collect", folder]:
            faults = collect(ROOT, Path(folder))
        case _:
            return "Usage: draft.py check [TAG], or draft.py collect FOLDER"
    if not faults:
        result = "is ready for its release" if arguments[0] == "check" else f"is in {arguments[1]}"
        print(f"draft.py: {read_version(ROOT)} {result}")
    return "\n".join(f"draft.py: {fault}" for fault in faults) or None


def check(root: Path, tag: str | None = None) -> list[str]:
    """Returns what is missing for a release: tag, change log and documents must have the version of Cargo.toml."""
    version = read_version(root)
    faults = other_versions(root, version)
    if tag is not None and tag != f"v{version}":
        faults.append(f"the tag is {tag}, but Cargo.toml has version {version}; the tag must be v{version}")
    sections = read_sections(root)
    day, text = sections.get(version, ("", ""))
    if version not in sections:
        faults.append(f"CHANGELOG.md has no section for {version}; add `## [{version}] - YYYY-MM-DD`")
    elif not is_date(day):
        faults.append(f"CHANGELOG.md: the heading of {version} has no date; write `## [{version}] - YYYY-MM-DD`")
    if version in sections and not text:
        faults.append(f"CHANGELOG.md: the section for {version} is empty; write the release notes there")
    if sections.get("Unreleased", ("", ""))[1]:
        faults.append(f"CHANGELOG.md: [Unreleased] has entries; move them to the section for {version}")
    for document in filter(lambda name: (root / name).exists(), UNRELEASED):
        if "No version has been released yet" in (root / document).read_text(encoding="utf-8"):
            faults.append(f"{document} says that no version has been released yet; remove these sentences")
    return faults


def is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def collect(root: Path, folder: Path) -> list[str]:
    """Copies the zip, its checksum, the bill of materials in the zip, and the release notes into a folder.

    Returns the reason if it copies nothing.
    """
    version = read_version(root)
    name = f"pfscim-connector-{version}"
    archive = root / "dist" / f"{name}.zip"
    checksum = archive.with_name(f"{archive.name}.sha256")
    if not archive.exists() or not checksum.exists():
        return [f"dist has no {archive.name} with its checksum; run ./gradlew distAll"]
    if checksum.read_text(encoding="ascii") != f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n":
        return [f"{archive.name} does not have the checksum of its .sha256 file; run ./gradlew distAll"]
    notes = read_sections(root).get(version, ("", ""))[1]
    if not notes:
        return [f"CHANGELOG.md has no text for {version}; write the release notes there"]
    if folder.exists() and any(folder.iterdir()):
        return [f"{folder} is not empty; delete it first"]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(archive, folder)
    shutil.copy(checksum, folder)
    with zipfile.ZipFile(archive) as content:
        (folder / f"{name}.cdx.json").write_bytes(content.read(f"{name}/{name}.cdx.json"))
    (folder / NOTES).write_text(notes + "\n", encoding="utf-8")
    return []


def read_version(root: Path) -> str:
    line = VERSION.search((root / "Cargo.toml").read_text(encoding="utf-8"))
    if line is None:
        sys.exit("draft.py: Cargo.toml has no version below [workspace.package]")
    return line.group(1)


def other_versions(root: Path, version: str) -> list[str]:
    """Returns the places where a document names a file of another version."""
    faults = []
    for document in DOCUMENTS:
        for number, line in enumerate((root / document).read_text(encoding="utf-8").splitlines(), start=1):
            for file in RELEASE_FILE.finditer(line):
                if version not in file.groups():
                    faults.append(f"{document}:{number} names {file[0]}, but Cargo.toml has version {version}")
    return faults


def read_sections(root: Path) -> dict[str, tuple[str, str]]:
    """Returns the sections of the change log by version: the text after the version in the heading, and the content."""
    file = root / "CHANGELOG.md"
    parts = HEADING.split(file.read_text(encoding="utf-8")) if file.exists() else []
    return {
        version: (day or "", text.strip())
        for version, day, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
