"""Reads from a native library's file what it needs of the system that loads it."""

import re
import subprocess
from pathlib import Path

SYMBOL = "Java_org_pfscim_connector_NativeConnector_call"
GLIBC_MAX = (2, 17)
# The libraries of every supported system: parts of the C library, and of Windows Server 2016.
ALLOWED = {
    "linux-x86_64": {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2"},
    "linux-aarch64": {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "ld-linux-aarch64.so.1"},
    "linux-x86_64-musl": {"libc.so"},
    "linux-aarch64-musl": {"libc.so"},
    "windows-x86_64": {
        "advapi32.dll",
        "api-ms-win-core-synch-l1-2-0.dll",
        "bcrypt.dll",
        "bcryptprimitives.dll",
        "crypt32.dll",
        "kernel32.dll",
        "msvcrt.dll",
        "ntdll.dll",
        "secur32.dll",
        "userenv.dll",
        "ws2_32.dll",
    },
}


class Library:
    """One library: the libraries and symbol versions that it needs, and what it exports."""

    def __init__(self, classifier: str, file: Path) -> None:
        self.classifier = classifier
        self.file = file
        if classifier.startswith("windows"):
            text = run("x86_64-w64-mingw32-objdump", "-p", file)
            self.needed = {name.lower() for name in re.findall(r"DLL Name: (\S+)", text)}
            self.glibc = None
            self.exported = SYMBOL in text
        else:
            text = run("readelf", "-W", "-d", "-V", "--dyn-syms", file)
            self.needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", text))
            versions = [tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_([0-9.]+)", text)]
            self.glibc = max(versions, default=None)
            self.exported = re.search(rf" GLOBAL +DEFAULT +[0-9]+ {SYMBOL}\b", text) is not None

    def problems(self, build_paths: list[str]) -> list[str]:
        """Returns what a server may not have, and the paths of the build machine that the file contains."""
        problems = [f"needs {name}" for name in sorted(self.needed - ALLOWED[self.classifier])]
        if self.glibc is not None and self.glibc > GLIBC_MAX:
            problems.append(f"needs GLIBC_{'.'.join(map(str, self.glibc))}")
        if not self.exported:
            problems.append(f"does not export {SYMBOL}")
        content = self.file.read_bytes()
        problems += [f"contains the path {path}" for path in build_paths if path.encode() in content]
        return problems

    def __str__(self) -> str:
        version = f", GLIBC_{'.'.join(map(str, self.glibc))} at most" if self.glibc else ""
        return f"needs {' '.join(sorted(self.needed))}{version}"


def run(*command: object) -> str:
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
