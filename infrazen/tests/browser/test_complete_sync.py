"""A complete sync in which one connection fails: watched while it runs, understood, repeated, compared."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import Organization
from accounts.services import register_user
from common import formatting
from infrazen.tests.browser.conftest import Gate
from infrazen.tests.browser.steps import EMAIL, PASSWORD, sign_in
from providers.emulators.faults import Fault
from providers.emulators.server import EmulatorServer
from providers.services import create_connection
from syncs.models import CompleteSync, SyncSnapshot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("worker"),
]

BEFORE = datetime(2026, 10, 31, 9, tzinfo=UTC)
"""Day -21: before a server went, one came and one was resized."""
AFTER = datetime(2026, 11, 21, 9, tzinfo=UTC)
PATIENCE = 60_000
PRICES = {"vcpu": 300, "memory_gib": 100, "volume_types": {"*": 5}}


def test_failed_connection_is_named_repeated_and_the_difference_is_right(
    live_server: Any, strict_page: Page, three_clouds: EmulatorServer, gate: Gate
) -> None:
    page = strict_page
    three_clouds.set_clock(BEFORE)
    organization = _connected(three_clouds)
    sign_in(page, live_server.url)

    page.goto(f"{live_server.url}/connections/")
    _update_all(page)
    expect(_result(page)).to_contain_text("3 done", timeout=PATIENCE)

    # The second one: the private cloud's password is refused, and the first connection lets us look
    three_clouds.set_clock(AFTER)
    fault = three_clouds.faults.add(Fault(kind="status", status=401, family="openstack.keystone"))
    gate.hold("/beget/")
    page.goto(f"{live_server.url}/")
    _update_all(page)
    expect(_row(page, "Shop")).to_contain_text("Reading from the provider", timeout=PATIENCE)
    expect(_row(page, "Private cloud")).to_contain_text("Queued")
    expect(_row(page, "Farm")).to_contain_text("Queued")
    expect(page.locator("#sync-panel")).to_contain_text("0 of 3")
    gate.release()

    expect(_result(page)).to_contain_text("2 done, 1 failed", timeout=PATIENCE)
    expect(page.locator(".notice--error")).to_contain_text(
        "Private cloud: OpenStack rejected the credentials."
    )
    expect(page.locator("#sync-panel").get_by_role("button", name="Repeat 1 failed")).to_be_visible()
    _result(page).click()
    expect(_row(page, "Farm")).to_contain_text("no changes")
    page.locator("#sync-panel").get_by_role("link", name="Result by connection").click()
    expect(page.locator(".page-subtitle")).to_contain_text("Partial")
    failed = page.get_by_role("listitem").filter(has_text="Private cloud")
    expect(failed).to_contain_text("OpenStack rejected the credentials.")
    expect(failed).to_contain_text("data unchanged")

    # Repeated without the fault: the two that were read are left alone
    three_clouds.faults.remove(fault)
    page.get_by_role("button", name="Repeat 1 failed").click()
    expect(_result(page)).to_contain_text("3 done", timeout=PATIENCE)
    syncs = SyncSnapshot.objects.of(organization).values_list("connection__connection_name", "status")
    assert sorted(syncs) == [
        ("Farm", "success"),
        ("Farm", "success"),
        ("Private cloud", "error"),
        ("Private cloud", "success"),
        ("Private cloud", "success"),
        ("Shop", "success"),
        ("Shop", "success"),
    ]
    latest = CompleteSync.objects.of(organization).latest("pk")
    page.goto(f"{live_server.url}/syncs/complete/{latest.pk}/")
    expect(page.locator(".page-subtitle")).to_contain_text("Done")
    expect(page.get_by_role("button", name="Repeat 1 failed")).to_have_count(0)

    # Against the one before: what the emulator's own books say
    page.get_by_role("link", name="Compare").click()
    difference = _rate(three_clouds, AFTER) - _rate(three_clouds, BEFORE)
    assert difference == 40
    expect(page.get_by_role("row", name="Shop")).to_contain_text(formatting.signed_money(difference))
    expect(page.get_by_role("row", name="Farm")).to_contain_text("₽0.00")
    for name, kind, effect in (
        ("shop-new", "new", "+₽30.00"),
        ("shop-old", "gone", "−₽10.00"),
        ("shop-web", "2\u00a0vCPU → 4\u00a0vCPU", "+₽20.00"),
    ):
        expect(page.locator(".row", has_text=name)).to_contain_text(kind)
        expect(page.locator(".row", has_text=name)).to_contain_text(effect)


def _connected(server: EmulatorServer) -> Organization:
    """Three connections of Anna's, in this order."""
    user = register_user(email=EMAIL, password=PASSWORD, full_name="Anna Kim")
    organization = user.memberships.get().organization
    for name, provider_type, credentials in (
        ("Shop", "beget", _beget("shop", "lab-secret-shop-api", "lab-secret-shop")),
        (
            "Private cloud",
            "openstack",
            {
                "auth_url": f"{server.url}/openstack/keystone/v3",
                "username": "reader",
                "user_domain": "Private",
                "password": "lab-secret-private",
                "price_list": json.dumps(PRICES),
            },
        ),
        ("Farm", "beget", _beget("farm", "lab-secret-farm", "lab-secret-farm")),
    ):
        create_connection(
            organization=organization,
            provider_type=provider_type,
            connection_name=name,
            credentials=credentials,
            now=BEFORE,
        )
    return organization


def _beget(login: str, api_password: str, account_password: str) -> dict[str, str]:
    return {"login": login, "api_password": api_password, "account_password": account_password}


def _rate(server: EmulatorServer, at: datetime) -> Decimal:
    """What the shop's account costs a day, by the emulator's ledger."""
    return Decimal(str(server.ledger("beget", "shop", at)["total"]))


def _update_all(page: Page) -> None:
    page.get_by_role("button", name="Update all").click()


def _row(page: Page, name: str) -> Locator:
    return page.locator("#sync-panel .sync-row", has_text=name)


def _result(page: Page) -> Locator:
    return page.locator("#sync-panel summary")
