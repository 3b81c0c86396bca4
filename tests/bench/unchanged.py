"""Measures a plan and a sync of 100,000 users from an LDIF file without changes. Usage: unchanged.py PROGRAM [USERS]

The first load fills the state; then a plan and a sync are measured. They may send only the few GET requests of every
session, and use at most 300 MB. Times are printed, not compared with a limit.
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

MEMORY_MEGABYTES_MAX = 300
# The requests of a session that do not concern a user.
SESSION_REQUESTS_MAX = 5
TOKEN = secrets.token_hex(16)


class Target:
    """The part of a SCIM service that a first load needs, fast enough for 100,000 users.

    It responds to every create with 201, and to every search with an empty list. It records the requests.
    """

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
                status, content = self._respond(method, path, body)
                text = json.dumps(content).encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/scim+json\r\nContent-Length: {len(text)}\r\n\r\n".encode()
                    + text
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _respond(self, method: str, path: str, body: bytes) -> tuple[str, object]:
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
            # The program has ended, so its connections are closed.
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            server.close()
            if connections := asyncio.all_tasks(loop):
                loop.run_until_complete(asyncio.wait(connections))
            loop.close()


def run(program: Path, folder: Path, command: str) -> tuple[float, float, dict[str, int]]:
    """Runs the program. Returns seconds, peak megabytes, and the number of records by outcome."""
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
        start = time.monotonic()
        process = subprocess.Popen(
            [program, *arguments],
            cwd=folder,
            env=os.environ | {"TARGET_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            stdout=out,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{command} ended with status {process.returncode}"
        out.seek(0)
        summary = {}
        for line in out:
            if line.startswith('{"summary"'):
                summary = {outcome: count for outcome, count in json.loads(line)["summary"].items() if count}
    return seconds, usage.ru_maxrss / 1024, summary


def main() -> None:
    program, users = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    # In memory if the machine has /dev/shm: on a slow disk the first load, which is only a preparation, takes longer.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as temporary, Target().running() as target:
        folder = Path(temporary)
        population.ldif(folder / "people.ldif", range(users))
        connection = population.connection(f"http://127.0.0.1:{target.port}/v2", threads=8)
        (folder / "c.json").write_text(json.dumps(connection))
        measured = {}
        requests = {}
        print(f"{'part':<12}{'time':>10} {'memory':>11} {'requests':>17}   outcomes", flush=True)
        for name, command in (("first load", "sync"), ("plan", "plan"), ("sync", "sync")):
            target.requests.clear()
            measured[name] = run(program, folder, command)
            requests[name] = list(target.requests)
            seconds, megabytes, summary = measured[name]
            print(
                f"{name:<12}{seconds:8.1f} s {megabytes:8.0f} MB {len(requests[name]):8} requests   {summary}",
                flush=True,
            )
        size = (folder / "people.state").stat().st_size / 2**20
        print(f"{'state file':<12}{'':10} {size:8.0f} MB")
    assert measured["first load"][2] == {"created": users}
    for name in ("plan", "sync"):
        _, megabytes, summary = measured[name]
        assert summary == {"unchanged": users}, f"{name}: {summary}"
        sent = requests[name]
        assert len(sent) <= SESSION_REQUESTS_MAX and all(request.startswith("GET ") for request in sent), sent[:20]
        assert megabytes < MEMORY_MEGABYTES_MAX, f"{name} needs {megabytes:.0f} MB"


if __name__ == "__main__":
    main()
