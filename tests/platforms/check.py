"""The jar of the zip on every platform and Java that it is for, and its libraries where there is no Java: one table.

Usage: check.py ZIP PYTHON, where PYTHON is the environment that has zig. Servers are started on loopback and stopped.
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
from demo.demo import table  # noqa: E402
from kit.program import ROOT, Scenario, Setup  # noqa: E402
from libraries import Library  # noqa: E402
from runtimes import QUIET, RUNTIMES, Installed, Runtime  # noqa: E402
from zoo.scim2_server import ScimServer  # noqa: E402

WORK = ROOT / "build" / "platforms"
CLASSIFIERS = ("linux-x86_64", "linux-aarch64", "linux-x86_64-musl", "linux-aarch64-musl", "windows-x86_64")
RESTRICTED = "A restricted method in java.lang.System has been called"


class Broken(Exception):
    """What does not hold."""


class Rows:
    """The table as it grows."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.broken = 0

    def add(self, classifier: str, runs_on: str, check: Callable[[], str]) -> None:
        print(f"... {classifier} {runs_on}", flush=True)
        start = time.monotonic()
        try:
            told, verdict = check(), "ok"
        except (Broken, OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as e:
            told, verdict = str(e) or type(e).__name__, "NOT OK"
            self.broken += 1
            print(f"    {told}", flush=True)
        line = told.splitlines()[0]
        self.rows.append([classifier, runs_on, line, f"{time.monotonic() - start:.1f} s", verdict])


def main(archive: Path, zig: Path) -> int:
    shutil.rmtree(WORK / "zip", ignore_errors=True)
    with zipfile.ZipFile(archive) as release:
        release.extractall(WORK / "zip")
    (jar,) = (WORK / "zip").glob("*/pingfederate/server/default/deploy/*.jar")
    libraries = {classifier: unpacked(jar, classifier) for classifier in CLASSIFIERS}

    rows = Rows()
    for classifier, library in libraries.items():
        rows.add(classifier, "(the file itself)", lambda c=classifier, f=library: examined(c, f))
    with ScimServer() as server:
        for runtime in RUNTIMES:
            installed = Installed(runtime, WORK / "java", libraries[runtime.classifier])
            try:
                identity = installed.identify()
                installed.complaints()
                rows.add(runtime.classifier, identity, lambda i=installed: played(i, jar, server))
            finally:
                installed.stop()
        for cpu in ("x86_64", "aarch64"):
            classifier = f"linux-{cpu}-musl"
            rows.add(classifier, "musl, a C program", lambda a=cpu, c=classifier: called(zig, a, libraries[c], server))

    print(f"\n{archive.name}: {jar.name}")
    table(["library", "runs on", "what was seen", "time", ""], rows.rows)
    print(f"  {len(rows.rows)} checks, {rows.broken} of them not ok")
    return 1 if rows.broken else 0


def unpacked(jar: Path, classifier: str) -> Path:
    name = "pfscim.dll" if classifier.startswith("windows") else "libpfscim.so"
    with zipfile.ZipFile(jar) as content:
        return Path(content.extract(f"org/pfscim/connector/native/{classifier}/{name}", WORK / "zip" / "libraries"))


def examined(classifier: str, file: Path) -> str:
    library = Library(classifier, file)
    problems = library.problems([str(ROOT), str(Path.home() / ".cargo")])
    if problems:
        raise Broken("; ".join(problems))
    return str(library)


def played(installed: Installed, jar: Path, server: ScimServer) -> str:
    """Every cycle of the scenario, through the jar on that runtime."""
    scenario = Scenario("code42")
    server.hold(scenario.seed)
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(scenario, Path(folder), server.url, server.token, plugin=jar.parent)
        setup.environment = {"JAVA_HOME": str(installed.home)}
        for cycle in scenario.cycles:
            run = setup.sync(setup.directory(cycle["directory"]))
            if run.status != 0 or run.outcomes != cycle["outcomes"]:
                raise Broken(f"cycle {cycle['name']} ended with status {run.status}: {run.err or run.outcomes}")
            if server.users() != scenario.target(cycle):
                raise Broken(f"after cycle {cycle['name']} the target does not hold what the scenario expects")
    return f"{len(scenario.cycles)} cycles of {len(server.users())} users" + warned(installed)


def warned(installed: Installed) -> str:
    """Java 24 and later warn of native access, unless they are told that it is wanted."""
    runtime: Runtime = installed.runtime
    warns = RESTRICTED in installed.complaints()
    expected = int(runtime.version.split(".")[0]) >= 24 and runtime.options != QUIET
    if warns != expected:
        raise Broken(f"Java {'warns' if warns else 'does not warn'} of native access")
    told = "".join(f", with {option.partition('={')[0]}" for option in runtime.options)
    return told + (", with the native-access warning" if warns else "")


def called(zig: Path, cpu: str, library: Path, server: ScimServer) -> str:
    """A user's life through the library alone, in a program that runs on musl."""
    program = WORK / f"caller-{cpu}"
    java = Path(shutil.which("javac")).resolve().parents[1] / "include"
    command = [zig, "-m", "ziglang", "cc", "-target", f"{cpu}-linux-musl", "-dynamic", "-Wall", "-Wextra"]
    command += [f"-I{java}", f"-I{java / 'linux'}", "-o", program, HERE / "caller.c"]
    subprocess.run(list(map(str, command)), check=True)
    emulated = ["qemu-aarch64"] if cpu == "aarch64" else []
    settings = {
        "SCIM_URL": server.url,
        "AUTHENTICATION_METHOD": "OAuth 2 Bearer Token",
        "OAUTH_ACCESS_TOKEN": server.token,
    }
    jane = {"userName": "jane@example.com", "workEmail": "jane@example.com", "givenName": "Jane", "familyName": "Doe"}
    server.hold([])
    with Caller([*emulated, program, library]) as caller:
        key = caller.open(settings)
        caller.call(CHECK, key)
        guid, created = caller.write(CREATE_USER, key, None, True, jane)
        found = caller.finds(key, jane["userName"])
        _, disabled = caller.write(REMOVE_USER, key, guid, True, jane)
        caller.call(CLOSE, key)
    told = [created.split()[0], f"found={found == (guid, True)}", disabled.split()[0]]
    active = server.users()[jane["userName"]].get("active")
    if told != ["outcome=created", "found=True", "outcome=disabled"] or active is not False:
        raise Broken(f"{' '.join(told)} active={active}")
    return "opened, called: a user created, found, disabled"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]).absolute()))
