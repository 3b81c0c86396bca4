"""Checks certificates, proxies and tokens between pfscim and the target, through core and through the jar.

A peer that is not trusted receives no request, and the error says why.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit.zoo_connection import PERSON, WAYS, ZooConnection
from test_safety import assert_failure
from zoo import KINDS, NAMES, Server, start
from zoo.network import TlsFront, proxy, tls_front
from zoo.process import require
from zoo.tokens import TokenEndpoint, endpoint_without_grant, scripted_endpoint

# Kind of certificate, and the text of its error.
INVALID_CERTIFICATES = {
    "self-signed": "self-signed",
    "expired": "expired on",
    "not-yet-valid": "not valid before",
    "wrong-name": "not for 127.0.0.1",
    "cn-only": "no subject alternative name",
}


@pytest.fixture(scope="module")
def scimmy() -> Iterator[Server]:
    with start("scimmy") as server:
        yield server


@pytest.fixture
def server(scimmy: Server) -> Server:
    scimmy.clear()
    scimmy.recorder.override = lambda request: None
    return scimmy


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


def trust(front: TlsFront, folder: Path, way: str) -> Callable[[ZooConnection], list[object]]:
    """Returns a function that makes a connection trust the authority of the front, and returns the options for it."""

    def change(connection: ZooConnection) -> list[object]:
        if way == "core":
            return ["--ca-file", front.authority]
        truststore = folder / "truststore.p12"
        keytool = require("keytool")
        options = ["-importcert", "-noprompt", "-alias", "authority", "-storetype", "PKCS12", "-storepass", "changeit"]
        subprocess.run(
            [keytool, *options, "-file", front.authority, "-keystore", truststore], check=True, capture_output=True
        )
        connection.java_options += [
            f"-Djavax.net.ssl.trustStore={truststore}",
            "-Djavax.net.ssl.trustStorePassword=changeit",
        ]
        return []

    return change


# --- certificates -----------------------------------------------------------------------------------------------------


def test_a_valid_certificate_of_a_trusted_authority_is_accepted(server, way, tmp_path):
    with tls_front(server.url) as front:
        connection = ZooConnection.for_server(server, tmp_path, way, url=front.rewrite(server.url))
        run = connection.sync([PERSON], *trust(front, tmp_path, way)(connection))
        assert run.status == 0, run
        assert run.outcomes == {PERSON["uid"]: "created"}
    assert set(server.users()) == {PERSON["uid"]}


@pytest.mark.parametrize("certificate", INVALID_CERTIFICATES)
def test_an_invalid_certificate_is_rejected_and_the_error_names_its_fault(server, way, tmp_path, certificate):
    with tls_front(server.url, certificate) as front:
        connection = ZooConnection.for_server(server, tmp_path, way, url=front.rewrite(server.url))
        assert_failure(
            connection.sync([PERSON], *trust(front, tmp_path, way)(connection)),
            3,
            "transport",
            INVALID_CERTIFICATES[certificate],
        )
    assert server.requests() == []


def test_an_unknown_authority_is_rejected(server, way, tmp_path):
    with tls_front(server.url) as front:
        connection = ZooConnection.for_server(server, tmp_path, way, url=front.rewrite(server.url))
        assert_failure(connection.sync([PERSON]), 3, "transport", "authority that is not trusted")
    assert server.requests() == []


# --- proxies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [False, True], ids=["open", "with-credentials"])
def test_a_proxy_is_used(server, way, tmp_path, credentials):
    with tls_front(server.url) as front, proxy(credentials) as http_proxy:
        connection = ZooConnection.for_server(server, tmp_path, way, url=front.rewrite(server.url))
        use_proxy(connection, http_proxy.environment(), http_proxy.java_options())
        run = connection.sync([PERSON], *trust(front, tmp_path, way)(connection))
        assert run.status == 0, run
        requests = http_proxy.requests()
        assert requests and set(requests) == {"CONNECT " + front.origin.removeprefix("https://")}
        assert not http_proxy.password or http_proxy.password not in run.out + run.err
    assert set(server.users()) == {PERSON["uid"]}


@pytest.mark.parametrize("credentials", ["wrong", "none"])
def test_a_proxy_that_rejects_the_credentials_is_an_error(server, way, tmp_path, credentials):
    with tls_front(server.url) as front, proxy(credentials=True) as http_proxy:
        connection = ZooConnection.for_server(server, tmp_path, way, url=front.rewrite(server.url))
        environment, options = http_proxy.environment(right=False), http_proxy.java_options(right=False)
        if credentials == "none":
            environment = {name: value.replace(f"{http_proxy.user}:wrong@", "") for name, value in environment.items()}
            options = [option for option in options if "proxyUser" not in option and "proxyPassword" not in option]
        use_proxy(connection, environment, options)
        assert_failure(connection.sync([PERSON], *trust(front, tmp_path, way)(connection)), 3, "proxy")
        assert http_proxy.password not in connection.runs[-1].out + connection.runs[-1].err
    assert server.requests() == []


def use_proxy(connection: ZooConnection, environment: dict[str, str], java_options: list[str]) -> None:
    """Sends a connection through a proxy: core reads environment variables, the jar reads system properties."""
    if connection.way == "core":
        connection.environment |= environment
    else:
        connection.java_options += java_options


# --- credentials ------------------------------------------------------------------------------------------------------

AUTH_METHODS = [(name, method) for name in NAMES for method in KINDS[name].methods]


@pytest.mark.parametrize(("name", "method"), AUTH_METHODS, ids=[f"{name}-{method}" for name, method in AUTH_METHODS])
def test_the_check_passes_only_with_the_right_credentials(tmp_path, way, name, method):
    with start(name, method) as server:
        run = ZooConnection.for_server(server, tmp_path, way).test()
        assert run.status == 0, run
        for wrong in server.auth.wrong:
            run = ZooConnection.for_server(server, tmp_path, way, auth=wrong).test()
            assert run.status == 3 and "auth_failed" in run.err, run
            assert_failure(ZooConnection.for_server(server, tmp_path, way, auth=wrong).sync([PERSON]), 3, "auth_failed")
        assert server.users() == {}
        assert {request.method for request in server.requests() if not request.path.endswith("/token")} == {"GET"}


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endpoint() -> Iterator[TokenEndpoint]:
    with scripted_endpoint() as tokens:
        yield tokens


@pytest.fixture
def tokens(endpoint: TokenEndpoint, server: Server) -> TokenEndpoint:
    """A token endpoint whose token the server accepts."""
    endpoint.recorder.override = lambda request: None
    endpoint.set_response(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"])
    endpoint.recorder.clear_requests()
    return endpoint


CROWD = [PERSON | {"id": f"n-{n}", "uid": f"user-{n}@example.com"} for n in range(8)]


def test_a_token_is_fetched_once_for_all_threads(server, tokens, way, tmp_path):
    run = ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(server.users()) == len(CROWD)
    assert len(tokens.requests()) == 1


@pytest.mark.parametrize("response", [{"expires_in": "3600"}, {"omit": ("expires_in",)}], ids=["as-text", "missing"])
def test_the_lifetime_of_a_token_may_be_text_or_missing(server, tokens, way, tmp_path, response):
    tokens.set_response(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"], **response)
    run = ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(tokens.requests()) == 1


def test_a_token_that_expires_within_a_cycle_is_fetched_again(server, tokens, way, tmp_path):
    tokens.set_response(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"], expires_in=1)
    requests = []

    def delay_first(request):
        requests.append(request.path)
        if len(requests) == 1:
            time.sleep(1.2)

    server.recorder.override = delay_first
    run = ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(server.users()) == len(CROWD)
    assert len(tokens.requests()) > 1


def test_a_revoked_token_is_renewed_once(server, tokens, way, tmp_path):
    rejected_paths = []

    def revoke_token(request):
        if request.method == "POST" and not rejected_paths:
            rejected_paths.append(request.path)
            return 401, "application/json", "{}"
        return None

    server.recorder.override = revoke_token
    run = ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(server.users()) == len(CROWD)
    assert len(tokens.requests()) == 2 and rejected_paths


def test_a_target_that_rejects_the_renewed_token_stops_the_session(server, tokens, way, tmp_path):
    server.recorder.override = lambda request: (401, "application/json", "{}")
    assert_failure(ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth).sync(CROWD), 3, "auth_failed")
    assert len(tokens.requests()) == 2
    assert server.users() == {}


def test_a_rejected_client_is_an_error(server, tokens, way, tmp_path):
    tokens.set_error(401, "invalid_client")
    connection = ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth)
    assert_failure(connection.sync([PERSON]), 3, "auth_failed", "Token Request Endpoint", "invalid_client")
    assert server.requests() == []
    # An endpoint may accept the secret in a header only or in the body only, so both were tried.
    assert tokens.secret_locations() == ["header", "body"]


@pytest.mark.parametrize(
    "response",
    [
        (200, "text/html", "<html>Sign in</html>"),
        (302, "text/html", "<html>Moved</html>"),
        (200, "application/json", "{}"),
        (200, "application/json", ""),
        (503, "text/plain", "later"),
    ],
    ids=["web-page", "redirect", "no-token", "nothing", "out-of-order"],
)
def test_an_endpoint_that_returns_no_token_is_named(server, tokens, way, tmp_path, response):
    tokens.recorder.override = lambda request: response
    assert_failure(
        ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth).sync([PERSON]), 3, "Token Request Endpoint"
    )
    assert server.requests() == []


def test_a_provider_without_the_grant_is_an_error(server, way, tmp_path):
    with endpoint_without_grant() as tokens:
        connection = ZooConnection.for_server(server, tmp_path, way, auth=tokens.auth)
        assert_failure(connection.sync([PERSON]), 3, "auth_failed", "Token Request Endpoint", "unsupported_grant_type")
    assert server.requests() == []


def test_both_ways_to_send_the_secret_are_found(way, tmp_path):
    for method in KINDS["canaille"].methods:
        with start("canaille", method) as server:
            folder = tmp_path / method
            folder.mkdir()
            run = ZooConnection.for_server(server, folder, way).sync([PERSON])
            assert run.status == 0, run
            assert set(server.users()) == {PERSON["uid"]}


# --- plain http -------------------------------------------------------------------------------------------------------


def test_credentials_over_plain_http_cause_a_warning_except_on_loopback(server, tmp_path):
    connection = ZooConnection.for_server(server, tmp_path, "core", url="http://scim.example.com/v2")
    run = connection.run("check", connection.connection)
    assert run.status == 0 and "over plain http" in run.out + run.err, run
    connection = ZooConnection.for_server(server, tmp_path, "core")
    run = connection.run("check", connection.connection)
    assert "over plain http" not in run.out + run.err, run
