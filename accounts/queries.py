"""Reads about people and tenants."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Membership, Role, User

PLATFORM_PERMISSIONS = (
    "manage_users",
    "impersonate_users",
    "view_all_data",
    "manage_providers",
    "manage_resources",
)
"""What a super admin may grant an administrator one by one; codenames of `accounts.User`."""


def memberships(user: User) -> QuerySet[Membership]:
    """The person's memberships with their organizations, the oldest first: a person's own comes before invitations."""
    return user.memberships.select_related("organization").order_by("pk")


def super_admins() -> QuerySet[User]:
    """Super admins who can sign in for good; the demo's user lives only as long as the demo mode."""
    return User.objects.filter(is_superuser=True, is_active=True).exclude(
        memberships__organization__is_demo=True
    )


def is_last_super_admin(user: User) -> bool:
    admins = set(super_admins().values_list("pk", flat=True)[:2])
    return admins == {user.pk}


def may_administer(*, actor: User, target: User) -> bool:
    """Whether `actor` may change `target`: nobody changes a person of equal or higher rank, super admins apart."""
    if not (actor.is_active and actor.is_staff):
        return False
    if actor.is_superuser:
        return True
    return actor.has_perm("accounts.manage_users") and not (target.is_staff or target.is_superuser)


def demo_user() -> User | None:
    """Whom the one-click sign-in of the demo signs in."""
    membership = (
        Membership.objects.filter(organization__is_demo=True, role=Role.OWNER, user__is_active=True)
        .select_related("user")
        .order_by("pk")
        .first()
    )
    return membership.user if membership else None
