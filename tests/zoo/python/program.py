"""How every program of this folder starts and ends: its settings are one JSON line of standard input, its port is the
first line of standard output, and it ends with its standard input."""

import json
import os
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def settings() -> dict[str, Any]:
    """The settings this program was started with."""
    return json.loads(sys.stdin.readline())


def listen(application: Any) -> WSGIServer:
    """A server for a WSGI application, on a port that the system picks."""
    return make_server("127.0.0.1", 0, application, server_class=Threaded, handler_class=Quiet)


def serve(server: WSGIServer) -> None:
    """Says which port to use and answers requests until standard input ends."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()
