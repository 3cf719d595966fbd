"""From a finding to its proof: read, approved, done, seen gone, and what it saved; and the same on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Page, expect

from accounts.services import register_user
from accounts.tests.factories import MembershipFactory
from infrazen.tests.browser.steps import EMAIL, PASSWORD, sign_in
from recommendations.models import Recommendation
from recommendations.services import evaluate_organization
from recommendations.tests.estate import Estate
from recommendations.tests.facts import NOW, TODAY

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FORGOTTEN, SPARE = "forgotten-01", "spare-02"
DO_IT = f"Stop “{FORGOTTEN}”, which does nothing, and delete it later."
PHONE = {"width": 360, "height": 740}
MOST_TABS = 60


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """The estate is measured and billed up to a day of its own."""
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def estate(transactional_db: None) -> Estate:
    """Anna's: two servers that do nothing, at 100 and 40 roubles a day."""
    found = Estate()
    user = register_user(email=EMAIL, password=PASSWORD, full_name="Anna Kim")
    user.memberships.get().organization.delete()
    MembershipFactory(user=user, organization=found.organization, role="owner")
    found.server(name=FORGOTTEN, day_cost="100", days=40)
    found.server(name=SPARE, day_cost="40", days=40)
    evaluate_organization(organization=found.organization, now=NOW)
    return found


def test_a_finding_is_read_done_and_proven(live_server: Any, strict_page: Page, estate: Estate) -> None:
    page, row = strict_page, finding(FORGOTTEN)
    sign_in(page, live_server.url)
    page.locator("nav.shell-menu:visible").get_by_role("link", name="Recommendations").click()

    # What to do, why, what it saves and how
    page.get_by_role("link", name=DO_IT).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(DO_IT)
    why = page.get_by_role("region", name="Why")
    expect(why.locator("dl.facts")).to_contain_text("1.0%")
    expect(why).to_contain_text("₽100.00 a day × 30 = ₽3,000.00")
    expect(page.get_by_role("region", name="Steps").get_by_role("listitem").first).to_contain_text(FORGOTTEN)
    expect(page.locator("figure[data-source=evidence-0] canvas")).to_be_visible()

    # Decided, and done
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".page-subtitle")).to_contain_text("Approved")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.locator(".page-subtitle")).to_contain_text("Implemented")
    expect(page.get_by_role("heading", name="Proof")).to_have_count(0)

    # A sync sees that it is gone
    estate.remove(row.resource, at=NOW + timedelta(hours=1))
    evaluate_organization(organization=estate.organization, now=NOW + timedelta(hours=2))
    page.reload()
    proof = page.get_by_role("region", name="Proof")
    expect(proof.first).to_contain_text("known from")

    # Two weeks of costs without it
    spare = finding(SPARE).resource
    estate.bill(spare, Decimal(40), first=TODAY + timedelta(days=1), last=TODAY + timedelta(days=16))
    evaluate_organization(organization=estate.organization, now=NOW + timedelta(days=16))
    page.reload()
    expect(proof.first).to_contain_text("Saves ₽3,000.00 a month; ₽3,000.00 was promised.")
    expect(page.locator(".page-subtitle")).to_contain_text("Proven")

    page.goto(f"{live_server.url}/")
    expect(page.get_by_text("proven so far: ₽3,000.00 a month")).to_be_visible()


def test_on_a_phone_and_by_keyboard(live_server: Any, strict_page: Page, estate: Estate) -> None:
    page, site = strict_page, live_server.url
    page.set_viewport_size(PHONE)
    sign_in(page, site)

    for path in (f"/recommendations/{finding(FORGOTTEN).pk}/", "/recommendations/"):
        page.goto(f"{site}{path}")
        expect(page.get_by_text(FORGOTTEN).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    go_by_keyboard(page, "Why are there none?")
    expect(page.get_by_role("heading", level=1)).to_have_text("Why are there no recommendations?")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    go_by_keyboard(page, "Runs and does nothing")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Runs and does nothing")
    go_by_keyboard(page, "found (2)")
    expect(page.get_by_role("link", name=SPARE).first).to_be_visible()


def finding(name: str) -> Recommendation:
    return Recommendation.objects.select_related("resource").get(rule_id="server.idle", resource__name=name)


def go_by_keyboard(page: Page, text: str) -> None:
    """Tab to the link of this text, and follow it."""
    for _tab in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            break
    page.keyboard.press("Enter")
    page.wait_for_load_state()
