"""How long a cycle takes in which nothing changed, and what it needs: plan and sync of 100,000 users from an LDIF file.

The first load fills the state; then a plan and a sync are measured. Fails where one of them asks the target for more
than a session asks anyway, or needs more than 300 MB. Times are printed, not judged.

    python tests/bench/unchanged.py PROGRAM [USERS]
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from kit import population

MEGABYTES = 300
TOKEN = secrets.token_hex(16)


class Target:
    """As little of a SCIM service as a first load needs, fast enough for 100,000 users: it makes every user that it is
    asked for, knows nobody, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(f"{method} {path.partition('?')[0]}")
                status, answer = self._answer(method, path, body)
                text = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/scim+json\r\nContent-Length: {len(text)}\r\n\r\n".encode()
                    + text
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[str, object]:
        if method == "POST":
            user = json.loads(body)
            return "201 Created", user | {"id": f"id-{user['userName']}"}
        if path.startswith("/v2/Users?"):
            schema = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
            return "200 OK", {"schemas": [schema], "totalResults": 0, "Resources": []}
        return "404 Not Found", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404"}

    @contextmanager
    def running(self) -> Iterator["Target"]:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            # The program has ended, so its connections are at their end too.
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            server.close()
            if connections := asyncio.all_tasks(loop):
                loop.run_until_complete(asyncio.wait(connections))
            loop.close()


def run(program: Path, folder: Path, command: str) -> tuple[float, float, dict[str, int]]:
    """Seconds, peak megabytes and counts of one run."""
    arguments = [
        command,
        "c.json",
        "--source",
        "ldif:people.ldif",
        "--state",
        "people.state",
        "--json",
        "--secret",
        "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN",
    ]
    with (folder / "out").open("w+") as out:
        begun = time.monotonic()
        process = subprocess.Popen(
            [program, *arguments],
            cwd=folder,
            env=os.environ | {"TARGET_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            stdout=out,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{command} ended with {process.returncode}"
        out.seek(0)
        summary = {}
        for line in out:
            if line.startswith('{"summary"'):
                summary = {word: count for word, count in json.loads(line)["summary"].items() if count}
    return seconds, usage.ru_maxrss / 1024, summary


def main() -> None:
    program, users = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    # In memory where there is such a place: the first load, which only prepares, would measure the disk.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as temporary, Target().running() as target:
        folder = Path(temporary)
        population.ldif(folder / "people.ldif", range(users))
        connection = population.connection(f"http://127.0.0.1:{target.port}/v2", threads=8)
        (folder / "c.json").write_text(json.dumps(connection))
        measured = {}
        asked = {}
        print(f"{'part':<12}{'time':>10} {'memory':>11} {'requests':>17}   outcomes", flush=True)
        for name, command in (("first load", "sync"), ("plan", "plan"), ("sync", "sync")):
            target.requests.clear()
            measured[name] = run(program, folder, command)
            asked[name] = list(target.requests)
            seconds, megabytes, summary = measured[name]
            print(
                f"{name:<12}{seconds:8.1f} s {megabytes:8.0f} MB {len(asked[name]):8} requests   {summary}", flush=True
            )
        size = (folder / "people.state").stat().st_size / 2**20
        print(f"{'state file':<12}{'':10} {size:8.0f} MB")
    assert measured["first load"][2] == {"created": users}
    for name in ("plan", "sync"):
        _, megabytes, summary = measured[name]
        assert summary == {"unchanged": users}, f"{name}: {summary}"
        # What a session asks anyway, it asks for once, and about no user that exists.
        assert len(asked[name]) <= 5 and all(request.startswith("GET ") for request in asked[name]), asked[name][:20]
        assert megabytes < MEGABYTES, f"{name} needs {megabytes:.0f} MB"


if __name__ == "__main__":
    main()
