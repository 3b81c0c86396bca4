"""PyPI's scim2-server as a process of its own, and the questions of its administrator.

It listens on loopback only, on a port that the system picks. A server that does not start is
an error.
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

from zoo.process import LOOPBACK, START_SECONDS, free_port


class ScimServer:
    """PyPI's scim2-server, as its own command starts it: resources in memory, one bearer token."""

    def __init__(self, *options: str | Path) -> None:
        self.token = secrets.token_hex(24)
        self._options = list(options)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ScimServer":
        said = ""
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
            if self._answers():
                # Its log would fill the pipe otherwise.
                threading.Thread(target=self._process.stderr.read, daemon=True).start()
                return self
            self._process.kill()
            said = self._process.communicate()[1]
        raise RuntimeError(f"scim2-server does not start: {said}")

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
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
        """The SCIM base URL, past every recorder."""
        return f"http://{LOOPBACK}:{self.port}/v2"

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the server itself, as its administrator would; nothing of this is recorded."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def hold(self, resources: list[dict[str, Any]], groups: dict[str, list[str]] | None = None) -> None:
        """Makes these users and groups (name to user names) the only ones there, for the next test."""
        for group in self._all("Groups"):
            self.request("DELETE", f"/v2/Groups/{group['id']}")
        for resource in self.resources():
            self.request("DELETE", f"/v2/Users/{resource['id']}")
        ids = {resource["userName"]: self.request("POST", "/v2/Users", resource)["id"] for resource in resources}
        for name, members in (groups or {}).items():
            group = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": name,
                "members": [{"value": ids[member]} for member in members],
            }
            self.request("POST", "/v2/Groups", group)

    def resources(self) -> list[dict[str, Any]]:
        """Every user, as the server answers it."""
        return self._all("Users")

    def groups(self) -> dict[str, list[str]]:
        """Every group by name, with the names of its members in order, to compare with a scenario's expected state."""
        groups = self._all("Groups")
        names = {user["id"]: user["userName"] for user in self.resources()}
        names |= {group["id"]: group["displayName"] for group in groups}
        return {g["displayName"]: sorted(names[m["value"]] for m in g.get("members", [])) for g in groups}

    def _all(self, endpoint: str) -> list[dict[str, Any]]:
        answer = self.request("GET", f"/v2/{endpoint}?count=1000")
        assert answer["totalResults"] == len(answer.get("Resources", [])), "the list came in parts"
        return answer.get("Resources", [])

    def users(self) -> dict[str, dict[str, Any]]:
        """Every user by name, without what the server makes up itself, to compare with a scenario's expected state."""
        return {resource["userName"]: plain(resource) for resource in self.resources()}


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without `id` and `meta`, its schemas in order."""
    kept = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    return kept | {"schemas": sorted(kept["schemas"])}
