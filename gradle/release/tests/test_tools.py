"""The check for third-party programs: missing ones are named with their Debian package, or installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tools
from conftest import AddProgram
from tools import TRIPLES, Compiler


def program_needs(*pairs: tuple[str, str]) -> list[tools.Need]:
    """Needs of a task: programs on PATH, each with its Debian packages."""
    return [(tools.program(name), packages, f"the program {name}") for name, packages in pairs]


@pytest.fixture
def install(tmp_path: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where root can install: apt-get and dpkg write their calls to the file that is returned."""
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    # The package "compiler" brings the program cc1; the package "empty" brings nothing.
    brings = f'case " $* " in *" compiler "*) : > "{tmp_path}/programs/cc1"; chmod +x "{tmp_path}/programs/cc1" ;; esac'
    add_program("apt-get", f'echo "apt-get $*" >> "{calls}"\n{brings}')
    add_program("dpkg", f'echo "dpkg $*" >> "{calls}"')
    return calls


def test_missing_tools_of_dist_all_are_named_with_their_debian_packages(
    add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "compiler", lambda: None)
    message = tools.main("distAll", install=False)
    rust, mingw = [line for line in message.splitlines() if line.startswith("  * ")]
    assert "x86_64-pc-windows-gnu" in rust and rust.endswith("Debian's package rustc-web cargo-web rust-web-src")
    assert "x86_64-w64-mingw32-gcc" in mingw and mingw.endswith("Debian's package gcc-mingw-w64-x86-64")
    assert "./gradlew distAll -Pinstall" in message


def test_installed_tools_are_not_named(add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "compiler", lambda: None)
    add_program("x86_64-w64-mingw32-gcc", "exit 0")
    assert "mingw" not in tools.main("distAll", install=False)
    monkeypatch.setattr(tools, "compiler", lambda: Compiler("rustc", "cargo"))
    assert tools.main("distAll", install=False) is None


def test_the_command_fails_and_names_what_is_missing(add_program: AddProgram) -> None:
    command = [sys.executable, tools.__file__, "platformCheck"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "qemu-aarch64, for programs of ARM Linux; Debian's package qemu-user\n" in ended.stderr


def test_a_file_is_found_where_it_lies(tmp_path: Path) -> None:
    found = tools.file(str(tmp_path / "ld.so"))
    assert not found()
    (tmp_path / "ld.so").touch()
    assert found()


def test_install_installs_the_packages_of_the_missing_tools_only(
    install: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_program("present", "exit 0")
    monkeypatch.setitem(tools.TASKS, "task", program_needs(("cc1", "compiler headers"), ("present", "unwanted")))
    assert tools.main("task", install=True) is None
    update, installed = install.read_text(encoding="utf-8").splitlines()
    assert update.startswith("apt-get update")
    assert installed.startswith("apt-get install -y ") and installed.endswith(" compiler headers")


def test_install_adds_the_arm_architecture_first_if_needed(install: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tools.TASKS, "task", program_needs(("cc1", "compiler libc6:arm64")))
    assert tools.main("task", install=True) is None
    assert install.read_text(encoding="utf-8").splitlines()[0] == "dpkg --add-architecture arm64"


def test_install_names_what_the_packages_did_not_bring(install: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tools.TASKS, "task", program_needs(("cc1", "compiler"), ("cc2", "empty")))
    message = tools.main("task", install=True)
    assert "the program cc2" in message
    assert "the program cc1" not in message


def test_install_runs_nothing_if_the_user_is_not_root(install: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setitem(tools.TASKS, "task", program_needs(("cc1", "compiler headers")))
    message = tools.main("task", install=True)
    assert message.endswith("install first: compiler headers")
    assert install.read_text(encoding="utf-8") == ""


def test_install_names_the_packages_without_apt_get(add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setitem(tools.TASKS, "task", program_needs(("cc1", "compiler headers")))
    assert tools.main("task", install=True).endswith("install first: compiler headers")


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
