"""The pages of the explorer: figures, links into depth, downloads, nonsense in the address, strangers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from accounts.tests.factories import OrganizationFactory, member_of
from costs import queries as costs
from costs.explorer import difference_pages, pages
from costs.explorer.tests.estate import MARCH, NOW, Estate, estate
from costs.services import rebuild_costs
from inventory.tests.factories import ResourceFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.models import SyncSnapshot
from syncs.tests.factories import ResourceStateFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

FRAGMENT = {"HX-Request": "true", "HX-Target": "explorer"}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pages, difference_pages):
        monkeypatch.setattr(module.timezone, "now", lambda: NOW)


@pytest.fixture
def land() -> Estate:
    return estate()


@pytest.fixture
def reader(client: Client, land: Estate) -> Client:
    client.force_login(member_of(land.organization, "viewer"))
    return client


def page(reader: Client, query: str = f"period={MARCH}", **headers: str) -> str:
    response = reader.get(f"{reverse('explorer:explorer')}?{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def table(response: Any) -> list[list[str]]:
    return list(csv.reader(b"".join(response).decode("utf-8-sig").splitlines()))


def links(html: str) -> Iterator[str]:
    yield from (link.replace("&amp;", "&") for link in re.findall(r'href="(/analytics/[^"]*)"', html))


def test_the_page_says_what_it_measures_and_the_fragment_has_the_same(reader: Client) -> None:
    whole = page(reader)
    part = page(reader, f"period={MARCH}", **FRAGMENT)

    assert "Spend, billed" in whole
    assert "<html" not in part
    assert "S3 bucket" in part
    assert 'hx-swap-oob="true"' in part
    assert "Run rate" in page(reader, "measure=run_rate&group=connection")
    response = reader.get(reverse("explorer:explorer"), {"step": "day", "type": "server"}, headers=FRAGMENT)
    assert response["HX-Push-Url"] == "/analytics/?type=server"


def test_every_link_of_the_page_leads_somewhere(reader: Client) -> None:
    found = set(links(page(reader, f"period={MARCH}&group=type&group=environment&name=w")))

    assert len(found) > 50
    for address in sorted(found)[::3]:
        assert reader.get(address).status_code == 200, address


def test_groups_open_until_the_single_charge(land: Estate, reader: Client) -> None:
    """Type → resource → day: the sums on the way are those of the filter that the link set."""
    html = page(reader, f"period={MARCH}")
    row = next(link for link in links(html) if "group=resource" in link and "type=server" in link)
    html = page(reader, urlsplit(row).query)
    charges = reverse("explorer:charges", args=[land.resource("web-1").pk])

    assert charges in html
    assert reader.get(charges, {"period": MARCH}).context["total"] == sum(
        Decimal(128 + n) + Decimal("0.333337") for n in range(31)
    )


def test_forms_end_at_the_views_own_address(reader: Client) -> None:
    response = reader.get(
        reverse("explorer:explorer"),
        {"first": "2026-03-01", "last": "2026-03-31", "add": "type:server", "mode": "exclude", "name": ""},
    )

    assert response["Location"] == "/analytics/?period=2026-03-01..2026-03-31&not.type=server"


def test_nonsense_is_a_sentence_and_an_empty_organization_an_invitation(
    client: Client, reader: Client
) -> None:
    html = page(reader, "period=soon&group=colour&connection=x%00&first=2026-99-99")
    assert html.count("notice--warning") >= 3
    assert "No costs match" in page(reader, f"period={MARCH}&type=domain")

    client.force_login(member_of(OrganizationFactory()))
    assert "No costs are known" in page(client, "")
    for name in ("difference", "table_csv", "facts_csv"):
        assert client.get(reverse(f"explorer:{name}")).status_code == 200


def test_downloads_hold_the_same_sums(land: Estate, reader: Client) -> None:
    spend = costs.spend(land.organization, date(2026, 3, 1), date(2026, 3, 31)).total

    rows = table(reader.get(reverse("explorer:table_csv"), {"period": MARCH, "group": "resource"}))
    facts = table(reader.get(reverse("explorer:facts_csv"), {"period": MARCH}))

    assert rows[0] == ["resource", "billed_rub", "compared_rub", "difference_rub", "share_percent"]
    assert Decimal(rows[-1][1]) == spend == sum(Decimal(row[1] or 0) for row in rows[1:-1])
    column = facts[0].index("billed_cost_rub")
    assert sum(Decimal(row[column] or 0) for row in facts[1:]) == spend
    assert len(facts) == 1 + 31 * 4


def test_strangers_find_nothing(land: Estate, client: Client) -> None:
    client.force_login(member_of(OrganizationFactory()))

    assert client.get(reverse("explorer:charges", args=[land.resources[0].pk])).status_code == 404
    assert "web-1" not in page(client, f"period={MARCH}&group=resource&resource={land.resources[0].pk}")
    assert len(table(client.get(reverse("explorer:facts_csv"), {"period": MARCH}))) == 1


@pytest.mark.parametrize(
    "query", ["group=type", "group=resource", "measure=run_rate", "group=tag.team&chart=doughnut"]
)
def test_the_page_costs_the_same_queries_at_any_size(land: Estate, reader: Client, query: str) -> None:
    ResourceStateFactory(resource=land.resources[0])
    page(reader)
    with CaptureQueriesContext(database) as few:
        page(reader, f"period={MARCH}&{query}")
    for number in range(5):
        ResourceStateFactory(
            resource=ResourceFactory(connection=land.resources[0].connection, name=f"n{number}")
        )
    with CaptureQueriesContext(database) as many:
        page(reader, f"period={MARCH}&{query}")

    assert len(many) == len(few) <= 24


def seen_until(connection: ProviderConnection, at: datetime) -> None:
    """States' factories made its snapshot; prices run until then."""
    SyncSnapshot.objects.filter(connection=connection).update(observed_at=at)


class TestCharges:
    def test_a_day_of_prices_adds_up_to_its_fact(self, client: Client, plugins: None) -> None:
        """A price that changes at noon is two charges of one day."""
        organization = OrganizationFactory()
        client.force_login(member_of(organization, "viewer"))
        connection = ConnectionFactory(organization=organization, provider_type="rates-cloud")
        resource = ResourceFactory(connection=connection)
        start = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
        noon = start + timedelta(days=2)
        ResourceStateFactory(resource=resource, daily_cost=Decimal("10"), opened_at=start, closed_at=noon)
        ResourceStateFactory(resource=resource, daily_cost=Decimal("14.3"), opened_at=noon)
        seen_until(connection, noon + timedelta(days=1))
        rebuild_costs(connection=connection, at=NOW)

        address = reverse("explorer:charges", args=[resource.pk])
        response = client.get(address, {"period": MARCH, "day": "2026-03-03"})
        opened = response.context["opened"]

        assert len(opened.charges) == 2
        assert opened.totals == {"RUB": sum(fact.billed_cost for fact in opened.facts)}
        assert client.get(address, {"day": "soon"}).status_code == 404
        assert client.get(address, {"period": "soon"}).status_code == 200
        part = client.get(
            address, {"day": "2026-03-03"}, headers={"HX-Request": "true", "HX-Target": "charges-day"}
        )
        assert b"<html" not in part.content


class TestDifference:
    def test_the_causes_add_up_to_what_the_explorer_shows(self, land: Estate, reader: Client) -> None:
        response = reader.get(reverse("explorer:difference"), {"before": "2026-02", "after": MARCH})
        found = response.context["found"]
        first = costs.spend(land.organization, date(2026, 2, 1), date(2026, 2, 28)).total
        second = costs.spend(land.organization, date(2026, 3, 1), date(2026, 3, 31)).total

        assert (found.before_total, found.after_total) == (first, second)
        assert sum(one.amount for one in found.causes) == found.amount == second - first
        new = next(one for one in found.causes if one.cause == "new")
        assert [found.resources[effect.resource_id].name for effect in new.effects] == ["web-2"]
        assert found.unconverted == {"XTS"}
        rows = table(reader.get(reverse("explorer:difference_csv"), {"before": "2026-02", "after": MARCH}))
        assert sum(Decimal(row[-1]) for row in rows[1:-1]) == Decimal(rows[-1][-1]) == found.amount

    def test_filters_and_nonsense(self, land: Estate, reader: Client) -> None:
        address = reverse("explorer:difference")

        found = reader.get(address, {"before": "2026-02", "after": MARCH, "type": "s3_bucket"}).context[
            "found"
        ]
        assert found.amount == (Decimal(2) + Decimal("0.333337")) * 90 * 3
        response = reader.get(address, {"before": "never", "after_first": "2026-03-05"})
        assert response.status_code == 200
        assert len(response.context["problems"]) == 1
        assert str(response.context["found"].after) == "2026-03-05..2026-03-05"

    def test_rates_resizes_and_prices_of_states_are_told_apart(self, client: Client, plugins: None) -> None:
        organization = OrganizationFactory()
        connection = ConnectionFactory(organization=organization, provider_type="rates-cloud")
        midnight = datetime(2026, 2, 2, tzinfo=UTC)
        server, other = (ResourceFactory(connection=connection, name=name) for name in ("resized", "dearer"))
        change = datetime(2026, 2, 6, tzinfo=UTC)
        for resource, after, resized in ((server, "16", True), (other, "11", False)):
            ResourceStateFactory(
                resource=resource, daily_cost=Decimal(10), opened_at=midnight, closed_at=change
            )
            ResourceStateFactory(
                resource=resource,
                daily_cost=Decimal(after),
                opened_at=change,
                action="updated",
                has_configuration_change=resized,
            )
        seen_until(connection, midnight + timedelta(days=8))
        rebuild_costs(connection=connection, at=NOW)
        client.force_login(member_of(organization))

        response = client.get(
            reverse("explorer:difference"),
            {"before": "2026-02-02..2026-02-05", "after": "2026-02-06..2026-02-09"},
        )
        causes = {one.cause: one.amount for one in response.context["found"].causes}

        assert causes == {"resized": Decimal(24), "price": Decimal(4)}

    def test_it_costs_the_same_queries_at_any_size(self, land: Estate, reader: Client) -> None:
        address = f"{reverse('explorer:difference')}?before=2026-02&after={MARCH}"
        reader.get(address)
        with CaptureQueriesContext(database) as few:
            reader.get(address)
        larger = estate(days=40)
        reader.force_login(member_of(larger.organization, "viewer"))
        reader.get(address)
        with CaptureQueriesContext(database) as many:
            reader.get(address)

        assert len(many) == len(few) <= 16


def test_a_view_leads_to_its_forecast_and_who_may_write_to_a_budget(land: Estate, client: Client) -> None:
    query = "type=server&not.region=ru1"
    for role, may_write in (("manager", True), ("viewer", False)):
        client.force_login(member_of(land.organization, role))
        text = page(client, f"period={MARCH}&{query}")

        assert f'href="/budgets/forecast/?{escape(query)}"' in text
        assert (f'href="/budgets/new/?{urlencode({"scope": query})}"' in text) is may_write
    assert 'href="/budgets/forecast/"' in page(client, f"period={MARCH}")
