"""Third-party SCIM servers that the tests start, all behind one interface.

    with start("scimmy") as server:
        server.seed([...])
        ... point a connection at server.url with server.auth.right and server.settings ...
        server.requests(), server.users(), server.groups()

SCIM servers are in `catalogue`, with what each cannot do as data; token endpoints in `tokens`; TLS fronts and proxies
in `network`. A `recorder` stands in front of each server and keeps the requests. Everything listens on loopback only,
on free ports, and is ended by its process id. A test whose server is not installed is not run; a server that does not
start is an error. Imports nothing of `kit`.
"""

from zoo.catalogue import KINDS, NAMES, start
from zoo.server import Auth, Kind, Request, Server

__all__ = ["KINDS", "NAMES", "Auth", "Kind", "Request", "Server", "start"]
