"""How a person gets in: what the page «Sign-in and security» shows, each part in a query of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.identity import SSO_PROVIDER
from accounts.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedProvider:
    """A provider of identity that this site has keys for."""

    provider_id: str
    name: str
    icon: str
    login_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """An account at a provider that signs its person in, or with `account_pk` 0 an offer to link one."""

    name: str
    icon: str
    label: str = ""
    account_pk: int = 0
    link_url: str = ""
    is_offered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A passkey or a plain security key."""

    pk: int
    name: str
    is_passkey: bool
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """`recovery_left` of `recovery_total` codes are unused; None where none were made."""

    app_added_at: datetime | None
    keys: list[Key]
    recovery_left: int | None
    recovery_total: int

    @property
    def is_on(self) -> bool:
        return self.app_added_at is not None or bool(self.keys)


def offered_providers(request: HttpRequest, *, process: str = "login", **query: str) -> list[OfferedProvider]:
    """Where people of this site may come from. One query: allauth also looks for providers kept as rows."""
    providers = get_adapter(request).list_providers(request)
    if settings.SSO_ONLY:
        providers = [provider for provider in providers if provider.sub_id == SSO_PROVIDER]
    return [
        OfferedProvider(
            provider_id=provider.sub_id,
            name=shown_name(provider),
            icon=_icon(provider.sub_id),
            login_url=provider.get_login_url(request, process=process, **query),
        )
        for provider in providers
    ]


def provider_rows(request: HttpRequest, user: User, *, next_url: str) -> list[ProviderRow]:
    """What is linked, then what may be. Two queries."""
    offered = {
        found.provider_id: found for found in offered_providers(request, process="connect", next=next_url)
    }
    linked = list(SocialAccount.objects.filter(user=user).order_by("provider", "pk"))
    rows = [
        ProviderRow(
            name=offered[account.provider].name if account.provider in offered else account.provider,
            icon=_icon(account.provider),
            label=_label(account),
            account_pk=account.pk,
            is_offered=account.provider in offered,
        )
        for account in linked
    ]
    taken = {account.provider for account in linked}
    return rows + [
        ProviderRow(name=found.name, icon=found.icon, link_url=found.login_url)
        for found in offered.values()
        if found.provider_id not in taken
    ]


def shown_name(provider: Any) -> str:
    """What people call a provider of identity."""
    return str(_("Yandex ID")) if provider.id == "yandex" else str(provider.name)


def email_addresses(user: User) -> list[EmailAddress]:
    """The login first; an account that was made for somebody has no row yet, so its login stands alone."""
    found = list(EmailAddress.objects.filter(user=user).order_by("-primary", "email"))
    return found or [EmailAddress(user=user, email=user.email, primary=True, verified=False)]


def second_factor(user: User) -> SecondFactor:
    rows = list(Authenticator.objects.filter(user=user).order_by("created_at", "pk"))
    kinds = {row.type: row for row in rows}
    app = kinds.get(Authenticator.Type.TOTP)
    codes = kinds.get(Authenticator.Type.RECOVERY_CODES)
    return SecondFactor(
        app_added_at=app.created_at if app else None,
        keys=[_key(row) for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        recovery_left=len(codes.wrap().get_unused_codes()) if codes else None,
        recovery_total=mfa_settings.RECOVERY_CODE_COUNT,
    )


def keys_of(user: User) -> list[Key]:
    rows = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return [_key(row) for row in rows.order_by("created_at", "pk")]


def _key(row: Any) -> Key:
    return Key(
        pk=row.pk,
        name=row.wrap().name,
        is_passkey=bool(row.wrap().is_passwordless),
        added_at=row.created_at,
        used_at=row.last_used_at,
    )


def _label(account: Any) -> str:
    """What a person knows their account there by."""
    profile = account.extra_data or {}
    names = ("email", "default_email", "preferred_username", "login", "name")
    return str(next((profile[name] for name in names if profile.get(name)), account.uid))


def _icon(provider_id: str) -> str:
    return "google" if provider_id == "google" else "user"
