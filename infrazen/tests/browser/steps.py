"""Steps that journeys share."""

from __future__ import annotations

from playwright.sync_api import Page

EMAIL = "anna@example.com"
PASSWORD = "a-long-enough-passphrase"


def sign_in(page: Page, address: str) -> None:
    """As `EMAIL`; ends on the dashboard."""
    page.goto(f"{address}/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{address}/")
