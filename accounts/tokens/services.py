"""The only writer of API tokens.

TokenError
├── TooManyTokens       a person has enough living tokens in one organization
└── ScopeNotYours       a viewer's token may only read
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit.services import record
from accounts.models import Membership, User
from accounts.tokens.models import ApiToken, Scope

TOKEN_PREFIX = "iz_"  # noqa: S105  # tells scanners of leaked secrets whose it is
RANDOM_BYTES = 32
SHOWN_LETTERS = 8
TOKENS_AT_MOST = 50
USE_IS_NOTED_EVERY = timedelta(minutes=1)
"""`last_used_at` is not written more often: a script's hundred calls a second are one row's write a minute."""


class TokenError(Exception):
    """A rule about tokens forbids it; doors word their own messages."""


class TooManyTokens(TokenError):
    pass


class ScopeNotYours(TokenError):
    pass


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def scopes_for(membership: Membership) -> list[Scope]:
    """What a member may let a token do: not more than their role."""
    return list(Scope) if membership.may_write else [Scope.READ]


@transaction.atomic
def create_token(
    *, membership: Membership, name: str, scope: Scope, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """The row and the token itself, which nobody can read again. Raises TooManyTokens, ScopeNotYours."""
    if scope not in scopes_for(membership):
        raise ScopeNotYours(f"a {membership.role} cannot give {scope}")
    person = User.objects.select_for_update().get(pk=membership.user_id)  # two requests at once count as one
    living = ApiToken.objects.alive().of(membership.organization).filter(user=person)
    if living.count() >= TOKENS_AT_MOST:
        raise TooManyTokens(f"{TOKENS_AT_MOST} living tokens")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    token = ApiToken.objects.create(
        organization=membership.organization,
        user=person,
        name=name,
        scope=scope,
        beginning=secret[:SHOWN_LETTERS],
        digest=digest_of(secret),
        expires_at=expires_at,
    )
    record(
        "token.created",
        obj=token,
        organization=membership.organization,
        details={"scope": scope.value, "expires": expires_at},
    )
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken) -> None:
    """For good; a second time changes nothing."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record(
            "token.revoked", obj=token, organization=token.organization, details={"owner": token.user.email}
        )


def note_use(*, token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - USE_IS_NOTED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
