"""Many days of costs at once, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from costs.models import DailyCost
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory, total_of
from inventory.models import Resource


def charge(resource: Resource, first: date, amounts: Iterable[object], **dimensions: str) -> None:
    """What a resource cost from `first` on, in roubles, with the totals of it; None is a day without a fact."""
    values = CostDimensionsFactory(connection=resource.connection, **dimensions)
    facts = [
        DailyCostFactory.build(
            resource=resource,
            connection=resource.connection,
            organization=resource.organization,
            dimensions=values,
            date=first + timedelta(days=number),
            billed_cost=Decimal(str(amount)),
        )
        for number, amount in enumerate(amounts)
        if amount is not None
    ]
    DailyCost.objects.bulk_create(facts)
    total_of(*facts)
