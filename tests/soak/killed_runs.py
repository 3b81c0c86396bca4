"""Part `kills`: the scenario of `tests/program/test_crash.py` with many seeds.

A seed decides at which requests runs are killed. The order of threads is not part of it, so a seed that failed may
pass when it is repeated.
"""

import tempfile
from pathlib import Path

from kit.kills import converge
from part import Options, Result
from zoo.scim2_server import ScimServer

# More failures of the same kind say nothing new, and each one may wait for a minute.
FAILURES_MAX = 5
# So much of the program's output is printed for a failure.
CHARACTERS_MAX = 4000


def run(options: Options) -> Result:
    print(f"seeds {options.seed} to {options.seed + options.seeds - 1}", flush=True)
    failures: list[str] = []
    kills = done = 0
    with ScimServer() as server:
        for seed in range(options.seed, options.seed + options.seeds):
            done += 1
            try:
                with tempfile.TemporaryDirectory() as folder:
                    killed = converge(server, Path(folder), seed, options.program)
                assert killed > 0, "no run was killed"
                kills += killed
            except Exception as failure:
                failures.append(f"seed {seed}")
                print(f"seed {seed} FAILED: {type(failure).__name__}: {str(failure)[-CHARACTERS_MAX:]}")
                print(f"  repeat it: {options.repeat('kills', '--seed', seed)}", flush=True)
            if done % 10 == 0:
                print(f"{done} seeds, {kills} kills", flush=True)
            if len(failures) == FAILURES_MAX:
                print(f"stops after {FAILURES_MAX} failures")
                break
    return Result(f"{done} seeds, {kills} kills", failures)
