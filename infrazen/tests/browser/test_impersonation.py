"""Acting as somebody in a real browser: from the list of people, under the bar, and back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.audit.models import AuditEntry
from accounts.services import create_super_admin, register_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BOSS, PASSWORD = "boss@example.com", "a-long-enough-passphrase"


def test_an_administrator_acts_as_a_person_and_comes_back(live_server: Any, strict_page: Page) -> None:
    page, site = strict_page, live_server.url
    create_super_admin(email=BOSS, password=PASSWORD)
    register_user(email="anna@example.com", full_name="Anna Kim")
    page.goto(f"{site}/accounts/login/?next=/admin/accounts/user/")
    page.get_by_label("E-mail").fill(BOSS)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("button", name="Act as anna@example.com").click()
    expect(page).to_have_url(f"{site}/")
    bar = page.get_by_role("region", name="Acting as somebody else")
    expect(bar).to_contain_text("You act as Anna Kim")
    assert bar.bounding_box()["height"] == 36

    page.mouse.wheel(0, 2000)
    expect(bar).to_be_in_viewport()
    page.goto(f"{site}/accounts/password/change/")
    expect(page.get_by_text("Not while you act as somebody else")).to_be_visible()
    expect(bar).to_be_visible()

    bar.get_by_role("button", name="Go back").click()
    expect(page).to_have_url(f"{site}/admin/")
    expect(bar).to_have_count(0)

    page.goto(f"{site}/admin/audit/auditentry/")
    row = page.get_by_role("row").filter(has_text="Began to act as somebody else")
    expect(row).to_contain_text(BOSS)
    expect(row).to_contain_text("anna@example.com")
    actions = AuditEntry.objects.filter(action__startswith="impersonation.").order_by("pk")
    assert [entry.action for entry in actions] == ["impersonation.started", "impersonation.ended"]


def test_the_bar_is_over_the_admin_and_on_a_phone(live_server: Any, strict_page: Page) -> None:
    page, site = strict_page, live_server.url
    create_super_admin(email=BOSS, password=PASSWORD)
    administrator = register_user(email="oleg@example.com", full_name="Oleg " + "Long " * 20)
    administrator.is_staff = True
    administrator.save()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site}/accounts/login/?next=/admin/accounts/user/{administrator.pk}/change/")
    page.get_by_label("E-mail").fill(BOSS)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("button", name="Act as this person").click()
    bar = page.get_by_role("region", name="Acting as somebody else")
    for path in ("/", "/admin/"):
        page.goto(f"{site}{path}")
        expect(bar).to_be_in_viewport()
        expect(bar.get_by_role("button", name="Go back")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
