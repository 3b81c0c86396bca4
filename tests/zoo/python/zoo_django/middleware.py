"""Authenticates requests to django-scim2, and sets the origin of the addresses in its responses."""

from types import SimpleNamespace
from typing import Any

from django.conf import settings


class Authentication:
    """Sets an authenticated user if the credentials are right. The library rejects other requests."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        accepted = request.headers.get("Authorization") in settings.ZOO_ACCEPTED
        request.user = SimpleNamespace(is_authenticated=accepted, is_anonymous=not accepted)
        return self.get_response(request)


def base_location(request: Any = None, *_: object, **__: object) -> str:
    """Returns the origin in the client's request: that of the recorder or proxy in front of this server."""
    return f"{request.scheme}://{request.get_host()}"
