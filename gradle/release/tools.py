"""Checks that the programs which a task needs beyond an ordinary build are installed, and prints those that are missing.

The programs are those of gradle/programs.txt, which `./gradlew` installs with -Pinstall. Usage: tools.py TASK
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
        """Where its standard libraries lie, one folder for each target, and maybe their source."""
        printed = subprocess.run([self.rustc, "--print", "sysroot"], check=True, capture_output=True, text=True).stdout
        return Path(printed.strip()) / "lib" / "rustlib"

    @property
    def source(self) -> Path:
        """The source of the standard library."""
        return self.libraries / "src" / "rust"

    def has(self, triple: str) -> bool:
        """Whether the standard library for that target is there, built."""
        return any((self.libraries / triple / "lib").glob("libstd-*.rlib"))

    def builds(self, triple: str) -> bool:
        """Whether it can build for that target: with the library that is there, or with one from source."""
        return self.has(triple) or (self.source / "library" / "Cargo.lock").exists()


def compiler() -> Compiler | None:
    """A compiler for every target: the one on PATH, or Debian's, which a rustup toolchain hides."""
    for rustc, cargo in ((shutil.which("rustc"), shutil.which("cargo")), ("/usr/bin/rustc", "/usr/bin/cargo")):
        if rustc and cargo and Path(rustc).exists() and Path(cargo).exists():
            found = Compiler(rustc, cargo)
            if all(found.builds(triple) for triple in TRIPLES.values()):
                return found
    return None


def found(program: Program) -> bool:
    """Whether a program of the list is installed. Any compiler for every target does in the place of Debian's."""
    return (compiler() if program.name == RUST_SOURCE else program.find()) is not None


def main(task: str) -> str | None:
    """Returns what is missing, as one message, or None."""
    missing = [program for program in read().values() if task in program.tasks and not found(program)]
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
