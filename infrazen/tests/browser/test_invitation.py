"""An owner invites somebody by e-mail; the invited person registers, joins, sees everything and can change nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from accounts.models import Invitation, Membership, User
from accounts.services import create_organization, register_user
from infrazen.tests.browser.steps import EMAIL, PASSWORD, sign_in
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_invited_join_as_viewers_and_only_look(
    live_server: Any, strict_page: Page, browser: Browser, settings: Any, fake_provider: object
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    settings.SIGNUP_OPEN = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    anna = register_user(email=EMAIL, password=PASSWORD, full_name="Anna Kim")
    anna.emailaddress_set.create(email=anna.email, verified=True, primary=True)
    acme = create_organization(name="Acme", owner=anna)
    connection = ConnectionFactory(organization=acme, connection_name="Production")

    link = _invite(strict_page, live_server.url, "boris@example.com")
    theirs = browser.new_context().new_page()
    _register_and_join(theirs, link)

    _sees_and_may_not(theirs, live_server.url)
    boris = User.objects.get(email="boris@example.com")
    assert Membership.objects.get(user=boris, organization=acme).role == "viewer"
    assert Invitation.objects.get().accepted_by == boris
    assert ProviderConnection.objects.get() == connection

    strict_page.goto(f"{live_server.url}/settings/organization/")
    expect(strict_page.locator("#members")).to_contain_text("boris@example.com")
    expect(strict_page.locator("#invitations")).not_to_contain_text("boris@example.com")


def _invite(page: Page, address: str, email: str) -> str:
    """By keyboard from the switcher on; returns the link in the letter."""
    sign_in(page, address)
    switcher = page.get_by_label("Organization: Anna Kim").first
    switcher.focus()
    page.keyboard.press("Enter")
    page.locator(".shell-sidebar").get_by_role("button", name=re.compile("Acme")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Organization: Acme").first).to_be_visible()

    page.goto(f"{address}/settings/organization/")
    form = page.locator("#invitations form").last
    form.get_by_label("E-mail").fill(email)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"The invitation is on its way to {email}.")).to_be_visible()
    return re.search(r"https?://\S+/accounts/invitation/\?key=\S+", mail.outbox[-1].body)[0]


def _register_and_join(page: Page, link: str) -> None:
    page.goto(link)
    assert "key=" not in page.url
    expect(page.get_by_role("heading", level=1)).to_have_text("You are invited to “Acme”")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_label("E-mail")).to_have_value("boris@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("You have joined “Acme”.")).to_be_visible()


def _sees_and_may_not(page: Page, address: str) -> None:
    page.goto(f"{address}/connections/")
    expect(page.get_by_role("article", name="Production")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^(Update|Test|Sync)"))).to_have_count(0)

    page.goto(f"{address}/connections/new/")
    expect(page.get_by_text("You may only look at this organization.")).to_be_visible()

    page.goto(f"{address}/settings/organization/")
    expect(page.locator("#members")).to_contain_text("Anna Kim")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    expect(page.get_by_role("button", name="Invite")).to_have_count(0)
    expect(page.get_by_role("link", name="Leave")).to_have_count(1)
