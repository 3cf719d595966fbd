"""Budgets and planned changes for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import factory

from accounts.tests.factories import OrganizationFactory
from costs.budgets.models import Budget, BudgetAlert, BudgetPeriod, PlannedChange


class BudgetFactory(factory.django.DjangoModelFactory):
    """A thousand roubles a month for everything, since January 2026."""

    class Meta:
        model = Budget

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Budget {n}")
    amount = Decimal(1000)
    first_date = date(2026, 1, 1)
    actual_thresholds = factory.LazyFunction(lambda: [80, 100])
    forecast_thresholds = factory.LazyFunction(lambda: [100])


class BudgetPeriodFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BudgetPeriod

    budget = factory.SubFactory(BudgetFactory)
    organization = factory.SelfAttribute("budget.organization")
    first_date = date(2026, 3, 1)
    last_date = date(2026, 3, 31)
    amount = factory.SelfAttribute("budget.amount")
    actual_cost = Decimal(600)
    forecast_cost = Decimal(1200)
    forecast_low = Decimal(1150)
    forecast_high = Decimal(1250)
    breach_date = date(2026, 3, 26)
    known_until = date(2026, 3, 15)
    computed_at = datetime(2026, 3, 16, 9, tzinfo=UTC)


class BudgetAlertFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BudgetAlert

    budget = factory.SubFactory(BudgetFactory)
    organization = factory.SelfAttribute("budget.organization")
    first_date = date(2026, 3, 1)
    basis = "forecast"
    percent = 100
    cost = Decimal(1200)
    limit = Decimal(1000)
    raised_at = datetime(2026, 3, 16, 9, tzinfo=UTC)


class PlannedChangeFactory(factory.django.DjangoModelFactory):
    """Ten roubles a day more, for good."""

    class Meta:
        model = PlannedChange

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Change {n}")
    first_date = date(2026, 3, 20)
    amount = Decimal(10)
