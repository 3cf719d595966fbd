"""The newcomer's journey, in a real browser and through every door they would use."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.services import register_user
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-enough-passphrase"
BEFORE_THE_RESIZE = datetime(2026, 10, 10, 9, tzinfo=UTC)
AFTER_THE_RESIZE = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_newcomer_connects_a_cloud_and_sees_why_its_cost_changed(
    live_server: Any, strict_page: Page, emulator: EmulatorServer
) -> None:
    page = strict_page
    emulator.set_clock(BEFORE_THE_RESIZE)
    register_user(email="anna@example.com", password=PASSWORD, full_name="Anna Kim")

    _sign_in(page, live_server.url)
    expect(page).to_have_url(re.compile(r"/$"))

    page.goto(f"{live_server.url}/connections/")
    _open_form(page)
    _fill(page, api_password="wrong", account_password="also wrong")
    page.get_by_role("button", name=re.compile("^(Save|Connect|Add)")).click()
    expect(page.get_by_text("Beget accepted neither password")).to_be_visible()
    assert ProviderConnection.objects.count() == 0

    _fill(page, api_password="demo-secret-prod-api", account_password="demo-secret-prod-account")
    page.get_by_role("button", name=re.compile("^(Save|Connect|Add)")).click()
    page.wait_for_url(re.compile("/connections/$"))
    card = page.get_by_role("article", name="Production")
    card.get_by_role("button", name="Test").click()
    expect(card.get_by_text("demoprod").first).to_be_visible()

    _update(page, card)
    emulator.set_clock(AFTER_THE_RESIZE)
    _update(page, card)

    page.goto(f"{live_server.url}/resources/")
    page.get_by_role("link", name="vps-batch-01").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("vps-batch-01")
    history = page.locator("#history")
    expect(history).to_contain_text("233")
    expect(history).to_contain_text("300")
    expect(history).to_contain_text("vCPU")


def _sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.locator("input[name=login]").fill("anna@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _open_form(page: Page) -> None:
    row = page.locator("li, .row, .choice", has_text="Beget").filter(
        has=page.get_by_role("link", name="Connect")
    )
    row.get_by_role("link", name="Connect").first.click()


def _fill(page: Page, *, api_password: str, account_password: str) -> None:
    page.get_by_label("Name", exact=True).fill("Production")
    page.get_by_label("Login", exact=True).fill("demoprod")
    page.get_by_label("API password").fill(api_password)
    page.get_by_label("Account password").fill(account_password)


def _update(page: Page, card: Any) -> None:
    """Press the button and wait until the sync that it began has ended."""
    before = _finished_count()
    card.get_by_role("button", name="Update").click()
    for _attempt in range(60):
        page.wait_for_timeout(500)
        if _finished_count() > before:
            page.goto(page.url)
            return
    raise AssertionError("the sync did not end within thirty seconds")


def _finished_count() -> int:
    connection = ProviderConnection.objects.get()
    return connection.snapshots.filter(status__in=["success", "partial"]).count()  # type: ignore[no-any-return]
