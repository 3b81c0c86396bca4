"""Checks the token endpoints, TLS fronts and proxies of the zoo."""

import ssl
import sys
import urllib.error
import urllib.request

import pytest
from zoo import process, start
from zoo.network import CERTIFICATES, proxy, tls_front
from zoo.process import StartError, ZooProgram, start_on_free_port
from zoo.server import request_token
from zoo.tokens import endpoint_without_grant, scripted_endpoint


@pytest.fixture(scope="session", autouse=True)
def require_dist() -> None:
    """Replaces the check for `dist`: these tests do not run pfscim."""


@pytest.fixture(scope="module")
def server():
    with start("scimmy", "none") as server:
        yield server


def get(url: str, ca_file=None, proxy_url: str | None = None):
    context = ssl.create_default_context(cafile=ca_file)
    # Like current clients, this one ignores a name that is only in the subject.
    context.hostname_checks_common_name = False
    handlers = [urllib.request.HTTPSHandler(context=context)]
    handlers.append(urllib.request.ProxyHandler({"http": proxy_url, "https": proxy_url} if proxy_url else {}))
    return urllib.request.build_opener(*handlers).open(url, timeout=30).status


def test_the_error_of_a_server_that_does_not_start_contains_its_output():
    with pytest.raises(StartError, match="no room for it"):
        ZooProgram([sys.executable, "-c", "raise SystemExit('no room for it')"], {})
    with pytest.raises(StartError, match="no room for it"):
        start_on_free_port(lambda port: [sys.executable, "-c", "raise SystemExit('no room for it')"])
    with pytest.raises(StartError, match="no-such-server"):
        process.built_path("no-such-server")


def test_a_scripted_token_endpoint_returns_the_scripted_response():
    with scripted_endpoint() as tokens:
        response = request_token(tokens.auth, by_header=True).body
        assert response["token_type"] == "Bearer" and isinstance(response["expires_in"], int)
        tokens.set_response(access_token="mine", expires_in="3600")
        assert request_token(tokens.auth, by_header=True).body | {"scope": ""} == {
            "access_token": "mine",
            "expires_in": "3600",
            "scope": "",
            "token_type": "Bearer",
        }
        tokens.set_response(omit=("expires_in", "token_type"))
        assert {"expires_in", "token_type"}.isdisjoint(request_token(tokens.auth, by_header=False).body)
        tokens.set_error(401, "invalid_client")
        rejected = request_token(tokens.auth, by_header=True)
        assert (rejected.status, rejected.body) == (401, {"error": "invalid_client"})
        tokens.recorder.override = lambda request: (200, "text/html", "<html>Sign in</html>")
        assert request_token(tokens.auth, by_header=True).text == "<html>Sign in</html>"
        assert tokens.secret_locations() == ["header", "header", "body", "header", "header"]
        assert tokens.secret not in repr(tokens.requests())


def test_a_provider_without_the_grant_returns_unsupported_grant_type():
    with endpoint_without_grant() as tokens:
        rejected = request_token(tokens.auth, by_header=True)
        assert (rejected.status, rejected.body["error"]) == (400, "unsupported_grant_type")


def test_a_server_accepts_its_token_from_another_endpoint():
    with start("scimmy") as server, scripted_endpoint() as tokens:
        tokens.set_response(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"])
        assert server.request("GET", "/Users", auth=tokens.auth).status == 200
        tokens.set_response(access_token="another")
        assert server.request("GET", "/Users", auth=tokens.auth).status == 401


@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_a_tls_front_has_the_requested_certificate(server, certificate):
    server.clear_requests()
    with tls_front(server.url, certificate) as front:
        url = front.rewrite(server.url) + "/Users"
        if CERTIFICATES[certificate]:
            assert get(url, front.authority) == 200
            assert [request.path for request in server.requests()] == ["/scim/Users"]
        else:
            with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
                get(url, front.authority)
            assert server.requests() == []


def test_an_unknown_authority_is_not_trusted(server):
    with tls_front(server.url) as front, pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(front.rewrite(server.url) + "/Users")


@pytest.mark.parametrize("credentials", [False, True], ids=["open", "with-credentials"])
def test_a_proxy_forwards_and_records_connections(server, credentials):
    with tls_front(server.url) as front, proxy(credentials) as http_proxy:
        url = front.rewrite(server.url) + "/Users"
        assert get(url, front.authority, http_proxy.url()) == 200
        assert http_proxy.requests() == ["CONNECT " + front.origin.removeprefix("https://")]
        # Requests to a target without TLS use the proxy too.
        assert get(server.url + "/Users", proxy_url=http_proxy.url()) == 200
        assert len(http_proxy.requests()) == 2


def test_a_proxy_rejects_wrong_credentials(server):
    with tls_front(server.url) as front, proxy(credentials=True) as http_proxy:
        server.clear_requests()
        url = front.rewrite(server.url) + "/Users"
        # This proxy returns 401 for wrong credentials, like a target would, and 407 for missing credentials.
        with pytest.raises(OSError, match="Tunnel connection failed: 401"):
            get(url, front.authority, http_proxy.url(right=False))
        with pytest.raises(OSError, match="Tunnel connection failed: 407"):
            get(url, front.authority, f"http://127.0.0.1:{http_proxy.port}")
        assert server.requests() == []
