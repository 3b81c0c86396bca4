"""Starts and ends the programs of this folder.

A program reads its settings as one JSON line of standard input. The first line of its standard output is its port. It
ends when its standard input closes.
"""

import json
import os
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def settings() -> dict[str, Any]:
    """Reads the settings of this program."""
    return json.loads(sys.stdin.readline())


def listen(application: Any) -> WSGIServer:
    """Makes a server for a WSGI application, on a port that the system picks."""
    return make_server("127.0.0.1", 0, application, server_class=ThreadedServer, handler_class=QuietHandler)


def serve(server: WSGIServer) -> None:
    """Prints the port, and serves requests until standard input closes."""

    def exit_with_stdin() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=exit_with_stdin, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()
