"""Checks that the third-party programs of a task are installed. Prints the Debian packages of the missing ones, or
installs them.

Usage: tools.py [--install] TASK
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def file(path: str) -> Callable[[], bool]:
    return lambda: Path(path).exists()


# What a task needs: how it is found, Debian's packages for it, and what else to do where there are no such packages.
Need = tuple[Callable[[], bool], str, str]
MINGW: Need = (program("x86_64-w64-mingw32-gcc"), "gcc-mingw-w64-x86-64", "the compiler x86_64-w64-mingw32-gcc")
TASKS: dict[str, list[Need]] = {
    "distAll": [
        (
            lambda: compiler() is not None,
            "rustc-web cargo-web rust-web-src",
            f"a Rust compiler with the targets {' '.join(TRIPLES.values())} (by rustup: rustup target add ...)",
        ),
        MINGW,
    ],
    "platformCheck": [
        (file("/usr/lib/wine/wine64"), "wine64", "/usr/lib/wine/wine64"),
        (program("qemu-aarch64"), "qemu-user", "qemu-aarch64, for programs of ARM Linux"),
        (file("/lib/ld-linux-aarch64.so.1"), "libc6:arm64 zlib1g:arm64", "the GNU C library for ARM"),
        (file("/lib/ld-musl-x86_64.so.1"), "musl", "the C library musl"),
        (file("/lib/ld-musl-aarch64.so.1"), "musl:arm64", "the C library musl for ARM"),
    ],
}


def main(task: str, install: bool) -> str | None:
    """What is missing, as one message; nothing where all is there."""
    missing = [need for need in TASKS[task] if not need[0]()]
    packages = " ".join(packages for _, packages, _ in missing).split()
    if not missing:
        return None
    if not install:
        told = "".join(f"\n  * {what}; Debian's package {packages}" for _, packages, what in missing)
        return f"{task} needs what is not here:{told}\nOn Debian, as root: ./gradlew {task} -Pinstall"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return f"{task}: -Pinstall is for root on Debian; install first: {' '.join(packages)}"
    print(f"installing {' '.join(packages)}", flush=True)
    if any(package.endswith(":arm64") for package in packages):
        subprocess.run(["dpkg", "--add-architecture", "arm64"], check=True)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "check": True}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], env=environment, **quiet)
    left = [what for found, _, what in missing if not found()]
    return f"{task}: installed, and still not found: {'; '.join(left)}" if left else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1], "--install" in sys.argv[1:]))
