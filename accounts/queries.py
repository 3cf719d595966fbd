"""Reads about people and tenants."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from accounts.models import Invitation, Membership, Organization, Role, User

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


def members(organization: Organization) -> QuerySet[Membership]:
    """Everybody who belongs to it with their person, owners first, then by e-mail."""
    rank = Case(When(role=Role.OWNER, then=0), When(role=Role.MANAGER, then=1), default=2)
    return (
        Membership.objects.filter(organization=organization)
        .select_related("user")
        .order_by(rank, "user__email")
    )


def owner_count(organization: Organization) -> int:
    return Membership.objects.filter(organization=organization, role=Role.OWNER).count()


def open_invitations(organization: Organization) -> QuerySet[Invitation]:
    """Those that wait for an answer, expired ones too, with their inviter; the latest first."""
    return Invitation.objects.open().of(organization).select_related("invited_by").order_by("-sent_at", "-pk")


def invitation_by_token(token_hash: str) -> Invitation | None:
    """With its organization and inviter; None for a token of nobody."""
    found = Invitation.objects.filter(token_hash=token_hash)
    return found.select_related("organization", "invited_by").first()


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


def people_with_email(email: str) -> QuerySet[User]:
    """Whose login the address is, or who has shown that it is theirs; in any case of letters."""
    return User.objects.filter(
        Q(email__iexact=email) | Q(emailaddress__email__iexact=email, emailaddress__verified=True)
    )


def emails_of(user: User) -> set[str]:
    """The person's login and the other addresses that they have shown to be theirs, in small letters."""
    verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return {user.email.lower(), *(email.lower() for email in verified)}


def needing_owner(going: Iterable[Membership]) -> QuerySet[Organization]:
    """Organizations that have an owner now and would have none if these memberships went, or lost their role."""
    numbers = [membership.pk for membership in going]
    owners = Membership.objects.filter(organization=OuterRef("pk"), role=Role.OWNER)
    return Organization.objects.filter(
        Exists(owners.filter(pk__in=numbers)), ~Exists(owners.exclude(pk__in=numbers))
    )


def left_without_owner(leaving: Iterable[User]) -> QuerySet[Organization]:
    """Organizations in which somebody would stay, and no owner, if these people went."""
    going = [user.pk for user in leaving]
    staying = Membership.objects.filter(organization=OuterRef("pk")).exclude(user__in=going)
    return Organization.objects.filter(
        Exists(staying),
        ~Exists(staying.filter(role=Role.OWNER)),
        pk__in=Membership.objects.filter(user__in=going, role=Role.OWNER).values("organization"),
    )
