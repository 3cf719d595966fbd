"""The demo's person is everybody at once: nobody changes how it signs in, or is called."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.services import DEMO_EMAIL
from accounts.settings_tabs import SIGN_IN_ADDRESSES

OWN_SETTINGS = "/settings/"
"""To be looked at, and not changed."""

PROVIDERS = ("/accounts/google/", "/accounts/yandex/", "/accounts/oidc/")
"""To sign in through as somebody else, and not to be linked."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class DemoAccountGuard:
    """Answers 403 where the demo's person would change its ways in. Looks nobody up on any other page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: object) -> None:
        if _would_change_ways_in(request) and getattr(request.user, "email", "") == DEMO_EMAIL:
            raise PermissionDenied(_("Everybody uses the demo's account, so it stays as it is."))


def _would_change_ways_in(request: HttpRequest) -> bool:
    path = request.path_info
    if path.startswith(OWN_SETTINGS):
        return request.method not in SAFE_METHODS
    if path.startswith(PROVIDERS):
        return request.GET.get("process") == "connect"
    return path.startswith(SIGN_IN_ADDRESSES)
