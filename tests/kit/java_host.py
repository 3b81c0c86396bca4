"""Calls the Java host process with the deployed jar, line by line.

For what a run of the program cannot show, such as two cycles in one process.
"""

import os
import subprocess
import threading
import urllib.parse
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from zoo.process import require

from kit.program import DEPLOY, DIST

MAIN_CLASS = "org.pfscim.host.Main"
CALL_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class CallResult:
    """The result of one call."""

    succeeded: bool
    fields: dict[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, [""])[0]


class JavaHost:
    """A Java host process with the deployed jar. `call` makes one call at a time, `send` starts several at once."""

    def __init__(self, threads: int = 4, *java_options: str) -> None:
        jars = ":".join(map(str, [DIST / "lib" / "pfscim-host.jar", *sorted(DEPLOY.glob("*.jar"))]))
        program = [require("java"), *java_options, "-cp", jars, MAIN_CLASS]
        self._command = [*program, "--id", "PfScim", "--threads", str(threads)]
        self._last_number = 0
        self._results: dict[int, CallResult] = {}
        self._changed = threading.Condition()
        self._ended = False
        self.output: list[str] = []

    def __enter__(self) -> "JavaHost":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=os.environ
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)

    def send(self, operation: str, **fields: Any) -> int:
        """Sends a call. Returns its number. A list repeats its field, None omits it."""
        self._last_number += 1
        pairs = [(name.replace("__", "."), value) for name, value in fields.items() if value is not None]
        arguments = urllib.parse.urlencode(pairs, doseq=True)
        self._process.stdin.write(f"{self._last_number} {operation} {arguments}\n")
        self._process.stdin.flush()
        return self._last_number

    def wait_for(self, number: int) -> CallResult:
        """Waits for the result of a call."""
        with self._changed:
            ended = self._changed.wait_for(lambda: number in self._results or self._ended, CALL_TIMEOUT_SECONDS)
            assert ended and number in self._results, "\n".join(self.output)
            return self._results[number]

    def call(self, operation: str, **fields: Any) -> CallResult:
        """Sends a call and waits for its result."""
        return self.wait_for(self.send(operation, **fields))

    def init(self, settings: dict[str, str], channel: int = 0) -> CallResult:
        """Opens a session with target settings."""
        return self.call("init", channel=channel, **{f"p__{name}": value for name, value in settings.items()})

    def _read(self) -> None:
        for line in self._process.stdout:
            self.output.append(line.rstrip("\n"))
            number, _, rest = line.strip().partition(" ")
            status, _, fields = rest.partition(" ")
            if number.isdigit() and status in ("ok", "failed"):
                result = CallResult(status == "ok", urllib.parse.parse_qs(fields, keep_blank_values=True))
                with self._changed:
                    self._results[int(number)] = result
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
