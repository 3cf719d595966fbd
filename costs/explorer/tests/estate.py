"""An organization with every dimension filled, gaps and a foreign currency, for tests of the explorer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from costs.models import CostDimensions, DailyCost, ExchangeRate
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory, ExchangeRateFactory, total_of
from inventory.models import Resource
from inventory.tests.factories import ResourceFactory, TagFactory
from providers.tests.factories import ConnectionFactory

FIRST = date(2026, 2, 1)
DAYS = 59  # until the end of March
NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
MARCH = "2026-03"
UNEVEN = Decimal("0.333337")


@dataclass(frozen=True)
class Estate:
    organization: Organization
    resources: tuple[Resource, ...]

    def resource(self, name: str) -> Resource:
        return next(resource for resource in self.resources if resource.name == name)


def estate(days: int = DAYS) -> Estate:
    """Four resources of two connections: `web-1` and `web-2` (roubles), `lake` (dollars, at 90), `lab` (without a rate).

    `web-2` came on the 1st of March; all have uneven costs that rise by the day. Somebody else has costs too.
    """
    organization = OrganizationFactory(time_zone="Europe/Moscow")
    first = ConnectionFactory(organization=organization, connection_name="Prod", series_number=1)
    second = ConnectionFactory(organization=organization, connection_name="Lab", series_number=2)
    if not ExchangeRate.objects.exists():
        ExchangeRateFactory(currency="USD", date=date(2026, 1, 1), rub_per_unit=Decimal("90"))
    resources = (
        ResourceFactory(connection=first, name="web-1"),
        ResourceFactory(connection=first, name="web-2"),
        ResourceFactory(connection=second, name="lake", resource_type="s3_bucket"),
        ResourceFactory(connection=second, name="lab"),
    )
    TagFactory(resource=resources[0], key="team", value="provider", source="provider")
    TagFactory(resource=resources[0], key="team", value="web", source="user")
    TagFactory(resource=resources[1], key="team", value="api", source="provider")
    web = _dimensions(first, business_unit="Shop", environment="prod", owner="anna", project="Site")
    lake = _dimensions(
        second,
        resource_type="s3_bucket",
        service_name="S3",
        region_id="ru2",
        sub_account_id="p1",
        sub_account_name="Archive",
    )
    lab = _dimensions(second, feature="search", cost_center="77")
    facts: list[DailyCost] = []
    for offset in range(days):
        day = FIRST + timedelta(days=offset)
        facts.append(_fact(resources[0], web, day, Decimal(100 + offset) + UNEVEN))
        if day >= date(2026, 3, 1):
            facts.append(_fact(resources[1], web, day, Decimal(50) + UNEVEN))
        dollars = Decimal(2) + UNEVEN
        facts.append(
            _fact(
                resources[2],
                lake,
                day,
                dollars,
                currency="USD",
                rub_rate=Decimal(90),
                billed_cost_rub=dollars * 90,
                charge_category="Purchase" if offset % 7 == 0 else "Usage",
            )
        )
        facts.append(
            _fact(resources[3], lab, day, Decimal(1), currency="XTS", rub_rate=None, billed_cost_rub=None)
        )
    DailyCost.objects.bulk_create(facts)
    total_of(*facts)
    stranger = DailyCostFactory(dimensions=CostDimensionsFactory(), date=date(2026, 3, 5))
    total_of(stranger)
    return Estate(organization, resources)


def _dimensions(connection: Any, **fields: Any) -> CostDimensions:
    return CostDimensionsFactory(connection=connection, **fields)


def _fact(
    resource: Resource, dimensions: CostDimensions, day: date, cost: Decimal, **fields: Any
) -> DailyCost:
    roubles = fields.get("billed_cost_rub", cost)
    return DailyCostFactory.build(
        organization=resource.organization,
        connection=resource.connection,
        resource=resource,
        dimensions=dimensions,
        date=day,
        billed_cost=cost,
        list_cost=cost * 2,
        **{"billed_cost_rub": roubles, "effective_cost_rub": roubles, **fields},
    )
