"""Runs Canaille (SCIM 2.0 and OAuth 2 in one process) with all data in memory.

It has one OAuth client for each method in which a client may send its secret.
"""

import warnings

warnings.filterwarnings("ignore")

import datetime

from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from program import listen, serve, settings

METHODS = ("client_secret_basic", "client_secret_post")
# Canaille announces both methods, but the default of its library for this grant accepts the header only.
ClientCredentialsGrant.TOKEN_ENDPOINT_AUTH_METHODS = list(METHODS)

parameters = settings()
server = listen(None)
application = create_app(
    {
        "SECRET_KEY": parameters["secret"],
        # No server name is set, so Canaille uses the host of the request: that of the recorder in front of it.
        "PREFERRED_URL_SCHEME": "http",
        "TESTING": False,
        "CANAILLE": {"DATABASE": "memory", "LOGGING": {"version": 1, "disable_existing_loggers": True}},
        "CANAILLE_OIDC": {},
        "CANAILLE_SCIM": {"ENABLE_SERVER": True},
    }
)
with application.app_context():
    for method in METHODS:
        client = models.Client(
            client_id=method,
            client_name=method,
            client_secret=parameters["secret"],
            client_id_issued_at=datetime.datetime.now(datetime.timezone.utc),
            token_endpoint_auth_method=method,
            grant_types=["client_credentials"],
            scope=["openid", "profile", "groups"],
        )
        Backend.instance.save(client)
server.set_app(application)
serve(server)
