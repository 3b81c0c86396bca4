"""Tests `natives.py`: the folders of the libraries, their checksums, and the arguments of Cargo for each platform.

Small scripts replace rustc, cargo and cargo-zigbuild.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import natives
import pytest
from conftest import AddProgram
from tools import TRIPLES, Compiler

# Writes a library as Cargo does, and its own arguments and environment next to it. Fails with status 101 for the target
# $BROKEN.
CARGO = """
arguments=$*
while [ $# -gt 0 ]; do
    case $1 in --target) triple=${2%.2.17} ;; --target-dir) folder=$2 ;; esac
    shift
done
[ "$triple" != "${BROKEN:-}" ] || exit 101
case $triple in *windows*) name=pfscim.dll ;; *) name=libpfscim.so ;; esac
mkdir -p "$folder/$triple/release"
printf 'code for %s' "$triple" > "$folder/$triple/release/$name"
printf %s "$arguments" > "$folder/$triple/arguments"
printf %s "$CARGO_ENCODED_RUSTFLAGS" > "$folder/$triple/flags"
printf %s "${RUSTC_BOOTSTRAP:-}" > "$folder/$triple/bootstrap"
"""


@dataclass
class Build:
    """The folders of one build."""

    out: Path
    target: Path
    sysroot: Path

    def run(self) -> str | None:
        return natives.main(self.out, self.target)

    def recorded(self, triple: str, name: str) -> str:
        return (self.target / triple / name).read_text(encoding="utf-8")


@pytest.fixture
def build(tmp_path: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> Build:
    """A build with a compiler that has the standard library of every target."""
    sysroot = tmp_path / "sysroot"
    for triple in TRIPLES.values():
        libraries = sysroot / "lib" / "rustlib" / triple / "lib"
        libraries.mkdir(parents=True)
        (libraries / "libstd-0123.rlib").touch()
    monkeypatch.delenv("BROKEN", raising=False)
    monkeypatch.delenv("RUSTC_BOOTSTRAP", raising=False)
    add_program("rustc", f"echo '{sysroot}'")
    add_program("cargo", CARGO)
    # Cargo for zig is installed next to the Python that runs the helper.
    monkeypatch.setattr(sys, "executable", str(add_program("cargo-zigbuild", CARGO).with_name("python")))
    return Build(tmp_path / "out", tmp_path / "target", sysroot)


def test_every_platform_has_its_library_in_the_folder_that_the_jar_expects(build: Build) -> None:
    assert build.run() is None
    native = build.out / "org" / "pfscim" / "connector" / "native"
    for classifier, triple in TRIPLES.items():
        name = "pfscim.dll" if classifier == "windows-x86_64" else "libpfscim.so"
        assert (native / classifier / name).read_text(encoding="utf-8") == f"code for {triple}"
    assert sorted(path.name for path in native.iterdir()) == sorted(TRIPLES)


def test_the_checksum_file_has_the_sha256_of_the_library(build: Build) -> None:
    build.run()
    folder = build.out / "org" / "pfscim" / "connector" / "native" / "linux-aarch64"
    expected = hashlib.sha256(b"code for aarch64-unknown-linux-gnu").hexdigest() + "\n"
    assert (folder / "libpfscim.so.sha256").read_bytes() == expected.encode("ascii")


def test_a_library_that_cargo_cannot_build_is_named(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", TRIPLES["linux-x86_64-musl"])
    message = build.run()
    assert "linux-x86_64-musl was not built" in message
    assert "101" in message
    assert not list(build.out.rglob("linux-x86_64-musl"))


def test_without_a_compiler_for_every_target_nothing_is_built(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(natives, "compiler", lambda: None)
    assert "no Rust compiler" in build.run()
    assert not build.target.exists()


def test_only_the_gnu_libraries_are_linked_for_an_old_release_of_the_c_library(build: Build) -> None:
    build.run()
    targets = {}
    for classifier, triple in TRIPLES.items():
        words = build.recorded(triple, "arguments").split()
        targets[classifier] = (words[0], words[words.index("--target") + 1])
    assert targets == {
        "linux-x86_64": ("zigbuild", "x86_64-unknown-linux-gnu.2.17"),
        "linux-aarch64": ("zigbuild", "aarch64-unknown-linux-gnu.2.17"),
        "linux-x86_64-musl": ("zigbuild", "x86_64-unknown-linux-musl"),
        "linux-aarch64-musl": ("zigbuild", "aarch64-unknown-linux-musl"),
        "windows-x86_64": ("build", "x86_64-pc-windows-gnu"),
    }


def test_a_standard_library_that_is_not_installed_is_built_from_source(build: Build) -> None:
    musl = TRIPLES["linux-aarch64-musl"]
    (build.sysroot / "lib" / "rustlib" / musl / "lib" / "libstd-0123.rlib").unlink()
    source = build.sysroot / "lib" / "rustlib" / "src" / "rust" / "library"
    source.mkdir(parents=True)
    (source / "Cargo.lock").touch()
    assert build.run() is None
    from_source = [triple for triple in TRIPLES.values() if "build-std" in build.recorded(triple, "arguments")]
    allowed = [triple for triple in TRIPLES.values() if build.recorded(triple, "bootstrap") == "1"]
    assert from_source == allowed == [musl]


@pytest.mark.parametrize("triple", TRIPLES.values())
def test_no_library_contains_a_path_of_this_machine(build: Build, triple: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_HOME", "/home/ada/cargo")
    build.run()
    flags = build.recorded(triple, "flags").split("\x1f")
    assert f"--remap-path-prefix={natives.ROOT}=/pfscim" in flags
    assert "--remap-path-prefix=/home/ada/cargo=/cargo" in flags
    assert f"--remap-path-prefix={build.sysroot}/lib/rustlib/src/rust=/rust" in flags


def test_the_root_is_the_folder_with_the_cargo_workspace() -> None:
    assert "[workspace]" in (natives.ROOT / "Cargo.toml").read_text(encoding="utf-8")


def test_flags_that_only_some_targets_need() -> None:
    rust = Compiler("rustc", "cargo")

    def targets(flag: str) -> list[str]:
        return [classifier for classifier, triple in TRIPLES.items() if flag in natives.flags(rust, triple)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiler, "libraries", Path("/rustlib"))
        # A library must not contain a C library, because it uses that of its process.
        assert targets("target-feature=-crt-static") == ["linux-x86_64-musl", "linux-aarch64-musl"]
        # With the time of the link in it, each build would have other bytes.
        assert targets("link-arg=-Wl,--no-insert-timestamp") == ["windows-x86_64"]
