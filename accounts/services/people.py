"""People: who is there, how their pages look, and the rank that somebody must keep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import queries
from accounts.audit.services import record
from accounts.models import Membership, Organization, Role, Theme, User
from accounts.services.deletion import start_grace
from accounts.services.errors import LastOwner, LastSuperAdmin, SuperAdminExists
from accounts.services.organizations import (
    DEMO_EMAIL,
    create_organization,
    ensure_personal_organization,
    locked,
)


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
    record("user.made_super_admin", obj=user)
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
def delete_users(*, users: Iterable[User], now: datetime) -> int:
    """Deletes people; returns how many. What was theirs alone goes thirty days later.

    Raises LastSuperAdmin, and LastOwner where others would be left in an organization without an owner.
    """
    leaving = list(users)
    _keep_one_super_admin(leaving)
    memberships = [own for user in leaving for own in queries.memberships(user)]
    emptied = [own.organization for own in memberships if _is_left_empty(own, leaving)]
    for user in leaving:
        user.delete()
    for organization in emptied:
        start_grace(organization=organization, now=now)
    return len(leaving)


def _is_left_empty(own: Membership, leaving: list[User]) -> bool:
    """Whether nobody stays when they go; under a lock, so that the answer keeps being true."""
    locked(own.organization)
    others = Membership.objects.filter(organization_id=own.organization_id).exclude(user__in=leaving)
    if not others.exists():
        return True
    if own.is_owner and not others.filter(role=Role.OWNER).exists():
        raise LastOwner(
            _("%(person)s is the only owner of “%(organization)s”. Make somebody else an owner first.")
            % {"person": own.user.display_name, "organization": own.organization.name}
        )
    return False


def _keep_one_super_admin(leaving: list[User]) -> None:
    admins = set(queries.super_admins().select_for_update().values_list("pk", flat=True))
    if admins and not admins - {user.pk for user in leaving}:
        raise LastSuperAdmin("the last super admin cannot be removed")
