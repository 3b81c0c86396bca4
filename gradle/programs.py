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
        """Returns its path, or None if it is missing."""
        if self.name.startswith("/"):
            return Path(self.name) if Path(self.name).exists() else None
        home = os.environ.get("JAVA_HOME")
        if home and self.name in ("java", "javac", "keytool"):
            return Path(home, "bin", self.name) if Path(home, "bin", self.name).exists() else None
        # Debian's servers are in a folder that only root's PATH contains.
        found = shutil.which(self.name, path=os.environ.get("PATH", "") + ":/usr/sbin")
        return Path(found) if found else None

    def __str__(self) -> str:
        return f"{self.name} (package of Debian: {' '.join(self.packages)})"


def read() -> dict[str, Program]:
    """Returns the lines of the list by the name of their program."""
    lines = [line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {name: Program(name, packages.split(","), tasks.split(",")) for name, packages, tasks in filter(None, lines)}


def require(name: str) -> Path:
    """Returns the path of a program that a test needs. Without it the test is skipped, or fails if CI=true is set."""
    # Programs of the system's Python read the list too, and that one has no pytest.
    import pytest

    program = read()[name]
    found = program.find()
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"not run, missing: {program}")
    return found
