"""Runs part `generated`: the `proptest!` blocks of the Rust crates with many cases.

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
# The same packages as in the other tasks of the build, so that cargo compiles nothing twice.
CARGO = ["cargo", "test", "--workspace", "--locked", "--tests", "--no-fail-fast"]
# A first build takes a few minutes.
BUILD_TIMEOUT_SECONDS = 1800
# For one case of all properties. A busy machine with 2 cores needs 0.06 seconds.
CASE_TIMEOUT_SECONDS = 0.3
CHARACTERS_MAX = 6000


def run(options: Options) -> Result:
    names = properties()
    size = f"{names.total()} properties, PROPTEST_CASES={options.cases}"
    print(f"{size}, seed {options.seed}", flush=True)
    status, output = cargo([*CARGO, "--no-run"], {}, BUILD_TIMEOUT_SECONDS)
    if status != 0:
        print(output[-CHARACTERS_MAX:])
        return Result(size, [f"cargo test --no-run ended with status {status}"])
    environment = {
        "PROPTEST_CASES": str(options.cases),
        "PROPTEST_RNG_SEED": str(options.seed),
        # A property may reject a share of its cases, so the limit grows with them. The default limit is a fixed number.
        "PROPTEST_MAX_GLOBAL_REJECTS": str(options.cases),
        # The seed is enough to repeat a failure; without this, proptest writes files next to the source.
        "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "true",
    }
    # Cargo selects every test whose name contains one of these names, so it may run a few more tests.
    timeout = BUILD_TIMEOUT_SECONDS + CASE_TIMEOUT_SECONDS * options.cases
    status, output = cargo([*CARGO, "--", *sorted(names)], environment, timeout)
    results = [(path.rsplit("::", 1)[-1], outcome) for path, outcome in OUTCOME.findall(output)]
    failures = [name for name, outcome in results if outcome == "FAILED"]
    runs = Counter(name for name, outcome in results if outcome in ("ok", "FAILED"))
    failures += [f"{name} did not run" for name, count in names.items() if runs[name] < count]
    if status != 0 and not failures:
        failures.append(f"cargo test ended with status {status}")
    if failures:
        print(output[max(output.find("\nfailures:\n"), 0) :][:CHARACTERS_MAX])
        print(
            f"  to repeat: {options.command('generated', '--seed', options.seed, '--cases', options.cases)}", flush=True
        )
    return Result(size, failures)


def properties() -> Counter[str]:
    """Returns the names of the tests in `proptest!` blocks, and how many tests have each name."""
    properties: Counter[str] = Counter()
    for path in sorted((ROOT / "rust").rglob("*.rs")):
        text = path.read_text(encoding="utf-8")
        blocks = BLOCK.findall(text)
        names = [PROPERTY.findall(block) for _, block in blocks]
        assert len(blocks) == text.count("proptest! {") and all(names), f"{path}: a proptest! block cannot be parsed"
        properties.update(name for block in names for name in block)
    assert properties, "rust contains no proptest! block"
    return properties


def cargo(command: list[str], environment: dict[str, str], timeout: float) -> tuple[int | str, str]:
    """Runs cargo. Returns its status and output. After `timeout` seconds, cargo and its tests are killed."""
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
            status: int | str = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = f"unknown: killed after {timeout:.0f} seconds"
        finally:
            # The process group contains cargo and its tests only, because of start_new_session.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        return status, output.read()
