"""Runs django-scim2 (SCIM 2.0) on Django's SQLite.

It has one account, which authenticates with HTTP Basic, or with a token of the scheme `Token`.
"""

import base64
import logging
import sys

import django
from django.conf import settings as configuration
from program import listen, serve, settings

parameters = settings()
logging.disable(logging.ERROR)
configuration.configure(
    SECRET_KEY=parameters["token"],
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parameters["folder"] + "/users.sqlite",
            # Requests come from many threads; with these options they wait for the lock of SQLite instead of failing.
            "OPTIONS": {"timeout": 60, "transaction_mode": "IMMEDIATE"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_scim", "zoo_django"],
    AUTH_USER_MODEL="zoo_django.User",
    ROOT_URLCONF="zoo_django.urls",
    USE_TZ=True,
    MIDDLEWARE=["zoo_django.middleware.Authentication", "django_scim.middleware.SCIMAuthCheckMiddleware"],
    SCIM_SERVICE_PROVIDER={
        "NETLOC": "127.0.0.1",
        "BASE_LOCATION_GETTER": "zoo_django.middleware.base_location",
        "GROUP_MODEL": "zoo_django.models.Group",
        "AUTHENTICATION_SCHEMES": [{"type": "httpbasic", "name": "Basic", "description": "HTTP Basic"}],
    },
    ZOO_ACCEPTED={
        "Token " + parameters["token"],
        "Basic " + base64.b64encode(f"{parameters['user']}:{parameters['token']}".encode()).decode(),
    },
)
django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

call_command("migrate", run_syncdb=True, verbosity=0, stdout=sys.stderr)
serve(listen(get_wsgi_application()))
