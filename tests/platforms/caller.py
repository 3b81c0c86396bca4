"""The native library without Java: a C program (caller.c) opens it and passes on frames, which are made and read here as
the connector's Java half does (Frame.java, NativeConnector.java)."""

import struct
import subprocess
from pathlib import Path
from types import TracebackType

OPEN, CHECK, CLOSE, FIND_USER, CREATE_USER, REMOVE_USER = 1, 2, 3, 4, 5, 7
SECONDS = 60


def string(value: str | None) -> bytes:
    data = b"" if value is None else value.encode()
    return struct.pack(">i", -1 if value is None else len(data)) + data


def strings(values: list[str]) -> bytes:
    return struct.pack(">i", len(values)) + b"".join(map(string, values))


def mapping(values: dict[str, bytes]) -> bytes:
    return struct.pack(">i", len(values)) + b"".join(string(name) + value for name, value in values.items())


class Answer:
    """A frame, read from its beginning."""

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
    """A running program with the library in it."""

    def __init__(self, command: list[str | Path]) -> None:
        self._command = command

    def __enter__(self) -> "Caller":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stderr.close()
        self._process.stdout.close()

    def call(self, operation: int, key: int = 0, arguments: bytes = b"") -> Answer:
        """One call of the library; a failure that it answers is an error here."""
        frame = struct.pack(">BBq?", 1, operation, key, False) + arguments
        try:
            self._process.stdin.write(frame.hex() + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.stderr.read().strip() or "the program ended without a word")
        answer = Answer(bytes.fromhex(line))
        answer.take("B")
        for _ in range(answer.take("i")):
            answer.take("B"), answer.string()
        if answer.take("B") != 0:
            raise RuntimeError(answer.string())
        return answer

    def open(self, settings: dict[str, str]) -> int:
        """Opens a session; no trust anchors, no proxy, 50 s for an operation."""
        nothing = struct.pack(">i", 0)
        given = mapping({name: string(value) for name, value in settings.items()})
        return self.call(OPEN, 0, given + string("channel") + nothing + nothing + struct.pack(">q", 50_000)).take("q")

    def write(
        self, operation: int, key: int, guid: str | None, enabled: bool, attributes: dict[str, str]
    ) -> tuple[str, str]:
        """A write of one user: its id at the target, and the outcome."""
        values = mapping({code: strings([value]) for code, value in attributes.items()})
        answer = self.call(operation, key, string(guid) + struct.pack(">?", enabled) + values + strings([]))
        return answer.string(), answer.string()

    def finds(self, key: int, identifier: str) -> tuple[str, bool] | None:
        """The id of a user and whether it is enabled."""
        answer = self.call(FIND_USER, key, string(None) + string(identifier))
        return (answer.string(), bool(answer.take("B"))) if answer.take("B") else None
