"""Reads programs.txt, the list of the programs that the build, the tests and the tools need."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("programs.txt")


@dataclass(frozen=True)
class Program:
    """One line of the list."""

    name: str
    packages: list[str]
    tasks: list[str]

    def find(self) -> Path | None:
        """Returns the path of the program, or None if it is missing."""
        if self.name.startswith("/"):
            return Path(self.name) if Path(self.name).exists() else None
        home = os.environ.get("JAVA_HOME")
        if home and self.name in ("java", "javac", "keytool"):
            return Path(home, "bin", self.name) if Path(home, "bin", self.name).exists() else None
        # Debian installs servers into /usr/sbin, which only root's PATH contains.
        path = shutil.which(self.name, path=os.environ.get("PATH", "") + ":/usr/sbin")
        return Path(path) if path else None

    def __str__(self) -> str:
        return f"{self.name} (Debian package: {' '.join(self.packages)})"


def read() -> dict[str, Program]:
    """Returns the lines of the list, by program."""
    lines = [line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {name: Program(name, packages.split(","), tasks.split(",")) for name, packages, tasks in filter(None, lines)}


def require(name: str) -> Path:
    """Returns the path of a program that a test needs. If it is missing, the test is skipped; with CI=true it fails."""
    # Scripts of the build read the list with the system's Python, which has no pytest.
    import pytest

    program = read()[name]
    path = program.find()
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"missing program: {program}")
    return path
