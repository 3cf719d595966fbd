"""A filter on a value of the business context takes in what stands below it; groups stay apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory, member_of
from costs.allocation.models import ContextNode
from costs.budgets.queries import changes_of
from costs.budgets.tests.factories import PlannedChangeFactory
from costs.explorer.difference import difference
from costs.explorer.exports import facts
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.explorer.presentation import page_context
from costs.explorer.queries import explore
from costs.explorer.tests.estate import NOW
from costs.explorer.view import parse_view
from costs.focus.rows import sums_of
from costs.series import daily_series
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory, total_of
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ResourceStateFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

DAY = date(2026, 3, 5)
MARCH = Span(date(2026, 3, 1), date(2026, 3, 31))
COSTS = {"Trade": 1, "Shop": 10, "Search": 100, "Lab": 1000, "": 10_000}


@pytest.fixture
def organization() -> Organization:
    """Trade › Shop › Search, and Lab beside them; somebody else's Trade has Lab below it."""
    organization = OrganizationFactory(time_zone="Europe/Moscow")
    connection = ConnectionFactory(organization=organization)
    trade = _node(organization, "Trade")
    _node(organization, "Search", _node(organization, "Shop", trade))
    _node(organization, "Lab")
    stranger = OrganizationFactory()
    _node(stranger, "Lab", _node(stranger, "Trade"))
    for unit, cost in COSTS.items():
        resource = ResourceFactory(connection=connection, name=unit or "nobody's", business_unit=unit)
        ResourceStateFactory(resource=resource, daily_cost=Decimal(cost))
        dimensions = CostDimensionsFactory(connection=connection, business_unit=unit)
        total_of(DailyCostFactory(resource=resource, dimensions=dimensions, date=DAY, billed_cost=cost))
    return organization


def _node(organization: Organization, name: str, parent: ContextNode | None = None) -> ContextNode:
    return ContextNode.objects.create(
        organization=organization, dimension="business_unit", name=name, parent=parent
    )


def total(organization: Organization, query: str) -> Decimal | None:
    view = parse_view(f"period=2026-03&{query}", NOW.date()).view
    return explore(organization, view, NOW).whole.total


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("business_unit=Trade", 111),
        ("business_unit=Shop", 110),
        ("business_unit=Search", 100),
        ("business_unit=Shop&business_unit=Lab", 1110),
        ("not.business_unit=Shop", 11_001),
        ("business_unit=Trade&not.business_unit=Search", 11),
        ("business_unit=~", 10_000),
        ("business_unit=Trade&group=resource", 111),
        ("business_unit=Trade&measure=run_rate", 3330),
    ],
)
def test_sums_of_a_value_include_those_below(organization: Organization, query: str, expected: int) -> None:
    assert total(organization, query) == expected


def test_every_reader_of_a_scope_means_the_same(organization: Organization) -> None:
    view = parse_view("period=2026-03&business_unit=Trade", NOW.date()).view
    before = Span(date(2026, 2, 1), date(2026, 2, 28))

    assert difference(organization, before, MARCH, view.filters).after_total == 111
    assert sum(fact.billed_cost for fact in facts(organization, view, MARCH)) == 111
    assert sums_of(organization, MARCH, view.filters)["RUB"][0] == 111
    assert daily_series(organization, view.filters, first=DAY).charged == {DAY: Decimal(111)}


def test_planned_change_of_a_part_counts_for_the_whole(organization: Organization) -> None:
    change = PlannedChangeFactory(organization=organization, scope="business_unit=Search")

    for scope, is_counted in (("Trade", True), ("Lab", False)):
        filters = Filters().adding("business_unit", scope)
        assert bool(changes_of(organization, [change], filters)) is is_counted


def test_page_says_what_it_takes_in_and_its_rows_open_to_their_own_sums(organization: Organization) -> None:
    view = parse_view("period=2026-03&group=business_unit&business_unit=Trade", NOW.date()).view
    found = explore(organization, view, NOW)

    context = page_context(organization, found, (), NOW.date())

    assert [chip["value"] for chip in context["filters"]] == ["Trade and 2 below it"]
    sums = {entry["label"]: entry["row"].total for entry in context["rows"]}
    assert sums == {"Trade": 1, "Shop": 10, "Search": 100}
    for entry in context["rows"]:
        opened = parse_view(parse_qs(urlsplit(entry["url"]).query), NOW.date()).view
        assert explore(organization, opened, NOW).whole.total == entry["row"].total


def test_it_costs_three_queries_however_large_the_tree(organization: Organization, client: Client) -> None:
    """For the sums, the notes and the words of the page."""
    client.force_login(member_of(organization))
    url = reverse("explorer:explorer")

    def queries(query: str) -> int:
        with CaptureQueriesContext(database) as found:
            assert client.get(f"{url}?period=2026-03&group=type&{query}").status_code == 200
        return len(found)

    without, small = queries("region=ru1"), queries("business_unit=Trade")
    for number in range(12):
        _node(organization, f"Part {number}", ContextNode.objects.of(organization).last())

    assert queries("business_unit=Trade") == small == without + 3
