"""Part `generated`: the `proptest!` blocks of the Rust crates with many cases.

One seed decides all cases, so a failure is repeated exactly with the same seed and number of cases.
"""

import os
import re
import signal
import subprocess
import tempfile
from collections import Counter

from kit.program import ROOT
from part import Options, Result

BLOCK = re.compile(r"^( *)proptest! \{$(.*?)^\1\}$", re.MULTILINE | re.DOTALL)
PROPERTY = re.compile(r"#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)\(")
OUTCOME = re.compile(r"^test (\S+) \.\.\. (\w+)", re.MULTILINE)
# The same packages as everywhere, so that cargo compiles nothing twice.
CARGO = ["cargo", "test", "--workspace", "--locked", "--tests", "--no-fail-fast"]
# A build from nothing takes a few minutes.
BUILD_SECONDS = 1800
# A busy machine with 2 cores needs 0.06 seconds for one case of all properties.
CASE_SECONDS = 0.3
CHARACTERS_MAX = 6000


def run(options: Options) -> Result:
    names = properties()
    size = f"{names.total()} properties, PROPTEST_CASES={options.cases}"
    print(f"{size}, seed {options.seed}", flush=True)
    status, output = cargo([*CARGO, "--no-run"], {}, BUILD_SECONDS)
    if status != 0:
        print(output[-CHARACTERS_MAX:])
        return Result(size, [f"cargo test --no-run ended with status {status}"])
    environment = {
        "PROPTEST_CASES": str(options.cases),
        "PROPTEST_RNG_SEED": str(options.seed),
        # A property may reject cases, always the same share of them; the usual limit is a fixed number.
        "PROPTEST_MAX_GLOBAL_REJECTS": str(options.cases),
        # The seed is enough to repeat a failure; without this, proptest writes files next to the source.
        "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "true",
    }
    # The names are parts of names to cargo, which may select a few tests more.
    status, output = cargo([*CARGO, "--", *sorted(names)], environment, BUILD_SECONDS + CASE_SECONDS * options.cases)
    ended = [(path.rsplit("::", 1)[-1], outcome) for path, outcome in OUTCOME.findall(output)]
    failures = [name for name, outcome in ended if outcome == "FAILED"]
    ran = Counter(name for name, outcome in ended if outcome in ("ok", "FAILED"))
    failures += [f"{name} did not run" for name, times in names.items() if ran[name] < times]
    if status != 0 and not failures:
        failures.append(f"cargo test ended with status {status}")
    if failures:
        print(output[max(output.find("\nfailures:\n"), 0) :][:CHARACTERS_MAX])
        print(
            f"  repeat it: {options.repeat('generated', '--seed', options.seed, '--cases', options.cases)}", flush=True
        )
    return Result(size, failures)


def properties() -> Counter[str]:
    """The tests in `proptest!` blocks: name, and in how many blocks."""
    found: Counter[str] = Counter()
    for path in sorted((ROOT / "rust").rglob("*.rs")):
        text = path.read_text(encoding="utf-8")
        blocks = BLOCK.findall(text)
        names = [PROPERTY.findall(block) for _, block in blocks]
        assert len(blocks) == text.count("proptest! {") and all(names), f"{path}: a proptest! block is not understood"
        found.update(name for block in names for name in block)
    assert found, "no property was found"
    return found


def cargo(command: list[str], environment: dict[str, str], seconds: float) -> tuple[int | str, str]:
    """Status and output of cargo, which is killed with the tests that it started if it takes longer."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | str = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = f"unknown: killed after {seconds:.0f} seconds"
        finally:
            # A group of its own: cargo and its tests, nothing else.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        return status, output.read()
