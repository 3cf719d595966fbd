"""Writes about people and tenants; the only writers of users, organizations and memberships.

AccountError
├── LastSuperAdmin      somebody must be left who can do everything
├── SuperAdminExists    the bootstrap command has done its work already
└── NotAMember          the organization is not this person's (or is not there: the same answer)
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts import queries
from accounts.models import Membership, Organization, Role, Theme, User

ORGANIZATION_KEY = "organization_id"
"""Where the session keeps the organization that a person looks at."""

DEMO_EMAIL = "demo@infrazen.example"


class AccountError(Exception):
    """A rule about people forbids it; the text is for the door's log, doors word their own messages."""


class LastSuperAdmin(AccountError):
    pass


class SuperAdminExists(AccountError):
    pass


class NotAMember(AccountError):
    pass


@transaction.atomic
def register_user(
    *,
    email: str,
    password: str | None = None,
    full_name: str = "",
    language: str = "",
    picture_url: str = "",
) -> User:
    """A new person with an organization of their own; without a password they sign in through Google.

    Raises IntegrityError where the e-mail, in any case of letters, is taken.
    """
    user = User.objects.create_user(
        email, password, full_name=full_name, language=language, picture_url=picture_url
    )
    ensure_personal_organization(user=user)
    return user


@transaction.atomic
def ensure_personal_organization(*, user: User) -> Organization:
    """The person's own organization, made where it is missing."""
    owned = user.memberships.filter(organization__is_personal=True, role=Role.OWNER).select_related(
        "organization"
    )
    membership = owned.order_by("pk").first()
    if membership:
        return membership.organization
    organization = Organization.objects.create(name=user.display_name[:150], is_personal=True)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    return organization


@transaction.atomic
def create_organization(*, name: str, owner: User, is_demo: bool = False) -> Organization:
    organization = Organization.objects.create(name=name, is_demo=is_demo)
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    return organization


@transaction.atomic
def create_super_admin(*, email: str, password: str, is_another: bool = False) -> User:
    """The first super admin, or with `is_another` one more; an existing person with that e-mail is promoted.

    Raises SuperAdminExists, and ValidationError where the password is too weak.
    """
    if not is_another and queries.super_admins().exists():
        raise SuperAdminExists("a super admin exists already")
    user = User.objects.filter(email__iexact=email).first() or User(
        email=User.objects.normalize_email(email).lower()
    )
    validate_password(password, user)
    user.set_password(password)
    user.is_active = user.is_staff = user.is_superuser = True
    user.save()
    ensure_personal_organization(user=user)
    return user


@transaction.atomic
def ensure_demo(*, organization_name: str, is_super_admin: bool = False) -> tuple[User, Organization]:
    """The demo's person and organization, made where they are missing; nobody can sign in as them with a password.

    `is_super_admin` also opens the admin to whoever reaches the demo: for one's own machine only.
    """
    user = User.objects.filter(email=DEMO_EMAIL).first() or User.objects.create_user(DEMO_EMAIL)
    if user.is_superuser != is_super_admin:
        user.is_staff = user.is_superuser = is_super_admin
        user.save(update_fields=["is_staff", "is_superuser"])
    membership = user.memberships.filter(organization__is_demo=True).select_related("organization").first()
    if membership:
        return user, membership.organization
    return user, create_organization(name=organization_name, owner=user, is_demo=True)


def switch_organization(
    *, user: User, session: MutableMapping[str, Any], organization_id: int
) -> Organization:
    """Makes the session look at another organization of the person; raises NotAMember."""
    membership = queries.memberships(user).filter(organization_id=organization_id).first()
    if membership is None:
        raise NotAMember(f"no membership of user {user.pk} in organization {organization_id}")
    session[ORGANIZATION_KEY] = membership.organization_id
    return membership.organization


def set_theme(*, user: User, theme: Theme) -> None:
    user.theme = theme
    user.save(update_fields=["theme"])


def set_language(*, user: User, language: str) -> None:
    user.language = language
    user.save(update_fields=["language"])


@transaction.atomic
def update_user(*, user: User) -> None:
    """Saves an edited person; raises LastSuperAdmin where the edit takes the last one's rank or access away."""
    if not (user.is_superuser and user.is_active):
        _keep_one_super_admin([user])
    user.save()


@transaction.atomic
def delete_users(*, users: Iterable[User]) -> int:
    """Deletes people; returns how many. Raises LastSuperAdmin."""
    leaving = list(users)
    _keep_one_super_admin(leaving)
    for user in leaving:
        user.delete()
    return len(leaving)


def _keep_one_super_admin(leaving: list[User]) -> None:
    admins = set(queries.super_admins().select_for_update().values_list("pk", flat=True))
    if admins and not admins - {user.pk for user in leaving}:
        raise LastSuperAdmin("the last super admin cannot be removed")
