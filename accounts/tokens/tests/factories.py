"""API tokens for tests."""

from __future__ import annotations

from accounts.models import Membership
from accounts.tokens import services
from accounts.tokens.models import ApiToken, Scope


def token_of(membership: Membership, scope: Scope = Scope.READ, **options) -> tuple[ApiToken, dict[str, str]]:
    """The row, and the header that a program sends, as keyword arguments of a test client's call."""
    token, secret = services.create_token(membership=membership, name="script", scope=scope, **options)
    return token, {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
