"""What is stored of budgets, who is told once, and balances that run out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.audit.models import AuditEntry
from accounts.models import Organization
from accounts.notifications.models import Notification
from accounts.notifications.wording import message_for
from accounts.tests.factories import OrganizationFactory, member_of
from costs.budgets import queries, services
from costs.budgets.models import Budget, BudgetAlert, BudgetPeriod, RunwayAlert
from costs.budgets.tests.factories import BudgetFactory, PlannedChangeFactory
from costs.tests.days import charge
from inventory.models import Resource
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

NOW = datetime(2026, 3, 17, 9, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "name": "All",
    "amount": Decimal(1000),
    "period": "month",
    "first_date": date(2026, 3, 1),
    "last_date": None,
    "rolls_over": False,
    "actual_thresholds": [50, 60, 100],
    "forecast_thresholds": [100],
    "parent": None,
    "scope": "",
}


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory(time_zone="UTC")


@pytest.fixture
def server(organization: Organization) -> Resource:
    """40 roubles a day from 20 February to 16 March, and 8 so far of the 17th."""
    connection = ConnectionFactory(organization=organization, provider_type="rates-cloud")
    resource: Resource = ResourceFactory(connection=connection)
    charge(resource, date(2026, 2, 20), [*[40] * 25, 8])
    return resource


def create(organization: Organization, **more: Any) -> Budget:
    return services.create_budget(organization=organization, fields=FIELDS | more, now=NOW)


def test_a_budget_stands_at_once_and_tells_the_highest_threshold(
    organization: Organization, server: Resource
) -> None:
    reader = member_of(organization)

    budget = create(organization)

    period = BudgetPeriod.objects.get()
    assert (period.first_date, period.actual_cost, period.forecast_cost) == (date(2026, 3, 1), 648, 1240)
    assert (period.breach_date, period.known_until) == (date(2026, 3, 26), date(2026, 3, 16))
    assert set(BudgetAlert.objects.values_list("basis", "percent")) == {
        ("actual", 50),
        ("actual", 60),
        ("forecast", 100),
    }
    spent, foreseen = Notification.objects.order_by("pk")
    assert "Budget “All”: 60 % is spent" in message_for(reader, [spent], None).title
    text = message_for(reader, [foreseen], None)
    assert "Budget “All” will reach 100 %" in text.title
    assert "₽1,240.00; the budget is ₽1,000.00" in text.text
    assert "The limit is passed on 26\N{NO-BREAK SPACE}Mar" in text.text
    assert AuditEntry.objects.get(action="budget.created").object_id == str(budget.pk)


def test_evaluating_again_tells_nothing_and_a_new_threshold_once(
    organization: Organization, server: Resource
) -> None:
    create(organization)
    services.evaluate_budgets(organization=organization, now=NOW)
    assert (BudgetAlert.objects.count(), Notification.objects.count()) == (3, 2)

    charge(ResourceFactory(connection=server.connection), date(2026, 3, 17), [400])
    for _time in range(2):
        services.evaluate_budgets(organization=organization, now=NOW + timedelta(hours=1))

    assert BudgetAlert.objects.filter(basis="actual", percent=100).count() == 1
    assert Notification.objects.count() == 3
    assert BudgetPeriod.objects.get().is_exceeded


def test_scope_planned_change_and_roll_over_count(organization: Organization, server: Resource) -> None:
    other = ConnectionFactory(organization=organization, provider_type="rates-cloud")
    charge(ResourceFactory(connection=other), date(2026, 2, 20), [1000] * 26)
    PlannedChangeFactory(
        organization=organization, scope=f"connection={server.connection_id}", first_date=date(2026, 3, 22)
    )
    PlannedChangeFactory(organization=organization, scope=f"connection={other.pk}", amount=Decimal(500))

    budget = create(
        organization,
        scope=f"connection={server.connection_id}",
        first_date=date(2026, 2, 1),
        rolls_over=True,
        amount=Decimal(500),
    )

    february, march = budget.periods.order_by("first_date")
    assert (february.actual_cost, february.rest) == (360, 140)
    assert (march.carried_amount, march.limit) == (140, 640)
    assert march.forecast_cost == 1240 + 10 * 10
    assert march.is_exceeded


def test_changing_and_deleting_a_budget(organization: Organization, server: Resource) -> None:
    budget = create(organization)

    services.change_budget(budget=budget, fields=FIELDS | {"amount": Decimal(2000)}, now=NOW)
    services.change_budget(budget=budget, fields=FIELDS | {"amount": Decimal(2000)}, now=NOW)

    assert BudgetPeriod.objects.get().amount == 2000
    assert not BudgetAlert.objects.exists()
    assert AuditEntry.objects.filter(action="budget.changed").count() == 1

    services.delete_budget(budget=budget)
    assert not BudgetPeriod.objects.exists()


def test_names_are_taken_once_and_nobody_is_their_own_grandparent(organization: Organization) -> None:
    whole = create(organization)
    part = create(organization, name="Part", parent=whole)
    with pytest.raises(services.NameTaken):
        create(organization)
    with pytest.raises(services.PartOfItself):
        services.change_budget(budget=whole, fields={"parent": part}, now=NOW)

    assert [(one.budget.name, one.depth, one.given) for one in queries.tree(organization, NOW.date())] == [
        ("All", 0, 1000),
        ("Part", 1, None),
    ]


def test_without_costs_there_is_no_forecast(organization: Organization) -> None:
    create(organization)

    period = BudgetPeriod.objects.get()
    assert (period.actual_cost, period.forecast_cost, period.breach_date) == (0, None, None)


def test_evaluation_takes_a_fixed_number_of_queries_a_budget(
    organization: Organization, server: Resource
) -> None:
    BudgetFactory(organization=organization, first_date=date(2026, 3, 1), actual_thresholds=[])
    services.evaluate_budgets(organization=organization, now=NOW)
    counts = []
    for _more in range(2):
        with CaptureQueriesContext(database) as found:
            services.evaluate_budgets(organization=organization, now=NOW)
        counts.append(len(found))
        charge(ResourceFactory(connection=server.connection), date(2026, 2, 20), [1] * 26)

    assert counts == [10, 10]


class TestRunway:
    def connection(self, organization: Organization, **more: Any) -> Any:
        values = {
            "balance": Decimal("400"),
            "balance_currency": "RUB",
            "account_read_at": NOW,
            "provider_metadata": {"total": {"amount": "40", "currency": "RUB", "period": "day"}},
        }
        return ConnectionFactory(organization=organization, provider_type="rates-cloud", **values | more)

    def test_low_balance_is_told_once_and_again_after_a_top_up(self, organization: Organization) -> None:
        reader = member_of(organization)
        connection = self.connection(organization)

        for hour in range(3):
            services.check_runway(connection=connection, now=NOW + timedelta(hours=hour))

        assert set(RunwayAlert.objects.values_list("threshold_days", "days_left")) == {(30, 10), (14, 10)}
        [notification] = Notification.objects.all()
        text = message_for(reader, [notification], None)
        assert "lasts 10 days" in text.title
        assert "until 27\N{NO-BREAK SPACE}Mar" in text.text
        assert "Top up ₽800.00" in text.text

        connection.balance = Decimal(4000)
        services.check_runway(connection=connection, now=NOW + timedelta(days=1))
        assert not RunwayAlert.objects.exists()
        connection.balance = Decimal(200)
        services.check_runway(connection=connection, now=NOW + timedelta(days=2))
        assert Notification.objects.count() == 2

    def test_without_a_balance_nothing_is_told(self, organization: Organization) -> None:
        services.check_runway(connection=self.connection(organization, balance=None), now=NOW)

        assert not Notification.objects.exists()

    def test_forecast_says_how_long_it_lasts(self, organization: Organization) -> None:
        connection = self.connection(organization, balance=Decimal(2000))
        charge(ResourceFactory(connection=connection), date(2026, 2, 10), [*[40] * 35, 8])
        rich = self.connection(organization, balance=Decimal(10**6))
        charge(ResourceFactory(connection=rich), date(2026, 2, 10), [*[40] * 35, 8])
        young = self.connection(organization)
        charge(ResourceFactory(connection=young), date(2026, 3, 12), [40] * 5)

        with CaptureQueriesContext(database) as found:
            runways = queries.forecast_runways(organization, [connection, rich, young], NOW)

        assert len(found) == 2
        assert set(runways) == {connection.pk, rich.pk}
        one = runways[connection.pk]
        assert (one.days, one.until, one.daily, one.top_up) == (50, date(2026, 5, 6), 40, 0)
        assert runways[rich.pk].days is None
