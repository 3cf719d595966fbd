"""Reads about API tokens."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.models import Membership, Role
from accounts.tokens.models import ApiToken, ApiTokenQuerySet


def usable_token(digest: str) -> ApiToken | None:
    """The living token with this digest, its owner active and still a member; with owner and organization."""
    membership = Membership.objects.filter(user=OuterRef("user"), organization=OuterRef("organization"))
    return (
        ApiToken.objects.alive()
        .filter(Exists(membership), digest=digest, user__is_active=True)
        .select_related("user", "organization")
        .first()
    )


def manageable_tokens(membership: Membership) -> ApiTokenQuerySet:
    """Unrevoked tokens of the organization that a member may see and revoke: their own, for an owner everybody's."""
    tokens = ApiToken.objects.get_queryset().filter(organization=membership.organization, revoked_at=None)
    if membership.role != Role.OWNER:
        tokens = tokens.filter(user=membership.user_id)
    return tokens.select_related("user", "organization")
