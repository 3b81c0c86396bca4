"""The check of the programs for other platforms, and the choice of a Rust compiler that builds for every target."""

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
    assert "rust (package of Debian: cargo-web rustc-web rust-web-src)" in message
    assert "x86_64-pc-windows-gnu" in message
    assert "x86_64-w64-mingw32-gcc (package of Debian: gcc-mingw-w64-x86-64)" in message
    assert "./gradlew distAll -Pinstall" in message


def test_installed_programs_are_not_named(add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "compiler", lambda: None)
    add_program("x86_64-w64-mingw32-gcc", "exit 0")
    assert "mingw" not in tools.main("distAll")
    monkeypatch.setattr(tools, "compiler", lambda: Compiler("rustc", "cargo"))
    assert tools.main("distAll") is None


def test_the_command_fails_and_names_what_is_missing(add_program: AddProgram) -> None:
    command = [sys.executable, tools.__file__, "platformCheck"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "qemu-aarch64 (package of Debian: qemu-user)\n" in ended.stderr


@pytest.fixture
def rust(tmp_path: Path, add_program: AddProgram) -> Path:
    """The folder of the standard libraries of the compiler on PATH, which has those of Linux."""
    libraries = tmp_path / "sysroot" / "lib" / "rustlib"
    for classifier, triple in TRIPLES.items():
        if classifier.startswith("linux"):
            (libraries / triple / "lib").mkdir(parents=True)
            (libraries / triple / "lib" / "libstd-0123.rlib").touch()
    add_program("rustc", f"echo '{tmp_path}/sysroot'")
    add_program("cargo", "exit 0")
    return libraries


def test_a_compiler_builds_for_a_target_with_its_library_or_from_source(rust: Path, tmp_path: Path) -> None:
    found = Compiler(str(tmp_path / "programs" / "rustc"), "cargo")
    linux, windows = TRIPLES["linux-x86_64"], TRIPLES["windows-x86_64"]
    assert found.has(linux) and found.builds(linux)
    assert not found.has(windows) and not found.builds(windows)
    (rust / "src" / "rust" / "library").mkdir(parents=True)
    (rust / "src" / "rust" / "library" / "Cargo.lock").touch()
    assert not found.has(windows) and found.builds(windows)


def test_the_compiler_on_path_is_used_if_it_builds_for_every_target(rust: Path, tmp_path: Path) -> None:
    on_path = Compiler(str(tmp_path / "programs" / "rustc"), str(tmp_path / "programs" / "cargo"))
    assert tools.compiler() != on_path
    windows = rust / TRIPLES["windows-x86_64"] / "lib"
    windows.mkdir(parents=True)
    (windows / "libstd-0123.rlib").touch()
    assert tools.compiler() == on_path
