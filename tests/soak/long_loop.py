"""Runs part `loop`: one process of `pfscim sync --every` for hundreds of cycles, while the source changes.

Its memory, file descriptors, threads and state file must not grow from cycle to cycle.
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
# The users of each kind of change. The guard allows this number of leavers.
PROMOTED = range(20)
LEAVERS = range(20, 30)
DISABLED = range(30, 40)
CHANGES = ["none", "titles", "leavers", "disabled"]
# The source changes every second cycle. So each of the four changes happens before the end of the first window.
CYCLES_PER_CHANGE = 2
# Each value is measured after each cycle. The highest of the first window is compared with the lowest of the last window,
# so variation is not mistaken for growth.
FIRST_WINDOW = range(6, 11)
LAST_WINDOW = 5
CYCLES_MIN = 20
# The source does not change in the last cycles, so the target has the users of the source at the end.
UNCHANGED_CYCLES = 4
# The shortest interval that pfscim accepts.
INTERVAL = "1s"
# Long enough for the first cycle, which creates all users, on a busy machine.
CYCLE_TIMEOUT_SECONDS = 120
# pfscim closes the state file after it prints the summary of a cycle; the measurement waits for that.
SETTLE_SECONDS = 0.2
STOP_TIMEOUT_SECONDS = 30
# The exit status after a signal: while pfscim waits for the next cycle, and in a cycle.
SIGNAL_STATUSES = (0, 3)
STDERR_CHARACTERS_MAX = 4000


@dataclass(frozen=True)
class Measure:
    """A measured value, with the growth that is allowed between the two windows."""

    name: str
    unit: str
    read: Callable[[int, Path], int]
    """Arguments: the process id and the state file."""
    growth_max: int

    def with_unit(self, value: int) -> str:
        return f"{value} {self.unit}".rstrip()


def status_field(process: int, field: str) -> int:
    """Returns a number from /proc/PID/status."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise AssertionError(f"/proc/{process}/status has no {field}")


def state_size(state: Path) -> int:
    """Returns the bytes of the state file, with the journal of SQLite if one exists."""
    size = 0
    for path in state.parent.glob(f"{state.name}*"):
        # The next cycle may have begun; it may remove its journal between `glob` and `stat`.
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


MEASURES = [
    # The memory that the allocator reserves varies. In 300 cycles this limit finds a leak of 15 KB a cycle. That is 75
    # bytes for each user that a cycle reads.
    Measure("memory", "KB", lambda process, _: status_field(process, "VmRSS"), 4096),
    # On a busy machine, all last measurements may happen during a cycle. A cycle has up to 8 more descriptors: a connection
    # for each of 4 threads, the state file and its journal, the source. A leak in each cycle, or after each change, exceeds
    # this limit.
    Measure("descriptors", "", lambda process, _: len(os.listdir(f"/proc/{process}/fd")), 8),
    # For the same reason: a cycle has 4 more threads.
    Measure("threads", "", lambda process, _: status_field(process, "Threads"), 4),
    # Four pages of SQLite, which reuses freed pages. In 300 cycles this limit finds one row of 60 bytes a cycle.
    Measure("state file", "bytes", lambda _, state: state_size(state), 4 * 4096),
]


def run(options: Options) -> Result:
    with tempfile.TemporaryDirectory() as temporary, ScimServer() as server:
        loop = Loop(Path(temporary), server, options)
        try:
            loop.run_cycles()
            failures = loop.differing_users() + loop.growth()
        except LoopError as error:
            failures = [str(error)]
        finally:
            loop.stop()
        for failure in failures:
            print(f"FAILED: {failure}")
        if failures:
            print(f"--- standard error of pfscim\n{loop.error_output()}", flush=True)
        return Result(f"{loop.cycles} cycles, {loop.changes} changes", failures)


class LoopError(Exception):
    """The loop ended early; the message has the reason."""


class Loop:
    """One process of `pfscim sync --every`, with its source, its state file and the values measured after each cycle."""

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
            INTERVAL,
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
        """Puts the lines of the program into the queue, and an empty line when the program ended."""
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def run_cycles(self) -> None:
        """Waits for all cycles, changes the source between them, and stops the program."""
        writing_cycles = 0
        while self.cycles < self.cycles_max:
            summary = self.wait_for_cycle()
            writing_cycles += sum(summary.values()) > summary["unchanged"]
            if self.cycles % CYCLES_PER_CHANGE == 0 and self.cycles <= self.cycles_max - UNCHANGED_CYCLES:
                self.changes += 1
                self.write_source()
            if self.cycles % 50 == 0 or self.cycles == FIRST_WINDOW[-1]:
                print(f"cycle {self.cycles}: {self.last_values()}", flush=True)
        # The first cycle writes too: it is the first load.
        if writing_cycles != self.changes + 1:
            raise LoopError(
                f"{self.changes} changes of the source, but {writing_cycles - 1} cycles that wrote after the first load"
            )
        self.process.terminate()
        try:
            status = self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise LoopError(f"the program did not stop within {STOP_TIMEOUT_SECONDS} seconds") from None
        if status not in SIGNAL_STATUSES:
            raise LoopError(f"the program ended with status {status} after the signal to stop")

    def wait_for_cycle(self) -> dict[str, int]:
        """Waits for the end of a cycle and measures. Returns its summary."""
        deadline = time.monotonic() + CYCLE_TIMEOUT_SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise LoopError(f"cycle {self.cycles + 1} did not end within {CYCLE_TIMEOUT_SECONDS} seconds") from None
            if not line:
                status = self.process.wait(STOP_TIMEOUT_SECONDS)
                raise LoopError(f"the program ended in or after cycle {self.cycles}, with status {status}")
            if "summary" in (record := json.loads(line)):
                break
        self.cycles += 1
        if record["summary"]["failed"]:
            raise LoopError(f"cycle {self.cycles} failed for {record['summary']['failed']} users")
        time.sleep(SETTLE_SECONDS)
        for measure in MEASURES:
            self.measured[measure.name].append(measure.read(self.process.pid, self.state))
        return record["summary"]

    def write_source(self) -> None:
        """Writes the source after the current number of changes, and replaces the old one in one step.

        So a cycle that reads it at that time gets the old source or the new one.
        """
        kind = CHANGES[self.changes % len(CHANGES)]
        leavers = LEAVERS if kind == "leavers" else range(0)
        disabled = DISABLED if kind == "disabled" else range(0)
        with (self.folder / "new").open("w", encoding="utf-8") as file:
            population.write(file, PROMOTED, "Architect" if kind == "titles" else "Engineer")
            population.write(file, [n for n in USERS if n not in PROMOTED and n not in leavers], disabled=disabled)
        (self.folder / "new").replace(self.folder / "people.ldif")
        self.promoted = PROMOTED if kind == "titles" else range(0)
        self.inactive = {*leavers, *disabled}

    def differing_users(self) -> list[str]:
        """Returns a failure if users at the target differ from those of the source."""
        users = self.server.users()
        differing = sorted(users.keys() ^ {population.name(n) for n in USERS})
        for number in USERS:
            user = users.get(population.name(number), {})
            title = "Architect" if number in self.promoted else "Engineer"
            if user and (user.get("active", True), user.get("title")) != (number not in self.inactive, title):
                differing.append(population.name(number))
        return [f"{len(differing)} users differ at the target, the first: {differing[0]}"] if differing else []

    def growth(self) -> list[str]:
        """Prints all measures, and returns a failure for each one that grew by more than its limit."""
        failures = []
        print(f"highest of cycles {FIRST_WINDOW[0]} to {FIRST_WINDOW[-1]}, and lowest of the last {LAST_WINDOW}:")
        for measure in MEASURES:
            values = self.measured[measure.name]
            first = max(values[FIRST_WINDOW[0] - 1 : FIRST_WINDOW[-1]])
            last = min(values[-LAST_WINDOW:])
            print(f"  {measure.name} {measure.with_unit(first)} and {measure.with_unit(last)}")
            if last > first + measure.growth_max:
                growth = measure.with_unit(last - first)
                failures.append(f"{measure.name} grew by {growth}, limit {measure.growth_max}")
        return failures

    def last_values(self) -> str:
        """Returns the last measured values as text."""
        return ", ".join(f"{m.name} {m.with_unit(self.measured[m.name][-1])}" for m in MEASURES)

    def stop(self) -> None:
        """Kills the program if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def error_output(self) -> str:
        """Returns the end of the program's standard error."""
        return (self.folder / "err").read_text(encoding="utf-8", errors="replace")[-STDERR_CHARACTERS_MAX:]
