"""Starts what is between a connection and its target: TLS fronts (nginx), and proxies (tinyproxy).

Does not know: SCIM.
"""

import re
import secrets
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zoo.process import LOOPBACK, ZOO, StartError, built_path, require, start_on_free_port

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}:{port} ssl;
        ssl_certificate {certificate}.pem;
        ssl_certificate_key {certificate}.key;
        location / {{
            proxy_pass {target};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""

TINYPROXY = """
Listen {address}
Port {port}
Timeout 60
MaxClients 50
LogFile "{folder}/log"
LogLevel Connect
Allow {address}
{credentials}
"""

# The kinds of certificate, and whether a client that trusts the authority must accept it.
CERTIFICATES = {
    "good": True,
    "self-signed": False,
    "expired": False,
    "not-yet-valid": False,
    "wrong-name": False,
    "cn-only": False,
}


@dataclass(frozen=True)
class TlsFront:
    """A TLS front of one HTTP server."""

    origin: str
    authority: Path
    """The certificate of the authority that signed the front's certificate, as a PEM file."""

    def rewrite(self, url: str) -> str:
        """Returns a URL of the server with the origin of this front."""
        parts = urllib.parse.urlsplit(url)
        return self.origin + parts.path + (f"?{parts.query}" if parts.query else "")


@contextmanager
def tls_front(target: str, certificate: str = "good") -> Iterator[TlsFront]:
    """Starts a front that forwards every request to the origin of `target`, with a certificate of that kind."""
    assert certificate in CERTIFICATES, certificate
    nginx = require("nginx")
    parts = urllib.parse.urlsplit(target)
    with tempfile.TemporaryDirectory(prefix="tls-front-") as name:
        folder = Path(name)
        make_certificates(folder)
        configuration = folder / "nginx.conf"

        def command(port: int) -> list[str | Path]:
            configuration.write_text(
                NGINX.format(
                    folder=folder,
                    address=LOOPBACK,
                    port=port,
                    certificate=folder / certificate,
                    target=f"{parts.scheme}://{parts.netloc}",
                ),
                encoding="utf-8",
            )
            return [nginx, "-e", "stderr", "-p", folder, "-c", configuration]

        process, port = start_on_free_port(command)
        try:
            yield TlsFront(f"https://{LOOPBACK}:{port}", folder / "authority.pem")
        finally:
            process.stop()


def make_certificates(folder: Path) -> None:
    """Makes an authority and a certificate of each kind. They are new each time, so none can be expired by mistake."""
    result = subprocess.run(
        [built_path("venv/bin/python"), "-B", ZOO / "python" / "certificates.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StartError(result.stderr)


@dataclass(frozen=True)
class Proxy:
    """A running HTTP proxy."""

    port: int
    user: str
    password: str
    log: Path

    def url(self, right: bool = True) -> str:
        """Returns its URL. If it has credentials, the URL contains them, or with `right=False` a wrong password."""
        if not self.user:
            return f"http://{LOOPBACK}:{self.port}"
        return f"http://{self.user}:{self.password if right else 'wrong'}@{LOOPBACK}:{self.port}"

    def environment(self, right: bool = True) -> dict[str, str]:
        """Returns the environment variables that make a program use the proxy, also for loopback targets."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        return dict.fromkeys(names, self.url(right)) | {"NO_PROXY": "", "no_proxy": ""}

    def java_options(self, right: bool = True) -> list[str]:
        """Returns the system properties that make a Java program use the proxy.

        The last one includes loopback targets, which Java excludes by default.
        """
        options = []
        for scheme in ("http", "https"):
            options += [f"-D{scheme}.proxyHost={LOOPBACK}", f"-D{scheme}.proxyPort={self.port}"]
            if self.user:
                options += [f"-D{scheme}.proxyUser={self.user}"]
                options += [f"-D{scheme}.proxyPassword={self.password if right else 'wrong'}"]
        return [*options, "-Dhttp.nonProxyHosts="]

    def requests(self) -> list[str]:
        """Returns the requests that it received, including rejected ones: `CONNECT 127.0.0.1:8443`."""
        return re.findall(r"Request \(file descriptor \d+\): (\S+ \S+)", self.log.read_text(encoding="utf-8"))


@contextmanager
def proxy(credentials: bool = False) -> Iterator[Proxy]:
    """Starts a proxy that accepts any client on loopback, or only clients with its credentials."""
    tinyproxy = require("tinyproxy")
    user, password = ("proxy-user", secrets.token_urlsafe(24)) if credentials else ("", "")
    with tempfile.TemporaryDirectory(prefix="proxy-") as name:
        folder = Path(name)
        configuration = folder / "tinyproxy.conf"

        def command(port: int) -> list[str | Path]:
            line = f"BasicAuth {user} {password}" if credentials else ""
            text = TINYPROXY.format(address=LOOPBACK, port=port, folder=folder, credentials=line)
            configuration.write_text(text, encoding="utf-8")
            return [tinyproxy, "-d", "-c", configuration]

        process, port = start_on_free_port(command)
        try:
            yield Proxy(port, user, password, folder / "log")
        finally:
            process.stop()
