"""Starts third-party SCIM servers for the tests, all with one interface.

Does not know: `kit`.

    with start("scimmy") as server:
        server.seed([...])
        ... a connection to server.url, with server.auth.right and server.settings ...
        server.requests(), server.users(), server.groups()

`catalogue` has the SCIM servers, with the limits of each as data. `tokens` has token endpoints, `network` has TLS fronts
and proxies. A `recorder` in front of each server records its requests. Every process listens on loopback only, on a free
port, and is stopped by its process id. A test whose server is not installed is skipped. A server that does not start is
an error.
"""

from zoo.catalogue import KINDS, NAMES, start
from zoo.server import Auth, Kind, Request, Server

__all__ = ["KINDS", "NAMES", "Auth", "Kind", "Request", "Server", "start"]
