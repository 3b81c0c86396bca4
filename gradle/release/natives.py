"""Builds the native library for every platform that PingFederate runs on, each with its checksum, as resources of the jar.

All five come from one Rust compiler; zig links those for Linux, against the C library that each needs at least. What the
compiler has no standard library for, it builds from source. No library holds a path of this machine.

Usage: natives.py FOLDER TARGET-DIRECTORY
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools import TRIPLES, Compiler, compiler

ROOT = Path(__file__).resolve().parents[2]
# The oldest supported systems (RHEL 7.9 and those of its age) have this release of the GNU C library.
GLIBC = "2.17"


def main(out: Path, target: Path) -> str | None:
    found = compiler()
    if found is None:
        return "natives.py: no Rust compiler here builds for every target; see tools.py"
    for classifier, triple in TRIPLES.items():
        print(f"{classifier}: {triple}", flush=True)
        status = build(found, triple, target)
        if status != 0:
            return f"natives.py: the library for {classifier} was not built: cargo ended with {status}, see above"
        name = "pfscim.dll" if classifier.startswith("windows") else "libpfscim.so"
        library = (target / triple / "release" / name).read_bytes()
        folder = out / "org" / "pfscim" / "connector" / "native" / classifier
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(library)
        (folder / f"{name}.sha256").write_text(hashlib.sha256(library).hexdigest() + "\n", encoding="ascii")
    return None


def build(found: Compiler, triple: str, target: Path) -> int:
    windows = triple.endswith("-windows-gnu")
    if windows:
        command = [found.cargo, "build", "--target", triple]
    else:
        command = [str(Path(sys.executable).with_name("cargo-zigbuild")), "zigbuild", "--target"]
        command += [f"{triple}.{GLIBC}" if triple.endswith("-gnu") else triple]
    command += ["--locked", "--release", "--target-dir", str(target), "-p", "pfscim-bridge", "--lib"]
    environment = os.environ | {
        "RUSTC": found.rustc,
        "CARGO": found.cargo,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags(found, triple)),
    }
    if not found.has(triple):
        command += ["-Z", "build-std=std,panic_unwind"]
        # A released compiler builds its own standard library only when told so.
        environment["RUSTC_BOOTSTRAP"] = "1"
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def flags(found: Compiler, triple: str) -> list[str]:
    """What the compiler is told for a target. Of several prefixes that fit a path, the last one counts."""
    told = [f"--remap-path-prefix={ROOT}=/pfscim", f"--remap-path-prefix={cargo_home()}=/cargo"]
    told += [f"--remap-path-prefix={path}=/rust" for path in (found.source, found.source.resolve())]
    if triple.endswith("-musl"):
        # A library shares the C library of the process that loads it.
        told += ["-C", "target-feature=-crt-static"]
    if triple.endswith("-windows-gnu"):
        told += ["-C", "link-arg=-Wl,--no-insert-timestamp"]
    return told


def cargo_home() -> Path:
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
