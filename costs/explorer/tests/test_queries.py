"""What views show: every grouping sums up to the spend, filters combine, gaps stay gaps, strangers stay out."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import OrganizationFactory
from costs import queries as costs
from costs.explorer.dimensions import DIMENSIONS
from costs.explorer.exploration import Exploration
from costs.explorer.queries import explore
from costs.explorer.tests.estate import MARCH, NOW, UNEVEN, Estate, estate
from costs.explorer.view import View, parse_view
from costs.models import CostShare, DailyCost
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory, total_of
from costs.totals import rewrite_totals
from inventory.tests.factories import ResourceFactory
from providers.models import ProviderConnection
from syncs.tests.factories import ResourceStateFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

SAME_OF_A_SHARE = ("organization", "connection", "resource", "charge_category", "date", "source", "currency")
GROUPS = [kind.key for kind in DIMENSIONS] + ["tag.team"]


@pytest.fixture
def land() -> Estate:
    return estate()


def shown(land: Estate, query: str) -> Exploration:
    parsed = parse_view(query, NOW.date())
    assert not parsed.problems
    return explore(land.organization, parsed.view, NOW)


def parts(exploration: Exploration) -> dict[Any, Decimal | None]:
    return {row.labels if len(row.labels) > 1 else row.labels[0]: row.total for row in exploration.rows}


def test_every_grouping_adds_up_to_the_spend(land: Estate) -> None:
    spend = costs.spend(land.organization, date(2026, 3, 1), date(2026, 3, 31))
    before = costs.spend(land.organization, date(2026, 2, 1), date(2026, 2, 28))
    pairs = [("connection", "type"), ("tag.team", "environment"), ("resource", "category")]

    for group_by in [(), *((key,) for key in GROUPS), *pairs]:
        for step in ("day",) if len(group_by) == 1 else ("month",):
            found = explore(land.organization, View(period=MARCH, group_by=group_by, step=step), NOW)
            assert found.whole.total == spend.total, group_by
            assert found.whole.before == before.total, group_by
            assert sum(row.total or 0 for row in found.rows) == spend.total, group_by
            assert sum(row.before or 0 for row in found.rows) == before.total, group_by
            assert found.unconverted == spend.unconverted == {"XTS": Decimal(31)}, group_by
            assert [
                sum(v or 0 for v in column) for column in zip(*(s.values for s in found.series), strict=True)
            ] == [total or 0 for total in found.bucket_totals], group_by
            if step == "day":
                assert found.bucket_totals == spend.daily.totals
                assert found.incomplete == spend.daily.incomplete


def test_groups_are_named_and_compared(land: Estate) -> None:
    found = shown(land, f"period={MARCH}&group=type")

    bucket, server = found.rows
    assert (server.labels, bucket.labels) == (("Server",), ("S3 bucket",))
    assert server.total == sum((Decimal(128 + n) + UNEVEN for n in range(31)), Decimal(0)) + 31 * (
        50 + UNEVEN
    )
    assert server.unconverted == {"XTS": Decimal(31)}
    assert bucket.total == (2 + UNEVEN) * 90 * 31
    assert bucket.difference == (2 + UNEVEN) * 90 * 3
    assert (server.share or 0) + (bucket.share or 0) == pytest.approx(Decimal(100))
    assert (bucket.number, server.number) == ("4", "1")
    assert set(parts(shown(land, f"period={MARCH}&group=tag.team"))) == {"web", "api", "Without this tag"}
    assert set(parts(shown(land, f"period={MARCH}&group=sub_account&sort=name"))) == {"Archive", "Not named"}
    assert ("Prod", "Shop") in parts(shown(land, f"period={MARCH}&group=connection&group=business_unit"))
    colours = {row.labels[0]: row.number for row in shown(land, f"period={MARCH}&group=connection").rows}
    assert colours == {"Prod": "1", "Lab": "2"}


def test_filters_combine(land: Estate) -> None:
    web = sum((Decimal(128 + n) + UNEVEN for n in range(31)), Decimal(0))
    prod = land.resources[0].connection_id

    def total(query: str) -> Decimal | None:
        return shown(land, f"period={MARCH}&{query}").whole.total

    whole = total("group=none")
    assert total("name=WEB-1") == web
    assert total("tag.team=web") == web
    assert total("tag.team=provider") is None
    assert total("tag.team=web&tag.team=api") == total(f"connection={prod}")
    assert total("not.tag.team=~&tag.team=~") is None
    assert total("type=server&not.tag.team=api") == web
    assert total("environment=~") == whole - (total("environment=prod") or 0)
    assert total(f"not.connection={prod}&category=Purchase") == (2 + UNEVEN) * 90 * 5
    assert total("connection=999999") is None
    assert total(f"resource={land.resource('web-1').pk}") == web
    assert shown(land, f"period={MARCH}&region=ru2").unconverted == {}


def test_bounds_limit_and_order_concern_rows_and_never_the_sum(land: Estate) -> None:
    spend = costs.spend(land.organization, date(2026, 3, 1), date(2026, 3, 31)).total

    bounded = shown(land, f"period={MARCH}&group=resource&min=2000&max=5000")
    limited = explore(land.organization, View(period=MARCH, group_by=("resource",)), NOW, limit=1)

    assert [row.labels[0] for row in bounded.rows] == ["web-1"] or len(bounded.rows) == 1
    for found, listed in ((bounded, len(bounded.rows)), (limited, 1)):
        assert found.rest is not None
        assert found.rest_count == 4 - listed
        assert sum(row.total or 0 for row in found.rows) + (found.rest.total or 0) == spend
    by_name = [row.labels[0] for row in shown(land, f"period={MARCH}&group=resource&sort=name").rows]
    assert by_name == ["lab", "lake", "web-1", "web-2"]
    moved = shown(land, f"period={MARCH}&group=resource&sort=-difference").rows
    assert [row.difference or 0 for row in moved] == sorted(
        (row.difference or 0 for row in moved), reverse=True
    )


def test_a_shorter_history_is_told(land: Estate) -> None:
    assert not shown(land, f"period={MARCH}").compares_less
    longer = shown(land, "period=2026-02&compare=previous")
    assert longer.known_since == date(2026, 2, 1)
    assert longer.compares_less


def test_measures_and_steps(land: Estate) -> None:
    billed = shown(land, f"period={MARCH}").whole.total

    assert shown(land, f"period={MARCH}&measure=effective").whole.total == billed
    assert shown(land, f"period={MARCH}&measure=list").whole.total == 2 * billed
    assert shown(land, f"period={MARCH}&measure=list&group=resource").whole.total == 2 * billed
    weeks = shown(land, f"period={MARCH}&step=week")
    assert weeks.buckets[0] == date(2026, 2, 23)
    assert sum(total or 0 for total in weeks.bucket_totals) == billed


def test_shared_costs_that_were_booked_elsewhere_are_told_where_resources_are_shown(land: Estate) -> None:
    fact = DailyCost.objects.get(date=date(2026, 3, 10), resource=land.resource("web-1"))
    other = CostDimensionsFactory(connection=fact.connection, business_unit="Lab")
    for dimensions, amount in ((fact.dimensions, fact.billed_cost - 7), (other, Decimal(7))):
        CostShare.objects.create(
            **{name: getattr(fact, name) for name in SAME_OF_A_SHARE},
            dimensions=dimensions,
            weight=Decimal("0.5"),
            billed_cost=amount,
            effective_cost=amount,
            list_cost=amount,
            billed_cost_rub=amount,
            effective_cost_rub=amount,
        )
    rewrite_totals(connection_id=fact.connection_id, day=fact.date)

    units = parts(shown(land, f"period={MARCH}&group=business_unit"))
    own = shown(land, f"period={MARCH}&group=resource&business_unit=Shop")

    assert own.whole.total == units["Shop"]
    assert own.shared is not None
    assert own.shared.total == Decimal(-7)
    assert own.own_only
    assert shown(land, f"period={MARCH}&group=resource").shared is None


def test_run_rate_is_told_over_time(land: Estate) -> None:
    now = NOW
    for name, daily, opened, closed in [
        ("web-1", "10", 40, 10),
        ("web-1", "12", 10, None),
        ("lake", "1", 5, None),
        ("lab", "3", 40, None),
    ]:
        resource = land.resource(name)
        ResourceStateFactory(
            resource=resource,
            daily_cost=Decimal(daily),
            currency={"lake": "USD", "lab": "XTS"}.get(name, "RUB"),
            opened_at=now - timedelta(days=opened),
            closed_at=closed and now - timedelta(days=closed),
        )

    found = shown(land, "measure=run_rate&period=last_30_days&group=resource")
    today = costs.run_rate(land.organization)

    assert found.whole.total == today.monthly == Decimal(12 + 90) * 30
    assert found.whole.before == Decimal(300)
    assert {row.labels[0]: row.total for row in found.rows} == {"web-1": 360, "lake": 2700, "lab": None}
    assert found.unconverted == {"XTS": Decimal(90)}
    assert found.bucket_totals[0] == Decimal(300)
    assert found.bucket_totals[-1] == Decimal(3060)
    by_tag = parts(shown(land, "measure=run_rate&group=tag.team&tag.team=web"))
    assert by_tag == {"web": Decimal(360)}
    assert not found.own_only


@pytest.mark.parametrize(
    "query",
    [
        "group=type&group=region",
        "group=connection",
        "group=resource&type=server",
        "group=tag.team",
        "measure=run_rate&group=connection",
    ],
)
def test_exploring_costs_the_same_queries_at_any_size(query: str) -> None:
    small = estate(days=20)
    with CaptureQueriesContext(database) as few:
        shown(small, f"period=2026-02&{query}")
    for number in range(6):
        resource = ResourceFactory(connection=ProviderConnection.objects.of(small.organization).first())
        ResourceStateFactory(resource=resource)
        _more(small, resource, number)
    with CaptureQueriesContext(database) as many:
        shown(small, f"period=2026-02&{query}")

    assert len(many) == len(few) <= 10


def _more(land: Estate, resource: Any, number: int) -> None:
    dimensions = CostDimensionsFactory(connection=resource.connection, region_id=f"r{number}")
    total_of(DailyCostFactory(resource=resource, dimensions=dimensions, date=date(2026, 2, 3)))


def test_an_organization_without_costs_has_an_empty_view() -> None:
    organization = OrganizationFactory()
    for query in ("", "group=resource", "measure=run_rate", "group=none", "chart=doughnut&group=connection"):
        found = explore(organization, parse_view(query, NOW.date()).view, NOW)
        assert found.is_empty
        assert found.whole.total is None
        assert set(found.bucket_totals) == {None}
