"""Shared by the tests of the release helpers: makes the helpers importable, puts small scripts in the place of programs."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

AddProgram = Callable[[str, str], Path]


def write_program(folder: Path, name: str, script: str) -> Path:
    """Writes a shell script under the name of a program."""
    program = folder / name
    # The script needs the ordinary commands, also if the PATH of the test does not have them.
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def add_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddProgram:
    """Adds a shell script under the name of a program. PATH contains these scripts only, so no test runs a real program."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    return partial(write_program, folder)
