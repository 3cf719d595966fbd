"""What allocation rules share out, in a file of FOCUS 1.4: parts that add up, and whom they are for."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.tests.factories import OrganizationFactory
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.focus import exports, rows
from costs.focus.charges import Amounts
from costs.focus.exports import Export
from costs.focus.shares import METHOD, split
from costs.focus.tests.test_exports import MARCH, checked, faults, imported, read, service_sums, written
from costs.models import CostDimensions, CostShare, DailyCost
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory
from inventory.tests.factories import ResourceFactory
from providers.focus_rules import check_rows
from providers.plugins.focus.tests.files import row
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ChargeBatchFactory, ChargeLineFactory
from syncs.tests.world import instant

THIRD = Decimal("0.333333333333")
HALF = Decimal("0.5")


def shared(fact: DailyCost, *parts: tuple[CostDimensions, Decimal]) -> None:
    for dimensions, weight in parts:
        CostShare.objects.create(
            organization=fact.organization,
            connection=fact.connection,
            resource=fact.resource,
            dimensions=dimensions,
            date=fact.date,
            charge_category=fact.charge_category,
            source=fact.source,
            currency=fact.currency,
            weight=weight,
            billed_cost=fact.billed_cost * weight,
            effective_cost=fact.effective_cost * weight,
            list_cost=fact.list_cost * weight,
        )


@pytest.fixture
def acme(settings: Any, tmp_path: Any, db: None) -> Any:
    settings.MEDIA_ROOT = tmp_path / "media"
    return OrganizationFactory(name="Acme")


@pytest.fixture
def costs(acme: Any) -> None:
    """A server by its price, of 10.000001 a day: thirds on the 1st, halves on the 2nd, whole on the 3rd; and a disk by a
    line of three days, of which two are shared out alike."""
    beget = ConnectionFactory(organization=acme, provider_type="beget", account_id="1")
    server = ResourceFactory(connection=beget, resource_id="vps:1", name="api", resource_type="server")
    whole, a, b, c = (
        CostDimensionsFactory(
            organization=acme, connection=beget, resource_type="server", service_name="VPS", owner="Anna",
            project=name, provenance={"project": "rule"} if name else {},
        )
        for name in ("", "A", "B", "C")
    )  # fmt: skip
    by_day = (((a, THIRD), (b, THIRD), (c, THIRD)), ((a, HALF), (b, HALF)), ())
    for day, parts in enumerate(by_day, 1):
        fact = DailyCostFactory(
            resource=server, date=date(2026, 3, day), dimensions=whole, billed_cost=Decimal("10.000001")
        )
        shared(fact, *parts)
    selectel = ConnectionFactory(organization=acme, provider_type="selectel", account_id="77")
    disk = ResourceFactory(connection=selectel, resource_id="disk", resource_type="volume")
    ChargeLineFactory(
        batch=ChargeBatchFactory(snapshot__connection=selectel), resource=disk, sku_id="disk",
        service_name="Cloud platform", pricing_quantity=Decimal(72), pricing_unit="GB-Hours", charge_frequency="Recurring",
        billed_cost=Decimal(30), effective_cost=Decimal(30), list_cost=Decimal(30), contracted_cost=Decimal(30),
        charge_period_start=instant(-3 / 24), charge_period_end=instant(3 - 3 / 24),
    )  # fmt: skip
    whole, a, b = (
        CostDimensionsFactory(
            organization=acme, connection=selectel, resource_type="volume", service_name="Cloud platform", project=name
        )
        for name in ("", "A", "B")
    )  # fmt: skip
    for day in (1, 2, 3):
        fact = DailyCostFactory(
            resource=disk,
            date=date(2026, 3, day),
            source="billing",
            dimensions=whole,
            billed_cost=Decimal(10),
        )
        weight = Decimal("0.25") if day < 3 else HALF
        shared(fact, (a, weight), (b, 1 - weight))


@pytest.mark.usefixtures("costs")
@pytest.mark.parametrize("form", [{"format": "csv", "is_ascii": True}, {"format": "parquet"}])
def test_parts_pass_the_twelve_checks_and_sum_up_to_the_facts(acme, tmp_path, form) -> None:
    export = Export(organization=acme, span=MARCH, profile="1.4", **form)
    older = Export(organization=acme, span=MARCH, profile="1.2", **form)

    path, whole = written(export, tmp_path), written(older, tmp_path)

    assert faults(checked(path, export)) == []
    assert exports.check(export).passed
    assert service_sums(path) == service_sums(whole)
    assert (len(read(path)[1]), len(read(whole)[1])) == (6 + 4, 3 + 1)
    assert rows.sums_of(acme, MARCH, Filters())["RUB"][0] == Decimal("60.000003")


@pytest.mark.usefixtures("costs")
def test_a_part_says_for_whom_it_is(acme, tmp_path) -> None:
    _, found = read(written(Export(organization=acme, span=MARCH, profile="1.4", format="csv"), tmp_path))

    def told(resource: str, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(each[name] for name in names) for each in found if each["ResourceId"] == resource]

    assert told("vps:1", "x_ChargeDate", "AllocatedResourceId", "BilledCost", "PricingQuantity") == [
        ("2026-03-01", "project:A", "3.3333336666", "0.3333333333"),
        ("2026-03-01", "project:B", "3.3333336667", "0.3333333333"),
        ("2026-03-01", "project:C", "3.3333336667", "0.3333333333"),
        ("2026-03-02", "project:A", "5.0000005", "0.5"),
        ("2026-03-02", "project:B", "5.0000005", "0.5"),
        ("2026-03-03", "", "10.000001", "1.0"),
    ]
    part, plain = told(
        "vps:1", "AllocatedMethodId", "AllocatedResourceName", "AllocatedTags", "x_Project", "x_Owner"
    )[4:]
    assert part == (METHOD, "B", "", "B", "Anna")
    assert plain == ("", "", "", "", "Anna")
    details = [json.loads(text) for (text,) in told("vps:1", "AllocatedMethodDetails") if text]
    assert details[0] == {"Elements": [{"AllocatedRatio": 0.333333333333}], "x_Dimension": "project"}
    # two days of one line that are shared out alike are one charge, the third is another
    assert told("disk", "ChargePeriodStart", "AllocatedResourceName", "BilledCost", "ConsumedQuantity") == [
        ("2026-02-28T21:00:00Z", "A", "5.0", "12.0"),
        ("2026-02-28T21:00:00Z", "B", "15.0", "36.0"),
        ("2026-03-02T21:00:00Z", "A", "5.0", "12.0"),
        ("2026-03-02T21:00:00Z", "B", "5.0", "12.0"),
    ]


@pytest.mark.usefixtures("costs")
def test_parts_come_back_with_the_same_sums_and_are_not_split_again(acme, tmp_path) -> None:
    first = written(Export(organization=acme, span=MARCH, profile="1.4"), tmp_path)
    other = OrganizationFactory(name="Other")
    imported(first, other)
    for fact in DailyCost.objects.filter(organization=other):
        dimensions = CostDimensionsFactory(organization=other, connection=fact.connection, project="Mine")
        shared(fact, (dimensions, Decimal(1)))

    again = Export(organization=other, span=Span(date(2026, 2, 28), MARCH.last), profile="1.4", format="csv")
    second = written(again, tmp_path)

    assert service_sums(second) == service_sums(first)
    assert faults(checked(second, again)) == []
    names = {each["AllocatedResourceName"] for each in read(second)[1]}
    assert names == {"A", "B", "C", "Mine"}  # Mine: what the file did not share out


@pytest.mark.parametrize("count", [1, 11])
def test_parts_cost_one_query_for_any_number_of_rows(acme, count, django_assert_num_queries) -> None:
    connection = ConnectionFactory(organization=acme)
    parts = [(CostDimensionsFactory(connection=connection, project=name), HALF) for name in ("A", "B")]
    for _ in range(count):
        shared(DailyCostFactory(resource__connection=connection, date=date(2026, 3, 1)), *parts)
        shared(DailyCostFactory(date=date(2026, 3, 1)))  # another organization's

    with django_assert_num_queries(8):
        found = list(rows.charges(acme, MARCH, Filters(), by_share=True))

    assert len(found) == 2 * count


@given(
    st.decimals("-1000000", "1000000", places=6),
    st.lists(st.decimals("0.000000000001", "1", places=12), min_size=1, max_size=20),
)
def test_parts_add_up(amount: Decimal, weights: list[Decimal]) -> None:
    amounts = Amounts(
        billed=amount, effective=amount, list=amount, contracted=amount,
        billed_rub=None, effective_rub=amount, rate=None,
    )  # fmt: skip

    parts = split(amounts, weights)

    assert sum(part.billed for part in parts) == amount
    assert sum(part.effective_rub or 0 for part in parts) == amount
    assert {part.billed_rub for part in parts} == {None}


def test_parts_of_one_charge_are_not_the_same_row_twice() -> None:
    columns = {"AllocatedResourceId": "project:A", "AllocatedMethodDetails": '{"Elements": [{}]}'}
    one = {**row(), **columns}
    other = {**one, "AllocatedResourceId": "project:B"}

    assert check_rows(list(one), [(2, one), (3, other)]).passed
    assert faults(check_rows(list(one), [(2, one), (3, one)]))[0][:2] == (12, "row_twice")
    for text in ("[1]", "{", '{"a": NaN}'):
        found = faults(check_rows(list(one), [(2, {**one, "AllocatedMethodDetails": text})]))
        assert [each[:3] for each in found] == [(6, "not_json", "AllocatedMethodDetails")]
