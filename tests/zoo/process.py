"""Processes of the tests: started, waited for until they answer, and ended by their process id, whatever happens.

Knows nothing of SCIM.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "gradle"))

from programs import require  # noqa: E402, F401

BUILD = HERE.parents[1] / "build" / "servers"
LOOPBACK = "127.0.0.1"
START_SECONDS = 30
END_SECONDS = 10

Command = Sequence[str | Path]


class NotStarted(RuntimeError):
    """A server of the tests does not run; the message has its last words."""


def built(path: str) -> Path:
    """Returns a file or folder that ./gradlew :tests:zoo:servers makes."""
    if not (BUILD / path).exists():
        raise NotStarted(f"{BUILD / path} does not exist: run ./gradlew :tests:zoo:servers first")
    return BUILD / path


class Process:
    """One process, with what it says on standard error kept for the day it fails."""

    def __init__(self, command: Command, **more: Any) -> None:
        self.name = Path(command[0]).name
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (lives as long as the process)
        try:
            self._process = subprocess.Popen([str(part) for part in command], stderr=self._said, text=True, **more)
        except OSError as failure:
            raise NotStarted(f"{command[0]}: {failure}") from failure

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        """The end of what it wrote to standard error."""
        self._said.seek(0)
        return self._said.read()[-4000:]

    def end(self) -> None:
        """Asks it to end, and makes it."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            if pipe is not None:
                pipe.close()


class Told(Process):
    """A program of this folder: its settings are one line of standard input, its port is its first line of output.

    It ends with its standard input, so it does not outlive a test run that is killed.
    """

    def __init__(self, command: Command, settings: dict[str, Any], **more: Any) -> None:
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        try:
            self._tell(settings)
            self.port = int(self._answer())
        except (OSError, ValueError) as failure:
            said = self.said()
            self.end()
            raise NotStarted(f"{' '.join(map(str, command))}\n{failure}\n{said}") from failure

    def order(self, order: dict[str, Any]) -> None:
        """Tells a running program something and waits until it has understood."""
        self._tell(order)
        self._answer()

    def _tell(self, value: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        # A program that says nothing must not hold the tests up for ever.
        watch = threading.Timer(START_SECONDS, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            raise OSError("it ended, or was silent for too long")
        return line.strip()


def on_free_port(command: Callable[[int], Command], ready: Callable[[int], bool] | None = None) -> tuple[Process, int]:
    """A program that must be told its port, and waits to be asked on it."""
    said = ""
    # Another program may take the free port before this one does.
    for _ in range(3):
        port = free_port()
        process = Process(command(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while process.runs and time.monotonic() < deadline:
            if listens(port) and (ready is None or ready(port)):
                return process, port
            time.sleep(0.05)
        said = process.said()
        process.end()
    raise NotStarted(f"{process.name} does not start: {said}")


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
