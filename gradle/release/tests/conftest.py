"""Makes the release helpers importable for their tests, and replaces programs with small scripts."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

AddProgram = Callable[[str, str], Path]


def write_program(folder: Path, name: str, script: str) -> Path:
    """Writes a shell script with the name of a program."""
    program = folder / name
    # The script needs the usual commands, but the PATH of the test may not contain them.
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def add_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddProgram:
    """Adds a shell script with the name of a program. PATH contains these scripts only, so no test runs a real program."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    return partial(write_program, folder)
