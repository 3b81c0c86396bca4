"""Checks the jar of the zip on every supported platform and Java, and prints one table. Usage: check.py ZIP PYTHON

PYTHON is the interpreter of the environment that has zig. The musl libraries are called by a C program, without Java.
Servers listen on loopback and are stopped at the end.
"""

import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from caller import CHECK, CLOSE, CREATE_USER, REMOVE_USER, Caller  # noqa: E402
from demo.demo import print_table  # noqa: E402
from kit.program import ROOT, Scenario, Setup  # noqa: E402
from libraries import Library  # noqa: E402
from runtimes import NATIVE_ACCESS, RUNTIMES, InstalledRuntime, Runtime  # noqa: E402
from zoo.scim2_server import ScimServer  # noqa: E402

WORK = ROOT / "build" / "platforms"
CLASSIFIERS = ("linux-x86_64", "linux-aarch64", "linux-x86_64-musl", "linux-aarch64-musl", "windows-x86_64")
NATIVE_ACCESS_WARNING = "A restricted method in java.lang.System has been called"


class CheckFailure(Exception):
    """A check failed; the message has the reason."""


class Table:
    """The rows of the table, and the number of failed checks."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.failures = 0

    def add(self, classifier: str, runs_on: str, check: Callable[[], str]) -> None:
        print(f"... {classifier} {runs_on}", flush=True)
        start = time.monotonic()
        try:
            result, verdict = check(), "ok"
        except (CheckFailure, OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as failure:
            result, verdict = str(failure) or type(failure).__name__, "FAILED"
            self.failures += 1
            print(f"    {result}", flush=True)
        first_line = result.splitlines()[0]
        self.rows.append([classifier, runs_on, first_line, f"{time.monotonic() - start:.1f} s", verdict])


def main(archive: Path, zig: Path) -> int:
    shutil.rmtree(WORK / "zip", ignore_errors=True)
    with zipfile.ZipFile(archive) as release:
        release.extractall(WORK / "zip")
    (jar,) = (WORK / "zip").glob("*/pingfederate/server/default/deploy/*.jar")
    libraries = {classifier: extract_library(jar, classifier) for classifier in CLASSIFIERS}

    table = Table()
    for classifier, library in libraries.items():
        table.add(classifier, "(the file itself)", lambda c=classifier, f=library: check_file(c, f))
    with ScimServer() as server:
        for runtime in RUNTIMES:
            installed = InstalledRuntime(runtime, WORK / "java", libraries[runtime.classifier])
            try:
                identity = installed.identify()
                installed.take_stderr()
                table.add(runtime.classifier, identity, lambda i=installed: check_scenario(i, jar, server))
            finally:
                installed.stop()
        for cpu in ("x86_64", "aarch64"):
            classifier = f"linux-{cpu}-musl"
            table.add(
                classifier, "musl, a C program", lambda a=cpu, c=classifier: check_calls(zig, a, libraries[c], server)
            )

    print(f"\n{archive.name}: {jar.name}")
    print_table(["library", "runs on", "result", "time", ""], table.rows)
    print(f"  {len(table.rows)} checks, {table.failures} failed")
    return 1 if table.failures else 0


def extract_library(jar: Path, classifier: str) -> Path:
    name = "pfscim.dll" if classifier.startswith("windows") else "libpfscim.so"
    with zipfile.ZipFile(jar) as content:
        return Path(content.extract(f"org/pfscim/connector/native/{classifier}/{name}", WORK / "zip" / "libraries"))


def check_file(classifier: str, file: Path) -> str:
    """Checks the dependencies and the content of a library's file."""
    library = Library(classifier, file)
    problems = library.problems([str(ROOT), str(Path.home() / ".cargo")])
    if problems:
        raise CheckFailure("; ".join(problems))
    return str(library)


def check_scenario(installed: InstalledRuntime, jar: Path, server: ScimServer) -> str:
    """Runs every cycle of the scenario through the jar on that runtime, and checks the target."""
    scenario = Scenario("code42")
    server.replace_resources(scenario.seed)
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(scenario, Path(folder), server.url, server.token, plugin=jar.parent)
        setup.environment = {"JAVA_HOME": str(installed.home)}
        for cycle in scenario.cycles:
            run = setup.sync(setup.directory(cycle["directory"]))
            if run.status != 0 or run.outcomes != cycle["outcomes"]:
                raise CheckFailure(f"cycle {cycle['name']} ended with status {run.status}: {run.err or run.outcomes}")
            if server.users() != scenario.target(cycle):
                raise CheckFailure(f"after cycle {cycle['name']} the target differs from what the scenario expects")
    return f"{len(scenario.cycles)} cycles of {len(server.users())} users" + check_warning(installed)


def check_warning(installed: InstalledRuntime) -> str:
    """Checks that exactly Java 24 and later warn of native access, unless an option allows it."""
    runtime: Runtime = installed.runtime
    warns = NATIVE_ACCESS_WARNING in installed.take_stderr()
    expected = int(runtime.version.split(".")[0]) >= 24 and runtime.options != NATIVE_ACCESS
    if warns != expected:
        raise CheckFailure(f"Java {'warns' if warns else 'does not warn'} of native access")
    options = "".join(f", with {option.partition('={')[0]}" for option in runtime.options)
    return options + (", with the native-access warning" if warns else "")


def check_calls(zig: Path, cpu: str, library: Path, server: ScimServer) -> str:
    """Creates, finds and disables a user through the library alone, in a program that runs on musl."""
    program = WORK / f"caller-{cpu}"
    jni = Path(shutil.which("javac")).resolve().parents[1] / "include"
    command = [zig, "-m", "ziglang", "cc", "-target", f"{cpu}-linux-musl", "-dynamic", "-Wall", "-Wextra"]
    command += [f"-I{jni}", f"-I{jni / 'linux'}", "-o", program, HERE / "caller.c"]
    subprocess.run(list(map(str, command)), check=True)
    emulator = ["qemu-aarch64"] if cpu == "aarch64" else []
    settings = {
        "SCIM_URL": server.url,
        "AUTHENTICATION_METHOD": "OAuth 2 Bearer Token",
        "OAUTH_ACCESS_TOKEN": server.token,
    }
    jane = {"userName": "jane@example.com", "workEmail": "jane@example.com", "givenName": "Jane", "familyName": "Doe"}
    server.replace_resources([])
    with Caller([*emulator, program, library]) as caller:
        key = caller.open(settings)
        caller.call(CHECK, key)
        guid, created = caller.write(CREATE_USER, key, None, True, jane)
        found = caller.find(key, jane["userName"])
        _, disabled = caller.write(REMOVE_USER, key, guid, True, jane)
        caller.call(CLOSE, key)
    results = [created.split()[0], f"found={found == (guid, True)}", disabled.split()[0]]
    active = server.users()[jane["userName"]].get("active")
    if results != ["outcome=created", "found=True", "outcome=disabled"] or active is not False:
        raise CheckFailure(f"{' '.join(results)} active={active}")
    return "created, found and disabled a user"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]).absolute()))
