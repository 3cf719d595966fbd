"""Who calls with a browser's session; programs come with a token (`accounts.tokens.authentication`).

Imports nothing but `rest_framework.authentication` and the schema's extensions: the framework loads this module while
it reads its own settings.
"""

from __future__ import annotations

from drf_spectacular.authentication import SessionScheme
from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """Answers 401 to who is not signed in; the framework's own says 403, as to who may not."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="InfraZen"'


class SessionAuthenticationScheme(SessionScheme):  # type: ignore[no-untyped-call]  # no types
    """The same cookie in the schema."""

    target_class = "infrazen.api.authentication.SessionAuthentication"
    name = "cookieAuth"
    priority = 0
