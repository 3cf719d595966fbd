"""The page of one sync: what it did in sentences, how far each place was read, what changed and which prices moved."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from inventory.tests.factories import ResourceFactory
from providers.contract.plugin import BillingKind, Capabilities
from providers.models import ProviderConnection
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory, FakeProvider
from syncs.models import SyncSnapshot
from syncs.tests.factories import (
    OBSERVED,
    ChargeBatchFactory,
    ChargeLineFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
    TraceFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

BEFORE = OBSERVED - timedelta(days=2)


@pytest.fixture
def connection() -> ProviderConnection:
    return ConnectionFactory(organization=OrganizationFactory(), connection_name="Fake Prod")


@pytest.fixture
def owner(client: Client, connection: ProviderConnection) -> Client:
    client.force_login(member_of(connection.organization))
    return client


def url(snapshot: SyncSnapshot) -> str:
    return reverse("syncs:snapshot_detail", args=[snapshot.pk])


def page(client: Client, snapshot: SyncSnapshot) -> str:
    return client.get(url(snapshot)).text


def told(text: str) -> list[str]:
    """The sentences of what the sync did."""
    found = re.findall(r'<li class="snapshot-step.*?<span>(.*?)</span></li>', text, re.DOTALL)
    return [sentence.replace("\u00a0", " ") for sentence in found]


def grown(snapshot: SyncSnapshot, changes: dict[str, list[Any]], **fields: Any) -> Any:
    """A resource that this snapshot found changed."""
    resource = ResourceFactory(connection=snapshot.connection, **fields.pop("resource", {}))
    values = {
        "action": "updated",
        "has_cost_change": "daily_cost" in changes,
        "has_configuration_change": bool(set(changes) - {"daily_cost", "status"}),
        "has_status_change": "status" in changes,
    }
    return ResourceStateFactory(
        resource=resource, opened_by=snapshot, opened_at=OBSERVED, changes=changes, **{**values, **fields}
    )


# ---- who may read it ------------------------------------------------------------------------------------------


def test_viewer_reads(client, connection):
    client.force_login(member_of(connection.organization, Role.VIEWER))

    assert client.get(url(SnapshotFactory(connection=connection))).status_code == 200


def test_stranger_finds_nothing(client, connection):
    client.force_login(member_of(OrganizationFactory()))

    assert client.get(url(SnapshotFactory(connection=connection))).status_code == 404


def test_anonymous_signs_in_first(client, connection):
    assert client.get(url(SnapshotFactory(connection=connection)))["Location"].startswith("/accounts/login/")


# ---- what it did ----------------------------------------------------------------------------------------------


def test_a_sync_tells_what_it_read_in_how_many_requests_and_how_long(owner, connection):
    snapshot = SnapshotFactory(
        connection=connection,
        resource_count=44,
        created_count=1,
        updated_count=2,
        timings={"collect": 13.2, "billing": 0.25, "completion": 0.05},
    )
    TraceFactory(
        snapshot=snapshot,
        steps=[
            {"name": "account", "seconds": 0.4, "records": 1},
            {"name": "charges", "seconds": 1.2, "records": 5312},
            {"name": "resources", "seconds": 8.1, "records": 44},
            {"name": "usage"},
        ],
        calls=[
            {
                "step": "account",
                "api": "billing",
                "call": "GET /v3/balances",
                "requests": 1,
                "bytes": 1048576,
            },
            {"step": "charges", "api": "billing", "call": "GET /v1/consumption", "requests": 3},
            {"step": "resources", "api": "compute", "call": "GET /servers", "region": "ru-1", "requests": 2},
            {"step": "resources", "api": "compute", "call": "GET /servers", "region": "ru-2", "requests": 2},
        ],
    )

    text = page(owner, snapshot)

    assert told(text) == [
        "Read the account: 1 request, 0.4 s.",
        "Read the bill: 3 requests, 5,312 lines, 1.2 s.",
        "Listed 2 regions (ru-1, ru-2): 4 requests, 44 resources, 8.1 s.",
        "Compared 44 resources with what was known: 1 new, 2 changed, 0.3 s.",
    ]
    assert "8 requests, 1\u00a0MB, 9.7\u00a0s" in text
    assert "0:13" in text
    assert 'class="bar-fill percent-98"' in text
    assert "13.200" in text


def test_waits_say_whose_they_were(owner, connection):
    snapshot = SnapshotFactory(connection=connection)
    TraceFactory(snapshot=snapshot, waits={"asked": 12.0, "back_off": 5.25, "pace": 125.0})

    assert told(page(owner, snapshot))[:3] == [
        "Waited 12 s because Fake Cloud asked for it.",
        "Waited 5.2 s before asking again what Fake Cloud had not answered.",
        "Kept to the pace that Fake Cloud allows: 2 min 5 s of waiting.",
    ]


def test_repeats_say_what_was_answered(owner, connection):
    snapshot = SnapshotFactory(connection=connection)
    TraceFactory(
        snapshot=snapshot,
        calls=[
            {
                "step": "resources",
                "call": "GET /a",
                "requests": 5,
                "repeats": 4,
                "statuses": {"503": 3, "none": 1, "200": 1},
            },
            {"step": "resources", "call": "GET /b", "requests": 1, "statuses": {"403": 1}},
        ],
    )

    assert told(page(owner, snapshot))[0] == "4 requests were repeated (503: 3, no answer: 1)."


def test_an_attempt_before_tells_why_it_ended(owner, connection):
    snapshot = SnapshotFactory(connection=connection, attempt=2)
    error = {"code": "rate_limited", "message": "%(name)s is asked too often.", "params": {"name": "Fake"}}
    TraceFactory(snapshot=snapshot, earlier=[{"attempt": 1, "seconds": 3.1, "requests": 12, "error": error}])

    first = told(page(owner, snapshot))[0]

    assert first.startswith("Attempt 1 ended after 3.1 s: ")
    assert "Fake is asked too often." in first


def test_a_region_that_did_not_answer_says_what_is_shown_instead(owner, connection):
    snapshot = SnapshotFactory(connection=connection, status="partial")
    since = datetime(2026, 2, 27, 9, tzinfo=UTC)
    failed = {
        "snapshot": snapshot,
        "status": "failed",
        "error_code": "provider_unavailable",
        "message": "%(provider)s is not responding (%(status)s).",
        "params": {"provider": "Fake", "status": 503},
        "last_complete_at": since,
    }
    for name in ("servers", "volumes"):
        ScopeCoverageFactory(scope=f"project/p1/region/ru-1/{name}", **failed)
    ScopeCoverageFactory(snapshot=snapshot, scope="project/p1/region/ru-1/shares", status="absent")
    ScopeCoverageFactory(snapshot=snapshot, scope="project/p1/region/ru-2/servers")
    for number in range(3):
        ResourceStateFactory(
            resource=ResourceFactory(connection=connection, name=f"kept-{number}"),
            opened_by=SnapshotFactory(connection=connection, earlier=True, observed_at=since),
            opened_at=since,
            scope="project/p1/region/ru-1/servers",
            sub_account_id="p1",
            sub_account_name="Shop",
        )
    TraceFactory(
        snapshot=snapshot,
        calls=[
            {"step": "resources", "call": "GET /servers", "region": "ru-1", "given_up": 2, "tries": 5},
            {"step": "resources", "call": "GET /servers", "region": "ru-2", "requests": 1},
        ],
    )

    text = page(owner, snapshot)

    sentence = next(sentence for sentence in told(text) if sentence.startswith("ru-1"))
    assert sentence.startswith(
        "ru-1 · Shop: No answer after 5 tries: servers, volumes. 3 resources are shown as of "
    )
    assert sentence.endswith("; nothing was removed.")
    assert "2 of 4 sections" in text
    assert "Fake is not responding (503)." in text
    places = re.findall(r'<h3 class="snapshot-place-name">(.*?)</h3>', text)
    assert places == ["ru-1 · Shop", "ru-2 · Shop"]


def test_a_section_without_access_says_so(owner, connection):
    snapshot = SnapshotFactory(connection=connection, status="partial")
    ScopeCoverageFactory(snapshot=snapshot, scope="mysql", status="denied", message="Tick MySQL.")
    ScopeCoverageFactory(snapshot=snapshot, scope="vps")

    text = page(owner, snapshot)

    assert told(text)[0] == "No access: MySQL."
    assert "1 of 2 sections" in text
    assert "Tick MySQL." in text


def test_projects_of_a_region_that_fail_alike_are_told_together(owner, connection):
    snapshot = SnapshotFactory(connection=connection, status="partial")
    for project in ("a", "b"):
        for name in ("servers", "volumes", "images", "ports", "routers", "shares"):
            scope = f"project/{project}/region/ru-1/{name}"
            ScopeCoverageFactory(
                snapshot=snapshot, scope=scope, status="failed", error_code="provider_unavailable"
            )

    assert told(page(owner, snapshot))[0] == (
        "ru-1 · a, b: No answer: images, ports, routers, servers and 2 more."
    )


@pytest.mark.parametrize(("failing", "expected"), [(0, "measurements"), (2, "measurements of 2 machines")])
def test_measurements_are_one_section(owner, connection, failing, expected):
    snapshot = SnapshotFactory(connection=connection)
    for number in range(3):
        status = "failed" if number < failing else "complete"
        ScopeCoverageFactory(snapshot=snapshot, scope=f"usage/{number}", status=status, message="Why not.")

    text = page(owner, snapshot)

    assert expected in text
    assert ("1 of 1 section" in text) is not bool(failing)
    assert ("Why not." in text) is bool(failing)


def test_a_failed_sync_says_why_and_how_far_it_came(owner, connection):
    snapshot = SnapshotFactory(connection=connection, failed=True)
    TraceFactory(
        snapshot=snapshot,
        steps=[{"name": "account", "seconds": 0.2, "error": "authentication_failed"}],
        calls=[{"step": "account", "call": "POST /v1/auth", "requests": 1, "statuses": {"401": 1}}],
    )

    text = page(owner, snapshot)

    assert "Fake Cloud rejected the credentials." in text
    assert "The password is wrong." in text
    assert told(text) == ["Reading the account broke off: 1 request, 0.2 s."]


def test_a_sync_that_kept_no_trace_still_has_its_page(owner, connection):
    snapshot = SnapshotFactory(connection=connection, resource_count=1)

    assert told(page(owner, snapshot)) == ["Compared 1 resource with what was known: no changes, 0 s."]


# ---- what changed ---------------------------------------------------------------------------------------------


def headings(text: str) -> list[str]:
    return re.findall(r'<h3 class="snapshot-group-title">(.*?) <span', text)


def test_changes_are_sorted_by_what_happened(owner, connection):
    snapshot = SnapshotFactory(connection=connection, updated_count=5, created_count=1, deleted_count=1)
    SnapshotTotalFactory(snapshot=snapshot)
    server = ResourceFactory(connection=connection, name="db-1")
    grown(snapshot, {"vcpus": ["2", "4"], "daily_cost": ["22", "30"]})
    grown(snapshot, {"parent": [server.pk, None]})
    grown(snapshot, {"status": ["running", "stopped"]})
    grown(snapshot, {"status": ["running", "deleted_billed"]})
    grown(snapshot, {"daily_cost": ["10", "11"]}, resource={"resource_type": "s3_bucket"})
    grown(snapshot, {"operating_system": ["Debian 12", "Debian 13"]})
    ResourceStateFactory(resource=ResourceFactory(connection=connection), opened_by=snapshot)
    ResourceStateFactory(
        resource=ResourceFactory(connection=connection),
        opened_by=SnapshotFactory(connection=connection, earlier=True, observed_at=BEFORE),
        opened_at=BEFORE,
        closed_at=OBSERVED,
        closed_by=snapshot,
    )

    text = page(owner, snapshot)

    assert headings(text) == [
        "New",
        "Gone",
        "Deleted, still billed",
        "Resized",
        "Moved or attached elsewhere",
        "Status changed",
        "Cost moved, price and configuration the same",
        "Changed otherwise",
    ]
    assert "2\u00a0vCPU → 4\u00a0vCPU" in text
    assert "+₽240.00" in text
    assert '<del class="diff-before">db-1</del>' in text
    assert "Cost a day: ₽10.00/day → ₽11.00/day" in text


def test_a_stated_price_that_moved_is_marked(owner, connection):
    snapshot = SnapshotFactory(connection=connection, updated_count=1)
    grown(snapshot, {"daily_cost": ["10", "11"]}, original_period="month")

    text = page(owner, snapshot)

    assert headings(text) == ["Price changed"]
    assert '<span class="mark mark--primary">Price +10.0%</span>' in text
    assert "Price, ₽ a month: 300.00 → 330.00" in text
    assert "+₽30.00" in text


def dearer(snapshot: SyncSnapshot, count: int) -> None:
    """`count` servers whose memory costs 4% more, billed by lines."""
    start = BEFORE.replace(hour=0) - timedelta(days=2, hours=3)  # midnight in Moscow
    batches = {
        day: ChargeBatchFactory(snapshot=snapshot, period_start=start + timedelta(days=day)) for day in (1, 4)
    }
    for _ in range(count):
        state = grown(snapshot, {"daily_cost": ["192", "199.68"]})
        for day, cost in ((1, "192.00"), (4, "199.68")):
            ChargeLineFactory(
                batch=batches[day],
                resource=state.resource,
                charge_period_start=start + timedelta(days=day),
                charge_period_end=start + timedelta(days=day + 1),
                sku_id="compute_ram",
                charge_description="RAM",
                pricing_unit="MB-Hours",
                pricing_quantity=Decimal(786432),
                effective_cost=Decimal(cost),
            )


def test_a_price_of_a_unit_is_told_once_for_all_resources(owner, connection, fake_provider, monkeypatch):
    monkeypatch.setattr(fake_provider, "capabilities", Capabilities(billing=BillingKind.LINES))
    SnapshotFactory(connection=connection, earlier=True, observed_at=BEFORE)
    snapshot = SnapshotFactory(connection=connection, updated_count=2)
    dearer(snapshot, 2)

    text = page(owner, snapshot)

    assert headings(text) == ["Price changed"]
    (row,) = re.findall(r'<tr><th scope="row">RAM, ₽ a month for 1 GB</th>(.*?)</tr>', text, re.DOTALL)
    assert re.findall(r">([^<>]+)</td>", row) == ["180.00", "187.20", "+4.0%", "1\u00a0Mar", "2", "+₽460.80"]
    assert text.count("Price +4.0%") == 2
    assert text.count("+₽230.40") == 2


def test_the_first_sync_lists_what_it_found(owner, connection):
    snapshot = SnapshotFactory(connection=connection, created_count=1)
    state = ResourceStateFactory(
        resource=ResourceFactory(connection=connection, name="web"), opened_by=snapshot
    )

    text = page(owner, snapshot)

    assert headings(text) == ["New"]
    assert reverse("inventory:resource_detail", args=[state.resource_id]) in text


def test_findings_and_steps_afterwards_are_told(owner, connection):
    snapshot = SnapshotFactory(
        connection=connection,
        findings=[{"code": "dirty", "message": "Row %(id)s is odd.", "params": {"id": "7"}, "line": 3}],
        after_sync_errors={"costs.services.after_sync": "ValueError"},
    )

    text = page(owner, snapshot)

    assert "Line 3: Row 7 is odd." in text
    assert "A step afterwards failed and is tried again: costs.services.after_sync (ValueError)." in text


# ---- what it costs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 11])
def test_page_costs_the_same_however_much_changed(
    owner: Client,
    connection: ProviderConnection,
    fake_provider: type[FakeProvider],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
    count: int,
) -> None:
    monkeypatch.setattr(fake_provider, "capabilities", Capabilities(billing=BillingKind.LINES))
    SnapshotFactory(connection=connection, earlier=True, observed_at=BEFORE)
    snapshot = SnapshotFactory(connection=connection, created_count=count, updated_count=2 * count)
    SnapshotTotalFactory(snapshot=snapshot)
    dearer(snapshot, count)
    parent = ResourceFactory(connection=connection)
    calls = [
        {"step": "resources", "call": "GET /servers", "region": f"ru-{number}", "given_up": 1, "tries": 2}
        for number in range(count)
    ]
    TraceFactory(snapshot=snapshot, calls=calls)
    for number in range(count):
        ScopeCoverageFactory(
            snapshot=snapshot, scope=f"project/p{number}/region/ru-{number}/servers", status="failed"
        )
        ScopeCoverageFactory(snapshot=snapshot, scope=f"usage/{number}", status="failed")
        ResourceStateFactory(resource=ResourceFactory(connection=connection), opened_by=snapshot)
        grown(snapshot, {"parent": [None, parent.pk]})

    # session, user, memberships, sidebar; snapshot, totals, trace; coverage (3): sections, measurements, one that failed;
    # projects, kept resources; opened, closed, the sync before, lines, parents
    with django_assert_num_queries(17):
        owner.get(url(snapshot))
