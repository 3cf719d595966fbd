"""Anomalies for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import factory

from costs.anomalies.models import Anomaly
from inventory.tests.factories import ResourceFactory


class AnomalyFactory(factory.django.DjangoModelFactory):
    """A server that cost 900 roubles more on one day of March, because it was used more. It is over."""

    class Meta:
        model = Anomaly

    resource = factory.SubFactory(ResourceFactory)
    connection = factory.SelfAttribute("resource.connection")
    organization = factory.SelfAttribute("connection.organization")
    level = "resource"
    service_name = "VPS"
    first_date = date(2026, 3, 10)
    last_date = factory.SelfAttribute("first_date")
    expected_cost = Decimal("100")
    actual_cost = Decimal("1000")
    is_over = True
    days = factory.LazyAttribute(lambda one: [[one.first_date.isoformat(), "1000.000000", "100.000000"]])
    parts = factory.LazyAttribute(
        lambda one: [
            {
                "resource": one.resource.pk,
                "name": one.resource.name,
                "actual": "1000.000000",
                "expected": "100.000000",
            }
        ]
    )
    causes = factory.LazyAttribute(
        lambda one: [
            {
                "kind": "use",
                "resource": one.resource.pk,
                "name": one.resource.name,
                "label": "Traffic",
                "before": "7.2",
                "after": "1447.2",
                "unit": "GB",
                "amount": "890.000000",
            }
        ]
    )
    around = factory.LazyFunction(lambda: {"connection": ["2000.000000", "1100.000000", "2000.000000"]})
    found_at = datetime(2026, 3, 11, 9, tzinfo=UTC)
