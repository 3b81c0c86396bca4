"""Defines the options and the result of a part of the soak test."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The command line, for all parts."""

    program: Path
    simulation: Path
    seed: int
    """The first seed of `kills`; the seed of `generated`."""
    seeds: int
    cases: int
    cycles: int
    simulated: int
    """How many seeds of the simulation run."""
    hours: float | None
    """Run the simulation for this time instead, from where the last such run ended."""

    def command(self, part: str, *more: object) -> str:
        """Returns the command that runs one part again."""
        return " ".join(map(str, (sys.executable, sys.argv[0], self.program, self.simulation, "--only", part, *more)))


@dataclass
class Result:
    """The size of a part, and its failures."""

    size: str
    failures: list[str]
    """The table contains the first line of each failure."""
