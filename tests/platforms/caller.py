"""Calls the native library without Java, through a C program (caller.c).

The frames are those of the connector's Java classes (Frame.java, NativeConnector.java).
"""

import struct
import subprocess
from pathlib import Path
from types import TracebackType

OPEN, CHECK, CLOSE, FIND_USER, CREATE_USER, REMOVE_USER = 1, 2, 3, 4, 5, 7
FRAME_VERSION = 1
STOP_TIMEOUT_SECONDS = 60
OPERATION_TIMEOUT_MILLISECONDS = 50_000


def string(value: str | None) -> bytes:
    data = b"" if value is None else value.encode()
    return struct.pack(">i", -1 if value is None else len(data)) + data


def strings(values: list[str]) -> bytes:
    return struct.pack(">i", len(values)) + b"".join(map(string, values))


def mapping(values: dict[str, bytes]) -> bytes:
    return struct.pack(">i", len(values)) + b"".join(string(name) + value for name, value in values.items())


class ResponseFrame:
    """A response frame. Each method reads the next value."""

    def __init__(self, frame: bytes) -> None:
        self._rest = memoryview(frame)

    def take(self, layout: str) -> int:
        (value,) = struct.unpack_from(">" + layout, self._rest)
        self._rest = self._rest[struct.calcsize(">" + layout) :]
        return value

    def string(self) -> str | None:
        length = self.take("i")
        if length < 0:
            return None
        text = bytes(self._rest[:length]).decode()
        self._rest = self._rest[length:]
        return text

    def strings(self) -> list[str | None]:
        return [self.string() for _ in range(self.take("i"))]


class Caller:
    """A running caller.c with the library."""

    def __init__(self, command: list[str | Path]) -> None:
        self._command = command

    def __enter__(self) -> "Caller":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stderr.close()
        self._process.stdout.close()

    def call(self, operation: int, key: int = 0, arguments: bytes = b"") -> ResponseFrame:
        """Calls the library. Raises a RuntimeError if the operation fails."""
        frame = struct.pack(">BBq?", FRAME_VERSION, operation, key, False) + arguments
        try:
            self._process.stdin.write(frame.hex() + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.stderr.read().strip() or "caller.c ended and printed nothing")
        response = ResponseFrame(bytes.fromhex(line))
        response.take("B")
        # The log lines of the call: level and text.
        for _ in range(response.take("i")):
            response.take("B"), response.string()
        if response.take("B") != 0:
            raise RuntimeError(response.string())
        return response

    def open(self, settings: dict[str, str]) -> int:
        """Opens a session without trust anchors and proxy. Returns its key."""
        values = mapping({name: string(value) for name, value in settings.items()})
        empty = struct.pack(">i", 0)
        timeout = struct.pack(">q", OPERATION_TIMEOUT_MILLISECONDS)
        return self.call(OPEN, 0, values + string("channel") + empty + empty + timeout).take("q")

    def write(
        self, operation: int, key: int, guid: str | None, enabled: bool, attributes: dict[str, str]
    ) -> tuple[str, str]:
        """Writes one user. Returns the target id and the text of the outcome."""
        values = mapping({code: strings([value]) for code, value in attributes.items()})
        response = self.call(operation, key, string(guid) + struct.pack(">?", enabled) + values + strings([]))
        return response.string(), response.string()

    def find(self, key: int, identifier: str) -> tuple[str, bool] | None:
        """Returns the target id of a user and whether the account is enabled, or None."""
        response = self.call(FIND_USER, key, string(None) + string(identifier))
        return (response.string(), bool(response.take("B"))) if response.take("B") else None
