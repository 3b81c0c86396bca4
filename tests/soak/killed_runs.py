"""Runs part `kills`: the scenario of `tests/program/test_crash.py` with many seeds.

A seed decides at which requests runs are killed. It does not decide the order of threads, so a seed that failed may pass
when it is repeated.
"""

import tempfile
from pathlib import Path

from kit.kills import converge
from part import Options, Result
from zoo.scim2_server import ScimServer

# More failures would show nothing new, and each may take a minute.
FAILURES_MAX = 5
# Of each failure, its last characters are printed.
CHARACTERS_MAX = 4000


def run(options: Options) -> Result:
    print(f"seeds {options.seed} to {options.seed + options.seeds - 1}", flush=True)
    failures: list[str] = []
    kills = seeds_run = 0
    with ScimServer() as server:
        for seed in range(options.seed, options.seed + options.seeds):
            seeds_run += 1
            try:
                with tempfile.TemporaryDirectory() as folder:
                    killed = converge(server, Path(folder), seed, options.program)
                assert killed > 0, "no run was killed"
                kills += killed
            except Exception as failure:
                failures.append(f"seed {seed}")
                print(f"seed {seed} FAILED: {type(failure).__name__}: {str(failure)[-CHARACTERS_MAX:]}")
                print(f"  to repeat: {options.command('kills', '--seed', seed)}", flush=True)
            if seeds_run % 10 == 0:
                print(f"{seeds_run} seeds, {kills} kills", flush=True)
            if len(failures) == FAILURES_MAX:
                print(f"stopped after {FAILURES_MAX} failures")
                break
    return Result(f"{seeds_run} seeds, {kills} kills", failures)
