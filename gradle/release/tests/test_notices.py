"""Tests `notices.py`, which writes THIRD-PARTY.txt: the crates that pfscim ships, with their licences."""

import itertools
from pathlib import Path

import notices
import pytest
from conftest import AddProgram
from crate_tree import cargo_that_prints, write_crates
from tools import TRIPLES

SEPARATOR = "=" * 100


@pytest.fixture
def arguments(tmp_path: Path) -> Path:
    """The file with the arguments of the last run of cargo."""
    return tmp_path / "arguments"


@pytest.fixture
def text(tmp_path: Path, arguments: Path, add_program: AddProgram) -> str:
    """The text that the helper writes for the small tree of crates."""
    add_program("rustc", "echo 'host: riscv64gc-unknown-linux-gnu'")
    add_program("cargo", cargo_that_prints(write_crates(tmp_path / "crates"), arguments))
    out = tmp_path / "new folder" / "THIRD-PARTY.txt"
    notices.main(out)
    return out.read_text(encoding="utf-8")


def test_lists_the_shipped_third_party_crates_in_order(text: str) -> None:
    crates = [line for line in text.split(SEPARATOR)[0].splitlines() if line.startswith("  ")]
    assert crates == ["  alpha 1.2.3: MIT/Apache-2.0", "  beta 0.4.0: see the texts below", "  gamma 2.0.0: ISC"]


@pytest.mark.parametrize("crate", ["build-tool", "test-tool", "pfscim"])
def test_omits_crates_that_are_not_shipped_and_those_of_this_project(text: str, crate: str) -> None:
    assert f"text of {crate}" not in text
    assert f"  {crate}" not in text


def test_writes_each_text_once_below_the_crates_that_have_it(text: str) -> None:
    blocks = text.split(SEPARATOR + "\n")[1:]
    texts = dict(
        zip((body.strip() for body in blocks[1::2]), (names.split("\n")[:-1] for names in blocks[::2]), strict=True)
    )
    assert texts == {
        "Apache text": ["alpha 1.2.3", "beta 0.4.0"],
        "MIT text of alpha": ["alpha 1.2.3"],
        "notice of beta": ["beta 0.4.0"],
        "text of gamma": ["gamma 2.0.0"],
    }


@pytest.mark.parametrize("other", ["readme of alpha", "code of gamma", "table of gamma"])
def test_contains_no_text_of_other_files(text: str, other: str) -> None:
    assert other not in text


def test_requests_metadata_for_this_machine_and_every_platform_of_the_jar(text: str, arguments: Path) -> None:
    words = arguments.read_text(encoding="utf-8").split()
    platforms = [after for word, after in itertools.pairwise(words) if word == "--filter-platform"]
    assert sorted(platforms) == sorted(["riscv64gc-unknown-linux-gnu", *TRIPLES.values()])
    assert "--locked" in words


def test_a_dependency_cycle_terminates() -> None:
    ordinary = [{"kind": None}]
    nodes = [
        {"id": "a", "deps": [{"pkg": "b", "dep_kinds": ordinary}]},
        {"id": "b", "deps": [{"pkg": "a", "dep_kinds": ordinary}]},
        {"id": "c", "deps": []},
    ]
    assert notices.reachable({"resolve": {"nodes": nodes}}, ["a"]) == {"a", "b"}
