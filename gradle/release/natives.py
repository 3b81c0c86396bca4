"""Builds the native library for every platform, each with its checksum. Usage: natives.py FOLDER TARGET-DIRECTORY

One Rust compiler builds all five, as resources of the jar. For Linux, zig links them against the oldest supported C
library. If the compiler has no standard library for a target, it builds that from source. No library contains a path of
this machine.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools import TRIPLES, Compiler, compiler

ROOT = Path(__file__).resolve().parents[2]
# The release of the GNU C library in the oldest supported systems (RHEL 7.9 and others of its age).
GLIBC_MIN = "2.17"


def main(out: Path, target: Path) -> str | None:
    rust = compiler()
    if rust is None:
        return "natives.py: no Rust compiler on this machine builds for every target; run ./gradlew distAll -Pinstall"
    for classifier, triple in TRIPLES.items():
        print(f"{classifier}: {triple}", flush=True)
        status = build(rust, triple, target)
        if status != 0:
            return (
                f"natives.py: the library for {classifier} was not built: cargo ended with status {status}, see above"
            )
        name = "pfscim.dll" if classifier.startswith("windows") else "libpfscim.so"
        library = (target / triple / "release" / name).read_bytes()
        folder = out / "org" / "pfscim" / "connector" / "native" / classifier
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(library)
        (folder / f"{name}.sha256").write_text(hashlib.sha256(library).hexdigest() + "\n", encoding="ascii")
    return None


def build(rust: Compiler, triple: str, target: Path) -> int:
    """Builds the library for one target. Returns the exit status of cargo."""
    if triple.endswith("-windows-gnu"):
        command = [rust.cargo, "build", "--target", triple]
    else:
        command = [str(Path(sys.executable).with_name("cargo-zigbuild")), "zigbuild", "--target"]
        command += [f"{triple}.{GLIBC_MIN}" if triple.endswith("-gnu") else triple]
    command += ["--locked", "--release", "--target-dir", str(target), "-p", "pfscim-bridge", "--lib"]
    environment = os.environ | {
        "RUSTC": rust.rustc,
        "CARGO": rust.cargo,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags(rust, triple)),
    }
    if not rust.has_library(triple):
        command += ["-Z", "build-std=std,panic_unwind"]
        # Without it, a released compiler rejects the option -Z.
        environment["RUSTC_BOOTSTRAP"] = "1"
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def flags(rust: Compiler, triple: str) -> list[str]:
    """Returns the options of the compiler for a target. If several prefixes match a path, rustc uses the last one."""
    options = [f"--remap-path-prefix={ROOT}=/pfscim", f"--remap-path-prefix={cargo_home()}=/cargo"]
    options += [f"--remap-path-prefix={path}=/rust" for path in (rust.source, rust.source.resolve())]
    if triple.endswith("-musl"):
        # A library uses the C library of the process that loads it.
        options += ["-C", "target-feature=-crt-static"]
    if triple.endswith("-windows-gnu"):
        # With the time of the link in it, each build would have other bytes.
        options += ["-C", "link-arg=-Wl,--no-insert-timestamp"]
    return options


def cargo_home() -> Path:
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
