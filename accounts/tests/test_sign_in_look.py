"""Every page of allauth's that somebody can open is drawn by a template of ours, in our frame, under the strict policy.

The addresses come from the URL configuration, so a page that a new release brings is looked at without being named.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings as site
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.exceptions import NoReverseMatch

from accounts.models import User
from accounts.tests.factories import MembershipFactory
from accounts.tests.openid_provider import OpenIDProvider, offer
from accounts.tests.security_key import with_key

pytestmark = pytest.mark.django_db

INLINE = re.compile(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*(?:src=|type=\"application/json\"))")
OURS = str(site.BASE_DIR / "templates")
NOT_PAGES = {"mfa_download_recovery_codes"}
"""A file."""


def names(resolver: URLResolver | None = None) -> Iterator[str]:
    """Every route of allauth's."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if not entry.namespace:
                yield from names(entry)
        elif isinstance(entry, URLPattern) and entry.callback.__module__.startswith("allauth."):
            yield entry.name


def addresses(user: User, key: Authenticator) -> Iterator[tuple[str, str]]:
    """(name, address) of each, with a value for whatever it takes."""
    letter = EmailConfirmationHMAC(EmailAddress.objects.get(user=user, verified=False)).key
    values: list[dict[str, Any]] = [
        {},
        {"pk": key.pk},
        {"key": letter},
        {"uidb36": "1", "key": "x-y"},
        {"provider_id": "sso"},
    ]
    for name in sorted(set(names())):
        for value in values:
            try:
                yield name, reverse(name, kwargs=value)
            except NoReverseMatch:
                continue


@pytest.fixture
def anna() -> User:
    user: User = MembershipFactory(user__email="anna@example.com").user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    EmailAddress.objects.create(user=user, email="anna.kim@example.com")
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    return user


@pytest.fixture
def key(anna: User) -> Authenticator:
    return with_key(anna)


@pytest.fixture(autouse=True)
def _providers(settings: Any, monkeypatch: Any) -> Iterator[None]:
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = True
    with OpenIDProvider() as running:
        offer(settings, running, monkeypatch)
        yield


def who_has_just_proven(user: User) -> Client:
    """A browser that is asked for nothing more."""
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return browser


def look(browser: Client, name: str, address: str) -> bool:
    """Whether a page was shown, which is then ours."""
    response = browser.get(address)
    if not response["Content-Type"].startswith("text/html") or response.status_code in (302, 404, 405):
        return False
    markup = response.content.decode()
    drawn_by = response.templates[0].origin.name
    assert response.status_code in (200, 401), (name, response.status_code)
    assert drawn_by.startswith(OURS), (name, drawn_by)
    assert markup.count("<h1") == 1, name
    assert 'class="shell"' in markup or 'class="entrance"' in markup, name
    assert INLINE.findall(markup) == [], name
    assert "unsafe" not in response["Content-Security-Policy"]
    return True


def test_pages_before_the_sign_in_are_ours(anna: User, key: Authenticator) -> None:
    shown = {name for name, address in addresses(anna, key) if look(Client(), name, address)}

    assert {
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_confirm_email",
        "account_email_verification_sent",
        "account_inactive",
        "google_login",
        "openid_connect_login",
        "socialaccount_login_cancelled",
        "socialaccount_login_error",
    } <= shown


def test_pages_of_a_person_are_ours(anna: User, key: Authenticator) -> None:
    shown = {
        name
        for name, address in addresses(anna, key)
        if name not in NOT_PAGES and look(who_has_just_proven(anna), name, address)
    }

    assert {
        "account_change_password",
        "account_reauthenticate",
        "mfa_add_webauthn",
        "mfa_deactivate_totp",
        "mfa_edit_webauthn",
        "mfa_generate_recovery_codes",
        "mfa_list_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
    } <= shown


def test_rest_of_the_pages_of_a_person_are_ours(anna: User) -> None:
    anna.set_unusable_password()
    anna.save()
    Authenticator.objects.all().delete()

    for name in ("account_set_password", "mfa_activate_totp", "account_email"):
        assert look(who_has_just_proven(anna), name, reverse(name))
