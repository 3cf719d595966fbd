"""Signing in in a real browser: with a second factor, with a passkey, and through a provider that is linked first."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import Page, expect

from accounts.services import register_user
from accounts.tests.openid_provider import OpenIDProvider, offer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL, PASSWORD = "anna@example.com", "a-long-enough-passphrase"
SETTINGS = "/settings/sign-in/"


@pytest.fixture
def provider(settings: Any, monkeypatch: Any) -> Iterator[OpenIDProvider]:
    with OpenIDProvider() as running:
        offer(settings, running, monkeypatch)
        running.asks = True
        running.person = {"sub": "1", "email": EMAIL, "email_verified": True, "name": "Anna Kim"}
        yield running


def test_second_factor_is_set_up_and_asked_for(live_server: Any, strict_page: Page) -> None:
    page = strict_page
    register_user(email=EMAIL, password=PASSWORD)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:  # no code grows old while it is typed
        _sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{SETTINGS}")
        page.get_by_role("listitem").filter(has_text="Authenticator app").get_by_role(
            "link", name="Set up"
        ).click()
        _prove(page)
        page.get_by_text("Cannot scan it?").click()
        secret = page.locator("details code").inner_text()
        page.get_by_label("Six digits").fill(_code(secret))
        page.get_by_role("button", name="Turn on").click()
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        recovery = page.locator(".recovery-codes li").first.inner_text()
        _sign_out(page)

        clock.shift(60)
        _sign_in(page, live_server.url)
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        page.get_by_label("Code from the app").fill("000000")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Incorrect code.")).to_be_visible()
        page.get_by_label("Code from the app").fill(_code(secret))
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{live_server.url}/")
        _sign_out(page)

        _sign_in(page, live_server.url)
        page.get_by_label("Code from the app").fill(recovery)
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{live_server.url}/")
        page.goto(f"{live_server.url}{SETTINGS}")
        expect(page.get_by_text("9 of 10 unused")).to_be_visible()


def test_passkey_signs_in_without_the_password(live_server: Any, strict_page: Page) -> None:
    page = strict_page
    register_user(email=EMAIL, password=PASSWORD)
    _plug_a_key_in(page)
    _sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{SETTINGS}")
    page.get_by_role("link", name="Add a key").click()
    _prove(page)
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    _sign_out(page)

    page.goto(f"{live_server.url}/accounts/login/?next=/connections/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{live_server.url}/connections/")

    page.goto(f"{live_server.url}{SETTINGS}")
    expect(page.get_by_text("Work laptop")).to_be_visible()
    page.goto(f"{live_server.url}/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove Work laptop").click()
    page.get_by_role("link", name="Use a key").click()
    page.get_by_role("button", name="Use a key").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_key_that_is_refused_says_why(live_server: Any, strict_page: Page) -> None:
    page = strict_page
    _plug_a_key_in(page)
    page.goto(f"{live_server.url}/accounts/login/")

    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_role("alert").filter(has_text="The browser gave no key")).to_be_visible()


def test_provider_is_linked_once_the_password_is_proven(
    live_server: Any, strict_page: Page, provider: OpenIDProvider
) -> None:
    page = strict_page
    user = register_user(email=EMAIL, password=PASSWORD)

    _through_google(page, live_server.url)
    expect(page.get_by_role("heading", name="Link Google")).to_be_visible()
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Link and sign in").click()
    expect(page.get_by_text("Incorrect password.")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Link and sign in").click()
    expect(page).to_have_url(f"{live_server.url}/")
    assert SocialAccount.objects.get().user == user
    _sign_out(page)

    _through_google(page, live_server.url)
    expect(page).to_have_url(f"{live_server.url}/")
    page.goto(f"{live_server.url}{SETTINGS}")
    page.get_by_role("button", name="Unlink Google").click()
    _prove(page)
    expect(page.get_by_role("button", name="Link Google")).to_be_visible()
    assert not SocialAccount.objects.exists()


def _sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def _sign_out(page: Page) -> None:
    page.locator(".shell-sidebar .profile > summary").click()
    page.locator(".shell-sidebar").get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/accounts/login/"))


def _prove(page: Page) -> None:
    """The password again, before something that changes how one signs in."""
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def _through_google(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_role("button", name="Sign in with Google").click()
    page.get_by_role("button", name="Allow").click()


def _plug_a_key_in(page: Page) -> None:
    """An authenticator of the browser's own, which finds its person there at once."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    protocol.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))
