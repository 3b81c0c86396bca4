"""Runs part `simulation`: many seeds of the simulation, and compares their findings with the known ones.

The seeds are those from 0 on. With `--hours`, they go on where the last such run ended.
"""

import subprocess

from kit.program import ROOT
from part import Options, Result

RESUME = ROOT / "build/simulation/next-seed"
# The known findings run before the time begins, and the last seed ends after it.
RESERVE_SECONDS = 600
# A machine with 2 cores runs 800 seeds in a second.
SEEDS_PER_SECOND_MIN = 20


def run(options: Options) -> Result:
    if options.hours is None:
        size = f"{options.simulated} seeds"
        arguments = ["--seeds", str(options.simulated)]
        timeout = options.simulated / SEEDS_PER_SECOND_MIN
    else:
        size = f"{options.hours:g} hours"
        timeout = options.hours * 3600
        RESUME.parent.mkdir(parents=True, exist_ok=True)
        arguments = ["--seconds", f"{timeout:.0f}", "--resume", str(RESUME)]
    command = [str(options.simulation), "run", "--shrink-known", *arguments]
    status = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=timeout + RESERVE_SECONDS, check=False
    ).returncode
    return Result(size, [f"the simulation ended with status {status}"] if status else [])
