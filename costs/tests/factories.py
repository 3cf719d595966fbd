"""Daily facts and rates, for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import factory

from costs.models import CostRevision, DailyCost, ExchangeRate
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory


class ExchangeRateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ExchangeRate

    currency = factory.Sequence(
        lambda n: f"{chr(65 + n // 676 % 26)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}"
    )
    date = date(2026, 3, 1)
    rub_per_unit = Decimal("90.5")


class DailyCostFactory(factory.django.DjangoModelFactory):
    """22 roubles of usage. Trait: `unconverted` (dollars without a known rate)."""

    class Meta:
        model = DailyCost

    class Params:
        unconverted = factory.Trait(
            currency="USD", rub_rate=None, billed_cost_rub=None, effective_cost_rub=None
        )

    resource = factory.SubFactory(ResourceFactory)
    connection = factory.SelfAttribute("resource.connection")
    organization = factory.SelfAttribute("resource.organization")
    date = date(2026, 3, 1)
    charge_category = "Usage"
    source = "price"
    currency = "RUB"
    billed_cost = Decimal("22")
    effective_cost = factory.SelfAttribute("billed_cost")
    list_cost = Decimal("25")
    rub_rate = Decimal(1)
    billed_cost_rub = factory.SelfAttribute("billed_cost")
    effective_cost_rub = factory.SelfAttribute("effective_cost")


class CostRevisionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CostRevision

    connection = factory.SubFactory(ConnectionFactory)
    organization = factory.SelfAttribute("connection.organization")
    date = date(2026, 3, 1)
    currency = "RUB"
    changed_at = datetime(2026, 3, 5, tzinfo=UTC)
    before_billed_cost = Decimal("22")
    after_billed_cost = Decimal("30")
