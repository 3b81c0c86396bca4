"""Part `loop`: one process of `pfscim sync --every` for hundreds of cycles, while the source changes.

What the process holds between cycles must not grow: memory, file descriptors, threads, the state file.
"""

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit import population
from part import Options, Result
from zoo.scim2_server import ScimServer

USERS = range(200)
# The users of each kind of change. The guard allows so many leavers.
PROMOTED = range(20)
LEAVERS = range(20, 30)
DISABLED = range(30, 40)
CHANGES = ["none", "titles", "leavers", "disabled"]
# A change every second cycle: each of the four was there before the first measurement counts.
CYCLES_PER_CHANGE = 2
# Measured after each cycle; the highest of the first window is compared with the lowest of the last one, so what comes
# and goes is not taken for growth.
FIRST_WINDOW = range(6, 11)
LAST_WINDOW = 5
CYCLES_MIN = 20
# The last cycles change nothing, so that the target has what the source has.
QUIET_CYCLES = 4
# The shortest interval that pfscim accepts.
EVERY = "1s"
# The first cycle creates all users, on a busy machine.
CYCLE_SECONDS = 120
# After the summary of a cycle is printed, the state file is closed.
SETTLE_SECONDS = 0.2
STOP_SECONDS = 30
# The exit status if it waited for the next cycle, or was in one.
STOPPED = (0, 3)
CHARACTERS_MAX = 4000


@dataclass(frozen=True)
class Measure:
    """One thing that must not grow, and by how much it may."""

    name: str
    unit: str
    read: Callable[[int, Path], int]
    """From the process id and the state file."""
    growth_max: int

    def amount(self, value: int) -> str:
        return f"{value} {self.unit}".rstrip()


def status_field(process: int, field: str) -> int:
    """A number of the kernel's status of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise AssertionError(f"/proc/{process}/status has no {field}")


def state_size(state: Path) -> int:
    """The state file, with the journal of SQLite if one exists."""
    size = 0
    for path in state.parent.glob(f"{state.name}*"):
        # The next cycle may have begun, and have removed its journal.
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


MEASURES = [
    # What the allocator keeps varies. In 300 cycles this finds 15 KB a cycle: 75 bytes for each user that a cycle reads.
    Measure("memory", "KB", lambda process, _: status_field(process, "VmRSS"), 4096),
    # If the machine is so busy that all last measurements were in a cycle: a connection for each of its 4 threads, the
    # state file and its journal, the source. One that stays open in each cycle, or after each change, is many more.
    Measure("descriptors", "", lambda process, _: len(os.listdir(f"/proc/{process}/fd")), 8),
    # For the same reason, the 4 threads of a cycle.
    Measure("threads", "", lambda process, _: status_field(process, "Threads"), 4),
    # Four pages of SQLite, which uses freed ones again. In 300 cycles this finds one row of 60 bytes a cycle.
    Measure("state file", "bytes", lambda _, state: state_size(state), 4 * 4096),
]


def run(options: Options) -> Result:
    with tempfile.TemporaryDirectory() as temporary, ScimServer() as server:
        loop = Loop(Path(temporary), server, options)
        try:
            loop.play()
            failures = loop.wrong_users() + loop.growth()
        except Broken as broken:
            failures = [str(broken)]
        finally:
            loop.end()
        for failure in failures:
            print(f"FAILED: {failure}")
        if failures:
            print(f"--- standard error of pfscim\n{loop.said()}", flush=True)
        return Result(f"{loop.cycles} cycles, {loop.changes} changes", failures)


class Broken(Exception):
    """Why the loop ended early."""


class Loop:
    """One process of `pfscim sync --every`, with its source, its state file and what was measured after each cycle."""

    def __init__(self, folder: Path, server: ScimServer, options: Options) -> None:
        self.folder, self.server = folder, server
        self.state = folder / "x.state"
        self.cycles_max = options.cycles
        self.cycles = self.changes = 0
        self.measured: dict[str, list[int]] = {measure.name: [] for measure in MEASURES}
        self.lines: queue.Queue[str] = queue.Queue()
        (folder / "c.json").write_text(json.dumps(population.connection(server.url)))
        self.write_source()
        arguments = [
            "sync",
            "c.json",
            "--source",
            f"ldif:{folder / 'people.ldif'}",
            "--state",
            self.state,
            "--every",
            EVERY,
            "--json",
            "--secret",
            "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN",
        ]
        with (folder / "err").open("w", encoding="utf-8") as err:
            self.process = subprocess.Popen(
                [options.program, *arguments],
                cwd=folder,
                env=os.environ | {"TARGET_TOKEN": server.token},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        """Passes the lines of the program on; an empty one when the program ended."""
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def play(self) -> None:
        """All cycles, until the program ended."""
        writing = 0
        while self.cycles < self.cycles_max:
            summary = self.cycle()
            writing += sum(summary.values()) > summary["unchanged"]
            if self.cycles % CYCLES_PER_CHANGE == 0 and self.cycles <= self.cycles_max - QUIET_CYCLES:
                self.changes += 1
                self.write_source()
            if self.cycles % 50 == 0 or self.cycles == FIRST_WINDOW[-1]:
                print(f"cycle {self.cycles}: {self.described()}", flush=True)
        # One of them is the first load.
        if writing != self.changes + 1:
            raise Broken(
                f"{self.changes} changes of the source, but {writing - 1} cycles after the first one that wrote"
            )
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"the program did not stop within {STOP_SECONDS} seconds") from None
        if status not in STOPPED:
            raise Broken(f"the program ended with status {status} when it was stopped")

    def cycle(self) -> dict[str, int]:
        """Waits for the end of a cycle and measures. Returns its summary."""
        deadline = time.monotonic() + CYCLE_SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise Broken(f"cycle {self.cycles + 1} did not end within {CYCLE_SECONDS} seconds") from None
            if not line:
                raise Broken(
                    f"the program ended in or after cycle {self.cycles}, with status {self.process.wait(STOP_SECONDS)}"
                )
            if "summary" in (said := json.loads(line)):
                break
        self.cycles += 1
        if said["summary"]["failed"]:
            raise Broken(f"cycle {self.cycles} failed for {said['summary']['failed']} users")
        time.sleep(SETTLE_SECONDS)
        for measure in MEASURES:
            self.measured[measure.name].append(measure.read(self.process.pid, self.state))
        return said["summary"]

    def write_source(self) -> None:
        """Writes the source as it is after so many changes, in one step for a cycle that reads it."""
        kind = CHANGES[self.changes % len(CHANGES)]
        leavers = LEAVERS if kind == "leavers" else range(0)
        disabled = DISABLED if kind == "disabled" else range(0)
        with (self.folder / "new").open("w", encoding="utf-8") as file:
            population.write(file, PROMOTED, "Architect" if kind == "titles" else "Engineer")
            population.write(file, [n for n in USERS if n not in PROMOTED and n not in leavers], disabled=disabled)
        (self.folder / "new").replace(self.folder / "people.ldif")
        self.promoted = PROMOTED if kind == "titles" else range(0)
        self.inactive = {*leavers, *disabled}

    def wrong_users(self) -> list[str]:
        """Which users the target does not have as the source has them."""
        users = self.server.users()
        wrong = sorted(users.keys() ^ {population.name(n) for n in USERS})
        for number in USERS:
            user = users.get(population.name(number), {})
            title = "Architect" if number in self.promoted else "Engineer"
            if user and (user.get("active", True), user.get("title")) != (number not in self.inactive, title):
                wrong.append(population.name(number))
        return [f"{len(wrong)} users differ at the target, the first: {wrong[0]}"] if wrong else []

    def growth(self) -> list[str]:
        """What grew by more than its bound."""
        failures = []
        print(f"highest of cycles {FIRST_WINDOW[0]} to {FIRST_WINDOW[-1]}, and lowest of the last {LAST_WINDOW}:")
        for measure in MEASURES:
            values = self.measured[measure.name]
            first = max(values[FIRST_WINDOW[0] - 1 : FIRST_WINDOW[-1]])
            last = min(values[-LAST_WINDOW:])
            print(f"  {measure.name} {measure.amount(first)} and {measure.amount(last)}")
            if last > first + measure.growth_max:
                failures.append(f"{measure.name} grew by {measure.amount(last - first)}, bound {measure.growth_max}")
        return failures

    def described(self) -> str:
        """What was measured last."""
        return ", ".join(f"{m.name} {m.amount(self.measured[m.name][-1])}" for m in MEASURES)

    def end(self) -> None:
        """Ends the program, also in the middle of a cycle."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """The end of what the program wrote to standard error."""
        return (self.folder / "err").read_text(encoding="utf-8", errors="replace")[-CHARACTERS_MAX:]
