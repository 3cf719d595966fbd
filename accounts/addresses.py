"""E-mail addresses of people: whose one is, and which count as confirmed."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


def owner_of(email: str) -> User | None:
    """Who has confirmed the address; else whose login it is."""
    confirmed = EmailAddress.objects.filter(email__iexact=email, verified=True).select_related("user").first()
    if confirmed:
        owner: User = confirmed.user
        return owner
    return User.objects.filter(email__iexact=email).first()


def is_login_of_another(email: str, *, user_id: int) -> bool:
    return User.objects.filter(email__iexact=email).exclude(pk=user_id).exists()


@transaction.atomic
def confirm(*, user: User, email: str) -> None:
    """Counts as confirmed from now on: somebody whom we trust has said so. Nothing where another person has it."""
    email = email.lower()
    if EmailAddress.objects.filter(email=email, verified=True).exclude(user=user).exists():
        return
    has_primary = EmailAddress.objects.filter(user=user, primary=True).exists()
    address, made = EmailAddress.objects.get_or_create(
        user=user,
        email=email,
        defaults={"verified": True, "primary": not has_primary and email == user.email},
    )
    if not made and not address.verified:
        address.verified = True
        address.save(update_fields=["verified"])


def drop_unproven_claims(email: str) -> None:
    """Whoever added the address to their account without confirming it must not stand in its owner's way."""
    EmailAddress.objects.filter(email__iexact=email, verified=False).exclude(
        user__email__iexact=email
    ).delete()
