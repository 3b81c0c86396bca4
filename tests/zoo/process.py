"""Starts the processes of the tests, waits until they are ready, and stops each one by its process id.

Does not know: SCIM.
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

ZOO = Path(__file__).resolve().parent
sys.path.insert(0, str(ZOO.parents[1] / "gradle"))

from programs import require  # noqa: E402, F401

SERVERS = ZOO.parents[1] / "build" / "servers"
LOOPBACK = "127.0.0.1"
START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 10
# A message contains at most this many characters of a process's standard error: the last ones.
STDERR_CHARACTERS_MAX = 4000

Command = Sequence[str | Path]


class StartError(RuntimeError):
    """A server of the tests did not start. The message contains the end of its standard error."""


def built_path(path: str) -> Path:
    """Returns the path of a file or folder that `./gradlew :tests:zoo:servers` makes."""
    if not (SERVERS / path).exists():
        raise StartError(f"{SERVERS / path} does not exist; run ./gradlew :tests:zoo:servers")
    return SERVERS / path


class Process:
    """One process. Its standard error is kept in a file, for the message if it fails."""

    def __init__(self, command: Command, **more: Any) -> None:
        self.name = Path(command[0]).name
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (lives as long as the process)
        try:
            self._process = subprocess.Popen([str(part) for part in command], stderr=self._stderr, text=True, **more)
        except OSError as failure:
            raise StartError(f"{command[0]}: {failure}") from failure

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def error_output(self) -> str:
        """Returns the end of its standard error."""
        self._stderr.seek(0)
        return self._stderr.read()[-STDERR_CHARACTERS_MAX:]

    def stop(self) -> None:
        """Terminates the process, and kills it if it does not end in time."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            if pipe is not None:
                pipe.close()


class ZooProgram(Process):
    """A program of this folder: its settings are one line of standard input, its port is its first line of output.

    It ends when its standard input closes, so it does not outlive a test run that is killed.
    """

    def __init__(self, command: Command, settings: dict[str, Any], **more: Any) -> None:
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        try:
            self._write_line(settings)
            self.port = int(self._read_line())
        except (OSError, ValueError) as failure:
            stderr = self.error_output()
            self.stop()
            raise StartError(f"{' '.join(map(str, command))}\n{failure}\n{stderr}") from failure

    def configure(self, settings: dict[str, Any]) -> None:
        """Sends new settings to the running program, and waits until it confirms them."""
        self._write_line(settings)
        self._read_line()

    def _write_line(self, value: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def _read_line(self) -> str:
        # `readline` has no timeout: a program that prints nothing would block the tests for ever.
        watchdog = threading.Timer(START_TIMEOUT_SECONDS, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise OSError(f"the program ended, or printed nothing for {START_TIMEOUT_SECONDS} seconds")
        return line.strip()


def start_on_free_port(
    command: Callable[[int], Command], is_ready: Callable[[int], bool] | None = None
) -> tuple[Process, int]:
    """Starts a program that gets its port on the command line. Returns the process and its port once it listens."""
    stderr = ""
    # Another program may take the free port before this one does.
    for _ in range(3):
        port = free_port()
        process = Process(command(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while process.is_running and time.monotonic() < deadline:
            if is_listening(port) and (is_ready is None or is_ready(port)):
                return process, port
            time.sleep(0.05)
        stderr = process.error_output()
        process.stop()
    raise StartError(f"{process.name} did not start: {stderr}")


def is_listening(port: int) -> bool:
    """Returns whether a program accepts connections on a loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """Returns a loopback port on which no program listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
