"""The page of one resource: its price, its history with what the syncs can prove, its use, what people write about it."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, member_of
from costs.tests.factories import DailyCostFactory
from infrazen.pages import resource_detail
from infrazen.pages.resource_history import daily_costs, history, unchanged_count, unread_times
from inventory.models import Resource, ResourceNote, ResourceType, Tag
from inventory.tests.factories import MetricPointFactory, ResourceFactory, TagFactory, UsageSummaryFactory
from providers.contract.plugin import BillingKind, Capabilities
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory, FakeProvider
from recommendations.tests.factories import RecommendationFactory
from syncs.models import ResourceState, SyncSnapshot
from syncs.tests.factories import (
    ChargeBatchFactory,
    ChargeLineFactory,
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    SnapshotTotalFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
SEEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_detail.timezone, "now", lambda: NOW)


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def connection(organization: Organization) -> ProviderConnection:
    return ConnectionFactory(organization=organization, connection_name="Cloud")


@pytest.fixture
def server(connection: ProviderConnection) -> Resource:
    return ResourceFactory(connection=connection, name="web-1")


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def url(resource: Resource, part: str = "") -> str:
    return f"/resources/{resource.pk}/{part}"


def synced(connection: ProviderConnection, at: datetime, *, unread: str = "") -> SyncSnapshot:
    """A finished sync; `unread` is a scope that it could not read."""
    SyncSnapshot.objects.filter(connection=connection).update(is_current=False)
    snapshot = SnapshotFactory(connection=connection, observed_at=at)
    if unread:
        ScopeCoverageFactory(snapshot=snapshot, scope=unread, status="failed", last_complete_at=at - HOUR)
    return snapshot


def resized(server: Resource) -> None:
    """22 roubles from 1 March on, resized for 30 on 3 March, dearer at the same size from 5 March on."""
    ResourceStateFactory(resource=server, opened_at=SEEN, closed_at=SEEN + 2 * DAY, vcpus=2)
    ResourceStateFactory(
        resource=server,
        opened_at=SEEN + 2 * DAY,
        closed_at=SEEN + 4 * DAY,
        action="updated",
        has_configuration_change=True,
        has_cost_change=True,
        changes={"vcpus": ["2", "4"], "daily_cost": ["22", "30"]},
        vcpus=4,
        daily_cost=Decimal(30),
    )
    ResourceStateFactory(
        resource=server,
        opened_at=SEEN + 4 * DAY,
        action="updated",
        has_cost_change=True,
        changes={"daily_cost": ["30", "33"]},
        vcpus=4,
        daily_cost=Decimal(33),
    )


def data_of(text: str, chart: str) -> dict[str, Any]:
    found = re.search(rf'<script id="{chart}" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


# History


def test_history_tells_changes_with_effect_and_the_look_before(connection, server) -> None:
    for days in range(6):
        synced(connection, SEEN + days * DAY)
    resized(server)

    events, _page = history(server, page=1)

    assert [(e.change.kind, e.change.effect) for e in events] == [
        ("updated", Decimal(3)),
        ("updated", Decimal(8)),
        ("created", Decimal(22)),
    ]
    assert [e.after for e in events] == [SEEN + 3 * DAY, SEEN + DAY, None]
    assert unchanged_count(server) == 3


def test_sync_that_could_not_read_the_section_proves_nothing(connection, server) -> None:
    synced(connection, SEEN)
    synced(connection, SEEN + DAY, unread="vps")
    synced(connection, SEEN + 2 * DAY)
    resized(server)

    events, _page = history(server, page=1)

    assert events[1].after == SEEN
    assert [(u.first, u.last, u.count) for u in unread_times(server, "vps", since=SEEN, until=NOW)] == [
        (SEEN + DAY, SEEN + DAY, 1)
    ]


def test_moves_of_nothing_but_the_cost_are_told_as_one(server, fake_lines) -> None:
    ResourceStateFactory(resource=server, opened_at=SEEN, closed_at=SEEN + DAY)
    for day, (before, after) in enumerate([("22", "23"), ("23", "21"), ("21", "25")], start=1):
        ResourceStateFactory(
            resource=server,
            opened_at=SEEN + day * DAY,
            closed_at=SEEN + (day + 1) * DAY if day < 3 else None,
            action="updated",
            changes={"daily_cost": [before, after]},
        )

    events, _page = history(server, page=1)

    assert [(e.change.kind, e.change.times, e.change.effect) for e in events] == [
        ("updated", 3, Decimal(3)),
        ("created", 1, Decimal(22)),
    ]
    assert (events[0].first_at, events[0].change.at) == (SEEN + DAY, SEEN + 3 * DAY)


def test_resource_that_went_and_came_back(connection, server, owner) -> None:
    for days in range(4):
        synced(connection, SEEN + days * DAY)
    ResourceStateFactory(resource=server, opened_at=SEEN, closed_at=SEEN + DAY)
    ResourceStateFactory(resource=server, opened_at=SEEN + 3 * DAY, action="returned", daily_cost=Decimal(25))

    events, _page = history(server, page=1)

    assert [(e.change.kind, e.change.effect) for e in events] == [
        ("returned", Decimal(25)),
        ("deleted", Decimal(-22)),
        ("created", Decimal(22)),
    ]
    assert events[1].after == SEEN
    assertContains(owner.get(url(server)), "Seen again")
    assertContains(owner.get(url(server), {"at": "2026-03-03"}), "It was not there then.")


def test_page_tells_what_changed_between_which_looks(connection, server, owner) -> None:
    for days in range(6):
        synced(connection, SEEN + days * DAY + 10 * timedelta(minutes=1) * (days % 2))
    resized(server)

    page = owner.get(url(server))

    for text in (
        "Configuration changed",
        '<del class="diff-before">2\u00a0vCPU</del>',
        '<ins class="diff-after">4\u00a0vCPU</ins>',
        "+₽8.00/day",
        "+₽240/mo",
        "The configuration is the same, only the bill changed.",
        "First seen",
        "3 syncs without changes",
    ):
        assertContains(page, text)


def test_page_of_something_gone_shows_its_last_state(server, owner) -> None:
    ResourceStateFactory(resource=server, opened_at=SEEN, closed_at=SEEN + DAY, vcpus=2)

    page = owner.get(url(server))

    assertContains(page, "This resource is gone.")
    assertContains(page, "−₽22.00/day")
    assertContains(page, "2\u00a0vCPU")


def test_page_as_of_a_moment_shows_the_form_and_history_until_then(connection, server, owner) -> None:
    synced(connection, SEEN)
    resized(server)

    page = owner.get(url(server), {"at": "2026-03-02T12:00:00+00:00"})

    assertContains(page, "₽22.00")
    assertContains(page, "2\u00a0vCPU")
    assertNotContains(page, "Configuration changed")
    assertNotContains(page, "Add the tag")


# Costs and use


def test_daily_costs_add_components_of_the_days_on_which_they_were_ones(connection, server) -> None:
    disk = ResourceFactory(connection=connection, resource_type=ResourceType.VOLUME)
    ResourceStateFactory(resource=disk, parent=server, opened_at=SEEN, closed_at=SEEN + 2 * DAY)
    ResourceStateFactory(resource=disk, parent=None, opened_at=SEEN + 2 * DAY)
    for day in range(1, 5):
        DailyCostFactory(resource=server, date=date(2026, 3, day), billed_cost=Decimal(100))
        DailyCostFactory(resource=disk, date=date(2026, 3, day), billed_cost=Decimal(30))

    costs = daily_costs(server, first=date(2026, 2, 28), last=date(2026, 3, 4))

    assert costs.values == (
        None,
        Decimal("130.000000"),
        Decimal("130.000000"),
        Decimal("100.000000"),
        Decimal("100.000000"),
    )
    assert costs.total == Decimal("460.000000")


def test_chart_has_whole_days_and_the_changes_as_events(connection, server, owner) -> None:
    synced(connection, SEEN + 3 * DAY, unread="vps")
    resized(server)
    for day, cost in ((1, 22), (3, 30), (31, 15)):
        DailyCostFactory(resource=server, date=date(2026, 3, day), billed_cost=Decimal(cost))

    data = data_of(owner.get(url(server)).content.decode(), "chart-cost")

    assert (data["labels"][0], data["labels"][-1]) == ("2026-03-01", "2026-03-03")
    assert data["series"][0]["values"] == ["22.00", None, "30.00"]
    assert [(event["date"], event["text"]) for event in data["events"]] == [
        ("2026-03-01", "1\u00a0Mar: New"),
        ("2026-03-03", "3\u00a0Mar: 2\u00a0vCPU → 4\u00a0vCPU"),
    ]


def test_price_is_its_own_and_its_components(connection, server, owner) -> None:
    snapshot = synced(connection, SEEN)
    SnapshotTotalFactory(snapshot=snapshot, unexplained_daily_cost=Decimal(0))
    ResourceStateFactory(resource=server, daily_cost=Decimal(100), vcpus=8)
    disk = ResourceFactory(connection=connection, name="web-1-disk", resource_type=ResourceType.VOLUME)
    ResourceStateFactory(resource=disk, parent=server, daily_cost=Decimal("30.50"), storage_gib=200)

    page = owner.get(url(server))

    assertContains(page, "₽130.50")
    assertContains(page, "₽3,915.00")
    assertContains(page, f'<a href="/resources/{disk.pk}/">web-1-disk</a>, 200\u00a0GB')
    assertContains(page, "add up to what Fake Cloud bills")


def test_use_is_shown_and_its_absence_is_told(connection, server, owner) -> None:
    ResourceStateFactory(resource=server, memory_mib=8192)
    assertContains(owner.get(url(server)), "CPU and memory are not measured")

    for hour in (1, 2, 30):
        MetricPointFactory(resource=server, observed_at=NOW - hour * HOUR, value=10 * hour, maximum=90)
    UsageSummaryFactory(resource=server, average=12.4, maximum=90)
    UsageSummaryFactory(resource=server, metric="memory_percent", average=20, maximum=50)
    page = owner.get(url(server))
    data = data_of(page.content.decode(), f"chart-cpu_percent-{server.pk}")

    assertContains(page, "low, below 20%")
    assertContains(page, "4\u00a0GB of 8\u00a0GB at most")
    assert [value for value in data["series"][0]["values"] if value] == ["300.0", "15.0"]
    assert len(data["labels"]) == 120


def test_cost_that_is_not_known_is_no_zero(server, owner) -> None:
    ResourceStateFactory(resource=server, daily_cost=None)

    page = owner.get(url(server))

    assertContains(page, "The provider has not billed it yet.")
    assertContains(page, "not billed yet")
    assertContains(page, "No cost is known in these 90 days.")


def test_panel_of_a_row_is_a_fragment(server, owner) -> None:
    ResourceStateFactory(resource=server)
    MetricPointFactory(resource=server, observed_at=NOW - HOUR)

    panel = owner.get(url(server), {"panel": "1"}, headers=HTMX)

    assertContains(panel, f"chart-cpu_percent-{server.pk}")
    assertNotContains(panel, "<html")


# Who, and what people write


def test_foreign_resource_is_not_found(client, server) -> None:
    ResourceStateFactory(resource=server)
    client.force_login(member_of(OrganizationFactory()))

    assert client.get(url(server)).status_code == 404
    assert client.get(url(server), {"panel": "1"}, headers=HTMX).status_code == 404
    for part in ("tags/", "tags/remove/", "notes/"):
        assert client.post(url(server, part), {"key": "a", "text": "a"}).status_code == 404
    assert (Tag.objects.count(), ResourceNote.objects.count()) == (0, 0)


def test_anonymous_reader_is_sent_to_sign_in(client, server) -> None:
    for part in ("", "tags/", "notes/"):
        assert client.get(url(server, part)).status_code == 302


def test_viewer_reads_and_writes_nothing(client, organization, server) -> None:
    ResourceStateFactory(resource=server)
    TagFactory(resource=server, source="user")
    client.force_login(member_of(organization, Role.VIEWER))

    assertNotContains(client.get(url(server)), "Add the")
    assert client.post(url(server, "tags/"), {"key": "a", "value": "b"}).status_code == 403
    assert client.post(url(server, "tags/remove/"), {"key": "env"}).status_code == 403
    assert client.post(url(server, "notes/"), {"text": "a"}).status_code == 403
    assert (Tag.objects.count(), ResourceNote.objects.count()) == (1, 0)


def test_tags_are_set_and_removed_and_the_providers_stay(server, owner) -> None:
    TagFactory(resource=server, key="env", value="prod")

    assertRedirects(
        owner.post(url(server, "tags/"), {"key": " team ", "value": "qa"}),
        f"{url(server)}#tags",
        fetch_redirect_response=False,
    )
    owner.post(url(server, "tags/"), {"key": "env", "value": "mine"})
    fragment = owner.post(url(server, "tags/remove/"), {"key": "env"}, headers=HTMX)

    assert sorted((str(tag), tag.source) for tag in Tag.objects.all()) == [
        ("env=prod", "provider"),
        ("team=qa", "user"),
    ]
    assertContains(fragment, "Remove the tag team")
    assertNotContains(fragment, "Remove the tag env")


def test_tag_that_cannot_be_comes_back_with_its_error(server, owner) -> None:
    answer = owner.post(url(server, "tags/"), {"key": "a=b"}, headers=HTMX)

    assertContains(answer, "A key has no “=”.", status_code=422)
    assert Tag.objects.count() == 0


def test_note_is_kept_with_its_author(organization, server, client) -> None:
    author = member_of(organization)
    client.force_login(author)

    fragment = client.post(url(server, "notes/"), {"text": "Moves <b>in May</b>."}, headers=HTMX)
    empty = client.post(url(server, "notes/"), {"text": " "})

    assertContains(fragment, "Moves &lt;b&gt;in May&lt;/b&gt;.")
    assert empty.status_code == 422
    assert [(note.author, note.text) for note in ResourceNote.objects.all()] == [
        (author, "Moves <b>in May</b>.")
    ]


# Prices


@pytest.fixture
def fake_lines(fake_provider: type[FakeProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is one that bills by lines."""
    monkeypatch.setattr(fake_provider, "capabilities", Capabilities(billing=BillingKind.LINES))


def made_dearer(server: Resource) -> None:
    """RAM 4% dearer from 4 March on, between two moves of nothing but use."""
    for day, change in ((1, ["192", "193"]), (4, ["193", "199.68"]), (5, ["199.68", "200"])):
        ResourceStateFactory(
            resource=server,
            opened_at=SEEN + day * DAY,
            closed_at=SEEN + (day + 1) * DAY if day == 4 else SEEN + 4 * DAY if day == 1 else None,
            opened_by=synced(server.connection, SEEN + day * DAY),
            action="updated",
            has_cost_change=True,
            changes={"daily_cost": change},
            daily_cost=Decimal(change[1]),
        )
    for day in range(1, 8):
        start = datetime(2026, 3, day, tzinfo=UTC) - 3 * HOUR  # midnight in Moscow
        ChargeLineFactory(
            batch=ChargeBatchFactory(
                snapshot=synced(server.connection, SEEN + day * DAY + HOUR), period_start=start
            ),
            resource=server,
            charge_period_start=start,
            charge_period_end=start + DAY,
            sku_id="compute_ram",
            charge_description="RAM",
            pricing_unit="MB-Hours",
            pricing_quantity=Decimal(786432),
            effective_cost=Decimal("192.00" if day < 5 else "199.68"),
        )


def test_a_price_that_moved_stands_by_itself_in_the_history(server, owner, fake_lines) -> None:
    made_dearer(server)

    events, _page = history(server, page=1)
    text = owner.get(url(server)).text

    assert [(event.change.times, len(event.prices)) for event in events] == [(1, 0), (1, 1), (1, 0)]
    assert "Fake Cloud raised a price: RAM" in text
    assert "Price +4.0%" in text
    assert "RAM, ₽ a month for 1 GB" in text
    assert '<del class="diff-before">180.00</del>' in text
    assert '<ins class="diff-after">187.20</ins>' in text
    assert "The new price is billed since 5\u00a0Mar." in text


def test_a_price_that_moved_stands_over_the_chart(server, owner, fake_lines) -> None:
    made_dearer(server)
    DailyCostFactory(resource=server, date=date(2026, 3, 3))
    DailyCostFactory(resource=server, date=date(2026, 3, 8))

    events = data_of(owner.get(url(server)).text, "chart-cost")["events"]

    assert "5\u00a0Mar: RAM +4.0%" in [event["text"] for event in events]


def test_number_of_queries_does_not_grow(connection, server, owner, django_assert_num_queries) -> None:
    synced(connection, SEEN)

    def fill(start: int, count: int) -> None:
        ResourceState.objects.filter(resource=server, closed_at=None).update(closed_at=SEEN + start * HOUR)
        for number in range(start, start + count):
            ResourceStateFactory(
                resource=server,
                opened_at=SEEN + number * HOUR,
                closed_at=SEEN + (number + 1) * HOUR if number < start + count - 1 else None,
                action="updated" if number else "created",
                changes={"vcpus": [str(number), str(number + 1)], "parent": [None, server.pk]}
                if number
                else {},
            )
            disk = ResourceFactory(connection=connection, resource_type=ResourceType.VOLUME)
            ResourceStateFactory(resource=disk, parent=server)
            DailyCostFactory(resource=disk, date=date(2026, 3, 2))
            TagFactory(resource=server, key=f"key-{number}")
            owner.post(url(server, "notes/"), {"text": "a"})

    fill(0, 2)
    owner.get(url(server))
    with django_assert_num_queries(27):
        owner.get(url(server))
    fill(2, 9)
    with django_assert_num_queries(27):
        owner.get(url(server))


def test_open_recommendations_stand_on_the_resource_s_page(connection, server, owner) -> None:
    synced(connection, SEEN)
    found = RecommendationFactory(resource=server)
    RecommendationFactory(resource=server, dismissed=True, rule_id="ip.unused")

    text = owner.get(url(server)).text

    assert text.count("Delete it") == 1
    assert reverse("recommendations:recommendation_detail", args=[found.pk]) in text
