"""Daily facts and rates, for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import factory

from costs.models import CostDimensions, CostRevision, DailyCost, DailyTotal, ExchangeRate
from costs.totals import sum_up
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
    """22 roubles of usage. Trait: `unconverted` (dollars without a known rate).

    One without dimensions counts in its day's totals under plain ones; for others `total_of` sums up.
    """

    class Meta:
        model = DailyCost
        skip_postgeneration_save = True

    class Params:
        unconverted = factory.Trait(
            currency="USD", rub_rate=None, billed_cost_rub=None, effective_cost_rub=None
        )

    @factory.post_generation
    def totals(self, create: bool, extracted: object, **kwargs: object) -> None:
        if create and self.dimensions_id is None:
            _count_in_totals(self)

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


def _count_in_totals(fact: DailyCost) -> None:
    plain, _made = CostDimensions.objects.get_or_create(
        organization=fact.organization,
        fingerprint=f"plain {fact.connection_id}",
        defaults={"connection": fact.connection, "resource_type": fact.resource.resource_type},
    )
    total, _made = DailyTotal.objects.get_or_create(
        organization=fact.organization,
        connection=fact.connection,
        dimensions=plain,
        date=fact.date,
        charge_category=fact.charge_category,
        currency=fact.currency,
        defaults={"billed_cost": 0, "effective_cost": 0, "list_cost": 0},
    )
    for name in ("billed_cost", "effective_cost", "list_cost", "billed_cost_rub", "effective_cost_rub"):
        amount = getattr(fact, name)
        if amount is not None:
            setattr(total, name, (getattr(total, name) or 0) + amount)
    total.save()
    sum_up(connection_id=total.connection_id, day=total.date)


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


class CostDimensionsFactory(factory.django.DjangoModelFactory):
    """A server of the service "VPS" in ru1, allocated to nothing."""

    class Meta:
        model = CostDimensions

    connection = factory.SubFactory(ConnectionFactory)
    organization = factory.SelfAttribute("connection.organization")
    resource_type = "server"
    service_name = "VPS"
    region_id = "ru1"
    fingerprint = factory.Sequence(lambda n: f"{n:032}")


class DailyTotalFactory(factory.django.DjangoModelFactory):
    """22 roubles of usage. Trait: `unconverted` (dollars without a known rate)."""

    class Meta:
        model = DailyTotal
        skip_postgeneration_save = True

    class Params:
        unconverted = factory.Trait(currency="USD", billed_cost_rub=None, effective_cost_rub=None)

    @factory.post_generation
    def summed_up(self, create: bool, extracted: object, **kwargs: object) -> None:
        if create:
            sum_up(connection_id=self.connection_id, day=self.date)

    dimensions = factory.SubFactory(CostDimensionsFactory)
    connection = factory.SelfAttribute("dimensions.connection")
    organization = factory.SelfAttribute("connection.organization")
    date = date(2026, 3, 1)
    charge_category = "Usage"
    currency = "RUB"
    billed_cost = Decimal("22")
    effective_cost = factory.SelfAttribute("billed_cost")
    list_cost = Decimal("25")
    billed_cost_rub = factory.SelfAttribute("billed_cost")
    effective_cost_rub = factory.SelfAttribute("effective_cost")


def total_of(*facts: DailyCost) -> None:
    """The totals of stamped facts, as the code that writes the facts would sum them."""
    groups: dict[tuple[int | None, date, str, str], list[DailyCost]] = {}
    for fact in facts:
        key = (fact.dimensions_id, fact.date, fact.charge_category, fact.currency)
        groups.setdefault(key, []).append(fact)
    totals = []
    for rows in groups.values():
        names = ["billed_cost", "effective_cost", "list_cost"]
        has_rate = rows[0].rub_rate is not None
        names += ["billed_cost_rub", "effective_cost_rub"] if has_rate else []
        sums: dict[str, Decimal | None] = {"billed_cost_rub": None, "effective_cost_rub": None}
        sums |= {name: sum((getattr(row, name) for row in rows), Decimal(0)) for name in names}
        totals.append(
            DailyTotalFactory.build(
                organization=rows[0].organization,
                connection=rows[0].connection,
                dimensions=rows[0].dimensions,
                date=rows[0].date,
                charge_category=rows[0].charge_category,
                currency=rows[0].currency,
                **sums,
            )
        )
    DailyTotal.objects.bulk_create(totals)
    for connection_id, day in {(total.connection_id, total.date) for total in totals}:
        sum_up(connection_id=connection_id, day=day)
