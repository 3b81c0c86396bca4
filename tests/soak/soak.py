"""Runs the long forms of tests, for `./gradlew soak`, and prints one table.

Options make a part shorter or longer. The exit status is 1 if a part failed.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import generated_cases
import killed_runs
import long_loop
import simulated_seeds
from part import Options, Result

# The defaults take about 11 minutes on 2 cores: 3 for the kills, 2 for the cases, 5 for the cycles, half of one for the
# simulation.
SEEDS = 40
CASES = 4000
CYCLES = 300
SIMULATED = 20000
PARTS: dict[str, Callable[[Options], Result]] = {
    "kills": killed_runs.run,
    "generated": generated_cases.run,
    "loop": long_loop.run,
    "simulation": simulated_seeds.run,
}
SEEDED = ("kills", "generated")


@dataclass
class Row:
    """One line of the table."""

    part: str
    size: str
    seconds: str
    result: str


def main() -> int:
    options, parts = arguments()
    rows = []
    failed = False
    for name in parts:
        print(f"\n=== {name}", flush=True)
        start = time.monotonic()
        try:
            result = PARTS[name](options)
        except Exception as failure:
            traceback.print_exc()
            result = Result("not finished", [f"{type(failure).__name__}: {failure}"])
        failed = failed or bool(result.failures)
        rows.append(Row(name, result.size, f"{time.monotonic() - start:.0f}", verdict(result.failures)))
    print()
    print_table([Row("part", "size", "seconds", "result"), *rows])
    return 1 if failed else 0


def arguments() -> tuple[Options, list[str]]:
    """Parses the command line. Returns the options, and the names of the parts to run."""
    parser = argparse.ArgumentParser(description="Run the long forms of tests and print one table.")
    parser.add_argument("program", type=Path, help="the pfscim to test, built with the dev profile")
    parser.add_argument("simulation", type=Path, help="the simulation to run, built with the profile `simulation`")
    parser.add_argument("--only", choices=PARTS, help="run one part")
    parser.add_argument("--seed", type=count, help="the only seed of kills, or the seed of generated")
    parser.add_argument("--seeds", type=count, default=SEEDS, help=f"seeds of kills (default {SEEDS})")
    parser.add_argument("--cases", type=count, default=CASES, help=f"cases of each generated test (default {CASES})")
    parser.add_argument(
        "--cycles",
        type=count,
        default=CYCLES,
        help=f"cycles of loop (default {CYCLES}, at least {long_loop.CYCLES_MIN})",
    )
    parser.add_argument("--simulated", type=count, default=SIMULATED, help=f"seeds of simulation (default {SIMULATED})")
    parser.add_argument("--hours", type=hours, help="run simulation for this time instead, and go on where it ended")
    values = parser.parse_args()
    program = values.program.resolve()
    simulation = values.simulation.resolve()
    for file, task in ((program, "dist"), (simulation, "cargoSimulation")):
        if not file.is_file():
            parser.error(f"{file} does not exist; run ./gradlew {task}")
    if values.cycles < long_loop.CYCLES_MIN:
        parser.error(f"--cycles must be at least {long_loop.CYCLES_MIN}")
    if values.seed and values.only not in SEEDED:
        parser.error(f"--seed needs --only {' or '.join(SEEDED)}")
    seed = values.seed or random.randrange(1, 1_000_000)
    seeds = 1 if values.seed else values.seeds
    options = Options(program, simulation, seed, seeds, values.cases, values.cycles, values.simulated, values.hours)
    return options, [values.only] if values.only else list(PARTS)


def count(text: str) -> int:
    """Parses a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def hours(text: str) -> float:
    """Parses a time in hours, up to a week."""
    number = float(text)
    if not 0 < number <= 168:
        raise ValueError(text)
    return number


def verdict(failures: list[str]) -> str:
    """Returns the result of a part as one line."""
    if not failures:
        return "passed"
    # A failure may have many lines; the part printed all of them.
    return f"{len(failures)} failed: " + "; ".join(failure.splitlines()[0] for failure in failures)


def print_table(rows: list[Row]) -> None:
    columns = [(row.part, row.size, row.seconds, row.result) for row in rows]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    for cells in columns:
        print(" | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
