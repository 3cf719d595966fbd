"""Unit metrics and their quantities, for tests."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import factory

from accounts.tests.factories import OrganizationFactory
from costs.unit_costs.models import UnitMetric, UnitValue


class UnitMetricFactory(factory.django.DjangoModelFactory):
    """Orders, which add up."""

    class Meta:
        model = UnitMetric

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Orders {n}")
    unit = "order"
    kind = UnitMetric.Kind.FLOW


class UnitValueFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UnitValue

    metric = factory.SubFactory(UnitMetricFactory)
    organization = factory.SelfAttribute("metric.organization")
    date = date(2026, 3, 1)
    quantity = Decimal(10)
