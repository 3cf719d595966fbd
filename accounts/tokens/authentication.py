"""A program's token at the API's door: `Authorization: Bearer iz_…`.

Imports no model when it loads: the framework loads this module while it reads its own settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.tokens.models import ApiToken

KEYWORD = "bearer"


class TokenAuthentication(authentication.BaseAuthentication):
    """The token's owner acts, in the token's organization alone, as far as its scope and their role reach.

    A view that starts syncs and changes nothing else says so: `scope_needed = "sync"`; every other write needs "write".
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """None without a token (a session may follow); raises AuthenticationFailed, PermissionDenied."""
        keyword, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != KEYWORD:
            return None
        from accounts.tokens import queries, services

        token = queries.usable_token(services.digest_of(secret.strip()))
        if token is None:
            raise exceptions.AuthenticationFailed(
                _(
                    "This token is unknown, revoked or expired, or its owner has left. Make a new one in the settings."
                )
            )
        self._check_scope(request, token)
        services.note_use(token=token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="InfraZen"'

    @staticmethod
    def _check_scope(request: Request, token: ApiToken) -> None:
        from accounts.tokens.models import Scope

        if request.method in SAFE_METHODS or token.scope == Scope.WRITE:
            return
        view: Any = (request.parser_context or {}).get("view")
        if token.scope == Scope.SYNC and getattr(view, "scope_needed", Scope.WRITE) == Scope.SYNC:
            return
        raise exceptions.PermissionDenied(
            _("The token “%(name)s” may not do this: its scope is “%(scope)s”.")
            % {"name": token.name, "scope": token.get_scope_display()}
        )


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # no types
    """The token in the schema."""

    target_class = "accounts.tokens.authentication.TokenAuthentication"
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
