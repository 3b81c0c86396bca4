"""Tests that Cargo compiles each dependency only once for the program and the tests."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def features(edges: str) -> set[str]:
    """Returns each package with its version and the features that these kinds of dependencies select."""
    command = ["cargo", "tree", "--locked", "--workspace", "--edges", edges, "--format", "{p} {f}", "--prefix", "none"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.removesuffix(" (*)") for line in lines if line}


def test_no_dependency_of_a_test_selects_features_that_the_program_does_not() -> None:
    program, tests = features("normal,build"), features("normal,build,dev")
    assert program - tests == set(), "add the features to the dependency in Cargo.toml, as for getrandom"
    assert tests - program != set()
