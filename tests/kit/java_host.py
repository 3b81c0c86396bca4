"""The host of the deployed jar, spoken to line by line: for what a run of the program cannot show, such as two cycles
in one process."""

import os
import subprocess
import threading
import urllib.parse
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from zoo.process import require

from kit.program import DEPLOY, DIST

MAIN = "org.pfscim.host.Main"
SECONDS = 120


@dataclass(frozen=True)
class Reply:
    """The host's answer to one call."""

    well: bool
    fields: dict[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, [""])[0]


class Host:
    """A running host with the deployed jar in it; one call at a time unless `start` is used."""

    def __init__(self, threads: int = 4, *java_options: str) -> None:
        jars = ":".join(map(str, [DIST / "lib" / "pfscim-host.jar", *sorted(DEPLOY.glob("*.jar"))]))
        self._command = [require("java"), *java_options, "-cp", jars, MAIN, "--id", "PfScim", "--threads", str(threads)]
        self._sequence = 0
        self._replies: dict[int, Reply] = {}
        self._news = threading.Condition()
        self._ended = False
        self.output: list[str] = []

    def __enter__(self) -> "Host":
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
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)

    def start(self, call: str, **fields: Any) -> int:
        """Sends a call; a list gives its field several times, None leaves it out."""
        self._sequence += 1
        pairs = [(name.replace("__", "."), value) for name, value in fields.items() if value is not None]
        args = urllib.parse.urlencode(pairs, doseq=True)
        self._process.stdin.write(f"{self._sequence} {call} {args}\n")
        self._process.stdin.flush()
        return self._sequence

    def reply(self, sequence: int) -> Reply:
        """Waits for the answer to a call."""
        with self._news:
            arrived = self._news.wait_for(lambda: sequence in self._replies or self._ended, SECONDS)
            assert arrived and sequence in self._replies, "\n".join(self.output)
            return self._replies[sequence]

    def ask(self, call: str, **fields: Any) -> Reply:
        """Sends a call and waits for its answer."""
        return self.reply(self.start(call, **fields))

    def init(self, settings: dict[str, str], channel: int = 0) -> Reply:
        """Opens a session with target settings."""
        return self.ask("init", channel=channel, **{f"p__{name}": value for name, value in settings.items()})

    def _read(self) -> None:
        for line in self._process.stdout:
            self.output.append(line.rstrip("\n"))
            first, _, rest = line.strip().partition(" ")
            word, _, args = rest.partition(" ")
            if first.isdigit() and word in ("ok", "failed"):
                reply = Reply(word == "ok", urllib.parse.parse_qs(args, keep_blank_values=True))
                with self._news:
                    self._replies[int(first)] = reply
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
