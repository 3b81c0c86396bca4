"""Tests `tools.py`: the check of the programs for other platforms, and the choice of a Rust compiler."""

import subprocess
import sys
from pathlib import Path

import pytest
import tools
from conftest import AddProgram
from tools import TRIPLES, Compiler


def test_missing_programs_of_dist_all_are_named_with_their_debian_packages(
    add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "compiler", lambda: None)
    message = tools.main("distAll")
    assert "rust (Debian package: cargo-web rustc-web rust-web-src)" in message
    assert "x86_64-pc-windows-gnu" in message
    assert "x86_64-w64-mingw32-gcc (Debian package: gcc-mingw-w64-x86-64)" in message
    assert "./gradlew distAll -Pinstall" in message


def test_installed_programs_are_not_named(add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "compiler", lambda: None)
    add_program("x86_64-w64-mingw32-gcc", "exit 0")
    assert "mingw" not in tools.main("distAll")
    monkeypatch.setattr(tools, "compiler", lambda: Compiler("rustc", "cargo"))
    assert tools.main("distAll") is None


def test_the_command_fails_and_names_what_is_missing(add_program: AddProgram) -> None:
    command = [sys.executable, tools.__file__, "platformCheck"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "qemu-aarch64 (Debian package: qemu-user)\n" in result.stderr


@pytest.fixture
def rust(tmp_path: Path, add_program: AddProgram) -> Path:
    """The folder with the standard libraries of the compiler on PATH: those for Linux."""
    libraries = tmp_path / "sysroot" / "lib" / "rustlib"
    for classifier, triple in TRIPLES.items():
        if classifier.startswith("linux"):
            (libraries / triple / "lib").mkdir(parents=True)
            (libraries / triple / "lib" / "libstd-0123.rlib").touch()
    add_program("rustc", f"echo '{tmp_path}/sysroot'")
    add_program("cargo", "exit 0")
    return libraries


def test_a_compiler_builds_for_a_target_with_its_library_or_from_source(rust: Path, tmp_path: Path) -> None:
    compiler = Compiler(str(tmp_path / "programs" / "rustc"), "cargo")
    linux, windows = TRIPLES["linux-x86_64"], TRIPLES["windows-x86_64"]
    assert compiler.has_library(linux) and compiler.can_build(linux)
    assert not compiler.has_library(windows) and not compiler.can_build(windows)
    (rust / "src" / "rust" / "library").mkdir(parents=True)
    (rust / "src" / "rust" / "library" / "Cargo.lock").touch()
    assert not compiler.has_library(windows) and compiler.can_build(windows)


def test_the_compiler_on_path_is_used_if_it_builds_for_every_target(rust: Path, tmp_path: Path) -> None:
    on_path = Compiler(str(tmp_path / "programs" / "rustc"), str(tmp_path / "programs" / "cargo"))
    assert tools.compiler() != on_path
    windows = rust / TRIPLES["windows-x86_64"] / "lib"
    windows.mkdir(parents=True)
    (windows / "libstd-0123.rlib").touch()
    assert tools.compiler() == on_path
