"""What stands between a connection and its target, through the program and through the deployed jar: certificates,
proxies and tokens. Whoever is not to be trusted gets nothing, and the message says why."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit.zoo_connection import PERSON, WAYS, ZooConnection
from test_safety import refused
from zoo import KINDS, NAMES, Server, start
from zoo.network import Front, proxy, tls_front
from zoo.process import require
from zoo.tokens import Tokens, scripted, without_grant

# Kind of certificate, and what the message about it says.
BAD = {
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
    scimmy.recorder.instead = lambda exchange: None
    return scimmy


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


def trusting(front: Front, folder: Path, way: str) -> Callable[[ZooConnection], list[object]]:
    """Makes a link trust a front's authority, as each way has it; gives the arguments that it takes."""

    def change(link: ZooConnection) -> list[object]:
        if way == "core":
            return ["--ca-file", front.authority]
        store = folder / "truststore.p12"
        keytool = require("keytool")
        words = ["-importcert", "-noprompt", "-alias", "authority", "-storetype", "PKCS12", "-storepass", "changeit"]
        subprocess.run([keytool, *words, "-file", front.authority, "-keystore", store], check=True, capture_output=True)
        link.java_options += [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
        return []

    return change


# --- certificates -----------------------------------------------------------------------------------------------------


def test_a_valid_certificate_of_a_trusted_authority_is_accepted(server, way, tmp_path):
    with tls_front(server.url) as front:
        link = ZooConnection.to(server, tmp_path, way, url=front.over(server.url))
        run = link.sync([PERSON], *trusting(front, tmp_path, way)(link))
        assert run.status == 0, run
        assert run.outcomes == {PERSON["uid"]: "created"}
    assert set(server.users()) == {PERSON["uid"]}


@pytest.mark.parametrize("certificate", BAD)
def test_an_invalid_certificate_is_rejected_and_the_error_names_its_fault(server, way, tmp_path, certificate):
    with tls_front(server.url, certificate) as front:
        link = ZooConnection.to(server, tmp_path, way, url=front.over(server.url))
        refused(link.sync([PERSON], *trusting(front, tmp_path, way)(link)), 3, "transport", BAD[certificate])
    assert server.requests() == []


def test_an_unknown_authority_is_rejected(server, way, tmp_path):
    with tls_front(server.url) as front:
        link = ZooConnection.to(server, tmp_path, way, url=front.over(server.url))
        refused(link.sync([PERSON]), 3, "transport", "authority that is not trusted")
    assert server.requests() == []


# --- proxies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [False, True], ids=["open", "with-credentials"])
def test_a_proxy_is_used(server, way, tmp_path, credentials):
    with tls_front(server.url) as front, proxy(credentials) as through:
        link = ZooConnection.to(server, tmp_path, way, url=front.over(server.url))
        behind(link, through.environment(), through.java_options())
        run = link.sync([PERSON], *trusting(front, tmp_path, way)(link))
        assert run.status == 0, run
        asked = through.requests()
        assert asked and set(asked) == {"CONNECT " + front.origin.removeprefix("https://")}
        assert not through.password or through.password not in run.out + run.err
    assert set(server.users()) == {PERSON["uid"]}


@pytest.mark.parametrize("given", ["wrong", "none"])
def test_a_proxy_that_rejects_the_credentials_is_an_error(server, way, tmp_path, given):
    with tls_front(server.url) as front, proxy(credentials=True) as through:
        link = ZooConnection.to(server, tmp_path, way, url=front.over(server.url))
        environment, options = through.environment(right=False), through.java_options(right=False)
        if given == "none":
            environment = {name: value.replace(f"{through.user}:wrong@", "") for name, value in environment.items()}
            options = [option for option in options if "proxyUser" not in option and "proxyPassword" not in option]
        behind(link, environment, options)
        refused(link.sync([PERSON], *trusting(front, tmp_path, way)(link)), 3, "proxy")
        assert through.password not in link.said[-1].out + link.said[-1].err
    assert server.requests() == []


def behind(link: ZooConnection, environment: dict[str, str], java_options: list[str]) -> None:
    """Sends a link through a proxy, as each way has it. The program's variables are none of the jar's."""
    if link.way == "core":
        link.environment |= environment
    else:
        link.java_options += java_options


# --- credentials ------------------------------------------------------------------------------------------------------

SIGN_INS = [(name, method) for name in NAMES for method in KINDS[name].methods]


@pytest.mark.parametrize(("name", "method"), SIGN_INS, ids=[f"{name}-{method}" for name, method in SIGN_INS])
def test_the_check_passes_only_with_the_right_credentials(tmp_path, way, name, method):
    with start(name, method) as server:
        run = ZooConnection.to(server, tmp_path, way).test()
        assert run.status == 0, run
        for wrong in server.auth.wrong:
            run = ZooConnection.to(server, tmp_path, way, auth=wrong).test()
            assert run.status == 3 and "auth_failed" in run.err, run
            refused(ZooConnection.to(server, tmp_path, way, auth=wrong).sync([PERSON]), 3, "auth_failed")
        assert server.users() == {}
        assert {asked.method for asked in server.requests() if not asked.path.endswith("/token")} == {"GET"}


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Tokens]:
    with scripted() as tokens:
        yield tokens


@pytest.fixture
def tokens(endpoint: Tokens, server: Server) -> Tokens:
    """An endpoint that gives the token that opens the server."""
    endpoint.recorder.instead = lambda exchange: None
    endpoint.tell(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"])
    endpoint.recorder.forget()
    return endpoint


CROWD = [PERSON | {"id": f"n-{n}", "uid": f"user-{n}@example.com"} for n in range(8)]


def test_a_token_is_fetched_once_for_all_threads(server, tokens, way, tmp_path):
    run = ZooConnection.to(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(server.users()) == len(CROWD)
    assert len(tokens.requests()) == 1


@pytest.mark.parametrize("answer", [{"expires_in": "3600"}, {"omit": ("expires_in",)}], ids=["as-text", "missing"])
def test_the_lifetime_of_a_token_may_be_text_or_missing(server, tokens, way, tmp_path, answer):
    tokens.tell(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"], **answer)
    run = ZooConnection.to(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(tokens.requests()) == 1


def test_a_token_that_expires_within_a_cycle_is_fetched_again(server, tokens, way, tmp_path):
    tokens.tell(access_token=server.auth.right["OAUTH_ACCESS_TOKEN"], expires_in=1)
    asked = []

    def slow(exchange):
        asked.append(exchange.path)
        if len(asked) == 1:
            time.sleep(1.2)

    server.recorder.instead = slow
    run = ZooConnection.to(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(server.users()) == len(CROWD)
    assert len(tokens.requests()) > 1


def test_a_revoked_token_is_renewed_once(server, tokens, way, tmp_path):
    refusals = []

    def withdrawn(exchange):
        if exchange.method == "POST" and not refusals:
            refusals.append(exchange.path)
            return 401, "application/json", "{}"
        return None

    server.recorder.instead = withdrawn
    run = ZooConnection.to(server, tmp_path, way, auth=tokens.auth).sync(CROWD)
    assert run.status == 0, run
    assert len(server.users()) == len(CROWD)
    assert len(tokens.requests()) == 2 and refusals


def test_a_target_that_rejects_the_renewed_token_stops_the_session(server, tokens, way, tmp_path):
    server.recorder.instead = lambda exchange: (401, "application/json", "{}")
    refused(ZooConnection.to(server, tmp_path, way, auth=tokens.auth).sync(CROWD), 3, "auth_failed")
    assert len(tokens.requests()) == 2
    assert server.users() == {}


def test_a_rejected_client_is_an_error(server, tokens, way, tmp_path):
    tokens.refuse(401, "invalid_client")
    link = ZooConnection.to(server, tmp_path, way, auth=tokens.auth)
    refused(link.sync([PERSON]), 3, "auth_failed", "Token Request Endpoint", "invalid_client")
    assert server.requests() == []
    # One of the two ways to send the secret is the endpoint's.
    assert tokens.secrets_sent() == ["header", "body"]


@pytest.mark.parametrize(
    "answer",
    [
        (200, "text/html", "<html>Sign in</html>"),
        (302, "text/html", "<html>Moved</html>"),
        (200, "application/json", "{}"),
        (200, "application/json", ""),
        (503, "text/plain", "later"),
    ],
    ids=["web-page", "redirect", "no-token", "nothing", "out-of-order"],
)
def test_an_endpoint_that_returns_no_token_is_named(server, tokens, way, tmp_path, answer):
    tokens.recorder.instead = lambda exchange: answer
    refused(ZooConnection.to(server, tmp_path, way, auth=tokens.auth).sync([PERSON]), 3, "Token Request Endpoint")
    assert server.requests() == []


def test_a_provider_without_the_grant_is_an_error(server, way, tmp_path):
    with without_grant() as tokens:
        link = ZooConnection.to(server, tmp_path, way, auth=tokens.auth)
        refused(link.sync([PERSON]), 3, "auth_failed", "Token Request Endpoint", "unsupported_grant_type")
    assert server.requests() == []


def test_both_ways_to_send_the_secret_are_found(way, tmp_path):
    for method in KINDS["canaille"].methods:
        with start("canaille", method) as server:
            folder = tmp_path / method
            folder.mkdir()
            run = ZooConnection.to(server, folder, way).sync([PERSON])
            assert run.status == 0, run
            assert set(server.users()) == {PERSON["uid"]}


# --- plain http -------------------------------------------------------------------------------------------------------


def test_credentials_over_plain_http_cause_a_warning_except_on_loopback(server, tmp_path):
    link = ZooConnection.to(server, tmp_path, "core", url="http://scim.example.com/v2")
    run = link.run("check", link.connection)
    assert run.status == 0 and "over plain http" in run.out + run.err, run
    link = ZooConnection.to(server, tmp_path, "core")
    run = link.run("check", link.connection)
    assert "over plain http" not in run.out + run.err, run
