"""Checks that the programs of a task for other platforms are installed, and prints missing ones. Usage: tools.py TASK

gradle/programs.txt lists the programs. `./gradlew` installs them with -Pinstall.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from programs import Program, read

# The line of the list for a Rust compiler that builds for every target.
RUST_SOURCE = "/usr/lib/rustlib/src/rust"
TRIPLES = {
    "linux-x86_64": "x86_64-unknown-linux-gnu",
    "linux-aarch64": "aarch64-unknown-linux-gnu",
    "linux-x86_64-musl": "x86_64-unknown-linux-musl",
    "linux-aarch64-musl": "aarch64-unknown-linux-musl",
    "windows-x86_64": "x86_64-pc-windows-gnu",
}


@dataclass(frozen=True)
class Compiler:
    """A Rust compiler with its Cargo."""

    rustc: str
    cargo: str

    @property
    def libraries(self) -> Path:
        """The folder of its standard libraries, with one folder for each target, and `src` if the source is installed."""
        printed = subprocess.run([self.rustc, "--print", "sysroot"], check=True, capture_output=True, text=True).stdout
        return Path(printed.strip()) / "lib" / "rustlib"

    @property
    def source(self) -> Path:
        """The source of the standard library."""
        return self.libraries / "src" / "rust"

    def has_library(self, triple: str) -> bool:
        """Returns whether the compiled standard library for a target is installed."""
        return any((self.libraries / triple / "lib").glob("libstd-*.rlib"))

    def can_build(self, triple: str) -> bool:
        """Returns whether it can build for a target, with an installed standard library or with one from source."""
        return self.has_library(triple) or (self.source / "library" / "Cargo.lock").exists()


def compiler() -> Compiler | None:
    """Returns a compiler for every target: the one on PATH, otherwise Debian's, which rustup hides on PATH."""
    for rustc, cargo in ((shutil.which("rustc"), shutil.which("cargo")), ("/usr/bin/rustc", "/usr/bin/cargo")):
        if rustc and cargo and Path(rustc).exists() and Path(cargo).exists():
            candidate = Compiler(rustc, cargo)
            if all(candidate.can_build(triple) for triple in TRIPLES.values()):
                return candidate
    return None


def is_installed(program: Program) -> bool:
    """Returns whether a program of the list is installed. Debian's Rust is optional if another builds for every target."""
    return (compiler() if program.name == RUST_SOURCE else program.find()) is not None


def main(task: str) -> str | None:
    """Returns what is missing, as one message, or None."""
    missing = [program for program in read().values() if task in program.tasks and not is_installed(program)]
    if not missing:
        return None
    lines = "".join(f"\n  * {program}" for program in missing)
    if any(program.name == RUST_SOURCE for program in missing):
        lines += (
            f"\n    or a Rust compiler with the targets {' '.join(TRIPLES.values())} (by rustup: rustup target add ...)"
        )
    return f"{task} needs programs that are missing:{lines}\nOn Debian, as root: ./gradlew {task} -Pinstall"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
