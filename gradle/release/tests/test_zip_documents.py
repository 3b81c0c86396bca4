"""Tests that the documents in the zip link only to documents in the zip, or to web pages."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def shipped() -> set[Path]:
    """Returns the documents that releaseTree puts into the zip."""
    (tree,) = re.findall(
        r"(?s)task releaseTree\(.*?\n}\n", (ROOT / "gradle" / "package.gradle").read_text(encoding="utf-8")
    )
    names = re.findall(r"'([A-Z]+\.md)'", tree)
    assert "from('docs')" in tree
    return {ROOT / name for name in names} | set((ROOT / "docs").rglob("*.md"))


def test_every_link_leads_to_a_document_of_the_zip_or_to_the_network() -> None:
    documents = shipped()
    assert ROOT / "README.md" in documents
    for document in documents:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
            assert "://" in link or (document.parent / link).resolve() in documents, f"{document.name}: {link}"
