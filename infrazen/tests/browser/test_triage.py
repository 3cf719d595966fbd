"""From the dashboard's hint to a type that is known: triage of the demo's `gpu_slice_a100`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization
from accounts.services import register_user
from infrazen.tests.browser.steps import EMAIL, PASSWORD, sign_in
from inventory.models import Resource
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from providers.services import create_connection
from syncs.models import SyncSnapshot, SyncTrigger, UnrecognizedResource
from syncs.services import request_sync, run_snapshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DAYS_LATER = 20
"""The slice exists on the scenario's days -21 to -19: day 0 lies so far ahead that today is the middle one."""


def test_unknown_type_is_mapped_and_stays_known(
    live_server: Any, strict_page: Page, emulated: Callable[[Scenario], EmulatorServer]
) -> None:
    page = strict_page
    today = timezone.now().astimezone(ZoneInfo("Europe/Moscow")).date()
    emulated(Scenario.load("demo", anchor=today + timedelta(days=DAYS_LATER)))
    connection = _connected(_administrator_of())
    for moment in (timezone.now() - timedelta(minutes=5), timezone.now()):
        _synced(connection, moment)
    assert UnrecognizedResource.objects.filter(native_type="gpu_slice_a100", resolved_at=None).count() == 2

    # The dashboard says so, with the money that stands on it
    sign_in(page, live_server.url)
    notice = page.locator(".notice", has_text="gpu_slice_a100")
    expect(notice).to_contain_text("the type is not recognised")
    expect(notice).to_contain_text(re.compile(r"₽[\d,]+\.\d\d over \d days? are counted in the sums"))
    notice.get_by_role("link", name="Map it").click()

    # Triage in the admin: the type, what it costs, which resources a mapping touches
    row = page.get_by_role("region", name="Types that wait for an answer").get_by_role(
        "row", name="gpu_slice_a100"
    )
    expect(row).to_contain_text("₽1,200.00/day")
    row.get_by_role("link", name="Map this type").click()
    expect(page.get_by_text("2 open records")).to_be_visible()
    expect(page.get_by_text("1 resource gets the new type")).to_be_visible()
    expect(page.get_by_role("link", name="gpu-slice-01")).to_be_visible()
    page.get_by_label("Type in the taxonomy").select_option("server")
    page.get_by_label("Notes").fill("A slice of a GPU server.")
    page.get_by_role("button", name="Map").click()
    expect(page.get_by_text("2 records resolved. From the next sync on the type is known.")).to_be_visible()
    expect(page.get_by_text("Types that wait for an answer")).to_have_count(0)

    # Known at once, in the history too
    page.goto(live_server.url)
    expect(page.get_by_text("Spend by day")).to_be_visible()
    expect(page.get_by_text("not recognised")).to_have_count(0)
    resource = Resource.objects.get(native_type="gpu_slice_a100")
    page.goto(f"{live_server.url}/resources/{resource.pk}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("gpu-slice-01")
    expect(page.locator("main")).to_contain_text("Server")
    expect(page.locator("main")).not_to_contain_text("Not recognised")
    records = UnrecognizedResource.objects.filter(native_type="gpu_slice_a100")
    assert {(record.mapped_to, record.resolved_at is None) for record in records} == {("server", False)}

    # And the next sync keeps it
    snapshot = _synced(connection, timezone.now())
    resource.refresh_from_db()
    assert (resource.resource_type, snapshot.unrecognized_count) == ("server", 0)
    assert not UnrecognizedResource.objects.filter(resolved_at=None).exists()
    page.goto(live_server.url)
    expect(page.get_by_text("Spend by day")).to_be_visible()
    expect(page.get_by_text("not recognised")).to_have_count(0)


def _administrator_of() -> Organization:
    """Anna's organization; she may triage."""
    user = register_user(email=EMAIL, password=PASSWORD, full_name="Anna Kim")
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.set(Permission.objects.filter(codename="manage_resources"))
    return user.memberships.get().organization


def _connected(organization: Organization) -> ProviderConnection:
    return create_connection(
        organization=organization,
        provider_type="selectel",
        connection_name="Selectel BU-A",
        credentials={
            "account_id": "101001",
            "username": "infrazen-reader",
            "password": "demo-secret-selectel-a",
            "static_token": "demo-secret-static-a_101001",
        },
        now=timezone.now(),
    )


def _synced(connection: ProviderConnection, now: datetime) -> SyncSnapshot:
    snapshot, _joined = request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=now)
    run_snapshot(snapshot_id=snapshot.pk, now=now)
    snapshot.refresh_from_db()
    assert snapshot.status == "success"
    return snapshot
