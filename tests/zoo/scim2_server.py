"""Starts PyPI's scim2-server, and reads and replaces its resources as its administrator.

It listens on loopback only, on a port that the system picks. A server that does not start is an error.
"""

import json
import secrets
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from zoo.process import LOOPBACK, START_TIMEOUT_SECONDS, free_port


class ScimServer:
    """A scim2-server, started by its own command: resources in memory, one bearer token."""

    def __init__(self, *options: str | Path) -> None:
        self.token = secrets.token_hex(24)
        self._options = list(options)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ScimServer":
        stderr = ""
        # Another program may take the free port before the server does.
        for _ in range(3):
            self.port = free_port()
            command = [
                Path(sys.executable).with_name("scim2-server"),
                "--port",
                str(self.port),
                "--bearer-token",
                self.token,
            ]
            command += self._options
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if self._becomes_ready():
                # Without a reader, its log would fill the pipe and block the server.
                threading.Thread(target=self._process.stderr.read, daemon=True).start()
                return self
            self._process.kill()
            stderr = self._process.communicate()[1]
        raise RuntimeError(f"scim2-server did not start: {stderr}")

    def _becomes_ready(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.request("GET", "/v2/ServiceProviderConfig")
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def url(self) -> str:
        """The SCIM base URL of the server itself, not of a recorder."""
        return f"http://{LOOPBACK}:{self.port}/v2"

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request to the server itself, which no recorder sees. Returns the JSON of the response."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
            return json.loads(text) if text else None

    def replace_resources(self, users: list[dict[str, Any]], groups: dict[str, list[str]] | None = None) -> None:
        """Deletes all users and groups, then creates these, for the next test. `groups`: name to user names."""
        for group in self._list("Groups"):
            self.request("DELETE", f"/v2/Groups/{group['id']}")
        for user in self.resources():
            self.request("DELETE", f"/v2/Users/{user['id']}")
        ids = {user["userName"]: self.request("POST", "/v2/Users", user)["id"] for user in users}
        for name, members in (groups or {}).items():
            group = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": name,
                "members": [{"value": ids[member]} for member in members],
            }
            self.request("POST", "/v2/Groups", group)

    def resources(self) -> list[dict[str, Any]]:
        """Returns every user, as the server lists it."""
        return self._list("Users")

    def groups(self) -> dict[str, list[str]]:
        """Returns every group by name, with its members' names in order: the form of a scenario's expected state."""
        groups = self._list("Groups")
        names = {user["id"]: user["userName"] for user in self.resources()}
        names |= {group["id"]: group["displayName"] for group in groups}
        return {g["displayName"]: sorted(names[m["value"]] for m in g.get("members", [])) for g in groups}

    def _list(self, endpoint: str) -> list[dict[str, Any]]:
        page = self.request("GET", f"/v2/{endpoint}?count=1000")
        assert page["totalResults"] == len(page.get("Resources", [])), f"{endpoint}: the list has more than one page"
        return page.get("Resources", [])

    def users(self) -> dict[str, dict[str, Any]]:
        """Returns every user by name, without what the server assigns: the form of a scenario's expected state."""
        return {resource["userName"]: without_assigned(resource) for resource in self.resources()}


def without_assigned(resource: dict[str, Any]) -> dict[str, Any]:
    """Returns a resource without `id` and `meta`, with its schemas in order."""
    rest = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    return rest | {"schemas": sorted(rest["schemas"])}
