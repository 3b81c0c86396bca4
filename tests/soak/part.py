"""What a part of the soak test gets and returns."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The command line, for all parts."""

    program: Path
    seed: int
    """The first seed of `kills`; the seed of `generated`."""
    seeds: int
    cases: int
    cycles: int

    def repeat(self, part: str, *more: object) -> str:
        """The command that runs one part again."""
        return " ".join(map(str, (sys.executable, sys.argv[0], self.program, "--only", part, *more)))


@dataclass
class Result:
    """How large a part was, and what failed in it."""

    size: str
    failures: list[str]
    """The first line of each one goes into the table."""
