"""Who may come in, and where the resources are said to be."""

from types import SimpleNamespace
from typing import Any

from django.conf import settings


class SignIn:
    """Names a user where the credentials are right; the library refuses requests without one."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        accepted = request.headers.get("Authorization") in settings.ZOO_ACCEPTED
        request.user = SimpleNamespace(is_authenticated=accepted, is_anonymous=not accepted)
        return self.get_response(request)


def base_location(request: Any = None, *_: object, **__: object) -> str:
    """The origin that the client asked, as behind a recorder or a proxy."""
    return f"{request.scheme}://{request.get_host()}"
