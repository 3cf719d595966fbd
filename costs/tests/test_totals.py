"""Totals of days, months and connections: written together, told apart where falsified, made anew by a rebuild."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from accounts.tests.factories import OrganizationFactory
from costs import laws, services
from costs.exchange import Rate
from costs.models import ConnectionDay, DailyTotal, MonthlyTotal
from costs.tests.factories import CostDimensionsFactory, DailyTotalFactory
from providers.models import ProviderConnection
from syncs.tests.world import LinesFile, World, connect, instant, line, sync

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
MARCH_2 = date(2026, 3, 2)


@pytest.fixture
def connection() -> ProviderConnection:
    """A server and a volume, two days of March and the first of April."""
    world = World()
    for start, cost in ((0, "24"), (1, "6"), (31, "5")):
        world.bill(line("vps:1", cost, start=instant(start)))
    world.bill(line("volume:1", "2", start=instant(1)), line("gpu:1", "1", start=instant(1), currency="USD"))
    found = connect(OrganizationFactory(name="Acme"), world, plugin=LinesFile)
    sync(found, instant(40))
    return found


def broken() -> list[str]:
    return [sentence for law in laws.LAWS for sentence in law.broken()]


def months() -> dict[tuple[date, str], list[Any]]:
    found: dict[tuple[date, str], list[Any]] = {}
    for row in MonthlyTotal.objects.order_by("billed_cost"):
        found.setdefault((row.date, row.currency), []).append((row.billed_cost, row.billed_cost_rub))
    return found


def days() -> dict[tuple[date, str], Decimal]:
    rows = ConnectionDay.objects.values_list("date", "currency", "billed_cost")
    return {(day, currency): billed for day, currency, billed in rows}


def test_a_sync_sums_up_days_months_and_connections(connection: ProviderConnection) -> None:
    assert months() == {
        (MARCH, "RUB"): [(Decimal(2), Decimal(2)), (Decimal(30), Decimal(30))],
        (MARCH, "USD"): [(Decimal(1), None)],
        (APRIL, "RUB"): [(Decimal(5), Decimal(5))],
    }
    assert days() == {
        (MARCH, "RUB"): Decimal(24),
        (MARCH_2, "RUB"): Decimal(8),
        (MARCH_2, "USD"): Decimal(1),
        (APRIL, "RUB"): Decimal(5),
    }
    assert broken() == []


def test_a_day_that_changes_changes_its_month_alone(connection: ProviderConnection) -> None:
    april = MonthlyTotal.objects.get(date=APRIL).pk
    fact = connection.resources.get(resource_id="vps:1").daily_costs.get(date=MARCH_2)

    fact.delete()
    services.rewrite_totals(connection_id=connection.pk, day=MARCH_2)

    assert months()[MARCH, "RUB"] == [(Decimal(2), Decimal(2)), (Decimal(24), Decimal(24))]
    assert days()[MARCH_2, "RUB"] == Decimal(2)
    assert MonthlyTotal.objects.get(date=APRIL).pk == april


def test_a_month_whose_last_cost_goes_has_no_total(connection: ProviderConnection) -> None:
    connection.resources.get(resource_id="vps:1").daily_costs.filter(date=APRIL).delete()

    services.rewrite_totals(connection_id=connection.pk, day=APRIL)

    assert (APRIL, "RUB") not in months()
    assert (APRIL, "RUB") not in days()


def test_a_new_rate_brings_the_months_along(connection: ProviderConnection) -> None:
    services.store_rates(rates=[Rate("USD", MARCH, Decimal(90))], source="manual")

    assert months()[MARCH, "USD"] == [(Decimal(1), Decimal(90))]
    assert days()[MARCH_2, "RUB"] == Decimal(98)
    assert (MARCH_2, "USD") not in days()
    assert broken() == []


def test_days_with_and_without_a_rate_are_kept_apart() -> None:
    dimensions = CostDimensionsFactory()
    known = {"currency": "USD", "billed_cost": Decimal(1), "billed_cost_rub": Decimal(90)}
    DailyTotalFactory(dimensions=dimensions, date=MARCH, **known)
    DailyTotalFactory(dimensions=dimensions, date=MARCH_2, unconverted=True, billed_cost=Decimal(2))

    assert months() == {(MARCH, "USD"): [(Decimal(1), Decimal(90)), (Decimal(2), None)]}


def falsify_month(connection: ProviderConnection) -> None:
    MonthlyTotal.objects.filter(connection=connection, date=APRIL).update(billed_cost=Decimal(50))


def lose_month(connection: ProviderConnection) -> None:
    MonthlyTotal.objects.filter(connection=connection, date=APRIL).delete()


def invent_month(connection: ProviderConnection) -> None:
    row = MonthlyTotal.objects.filter(connection=connection, date=APRIL).get()
    row.pk, row.date = None, date(2026, 6, 1)
    row.save()


def falsify_day(connection: ProviderConnection) -> None:
    ConnectionDay.objects.filter(connection=connection, date=APRIL).update(billed_cost=Decimal(50))


def lose_day(connection: ProviderConnection) -> None:
    ConnectionDay.objects.filter(connection=connection, date=APRIL).delete()


def falsify_total(connection: ProviderConnection) -> None:
    DailyTotal.objects.filter(connection=connection, date=APRIL).update(billed_cost=Decimal(50))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (falsify_month, "the month's total says 50.000000 RUB, its days 5.000000"),
        (lose_month, "the month's total says None RUB, its days 5.000000"),
        (invent_month, "2026-06 under dimensions"),
        (falsify_day, "its day says 50.000000 RUB, its daily totals 5.000000"),
        (lose_day, "its day says None RUB, its daily totals 5.000000"),
        (falsify_total, "the total says 50.000000 RUB, the facts 5.000000"),
    ],
)
def test_the_doctor_finds_a_wrong_total_and_a_rebuild_mends_it(
    connection: ProviderConnection, harm: Callable[[ProviderConnection], None], sentence: str
) -> None:
    harm(connection)
    assert sentence in "\n".join(broken())

    call_command("rebuild_costs", "--connection", str(connection.pk))

    assert broken() == []
