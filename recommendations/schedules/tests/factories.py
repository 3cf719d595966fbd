"""Power schedules, for tests."""

from __future__ import annotations

import factory

from recommendations.schedules.models import PowerSchedule

OFFICE = [[day, 9, 18] for day in range(5)]


class PowerScheduleFactory(factory.django.DjangoModelFactory):
    """Nine to six on working days, off on holidays."""

    class Meta:
        model = PowerSchedule

    organization = factory.SubFactory("accounts.tests.factories.OrganizationFactory")
    name = factory.Sequence(lambda n: f"Office {n}")
    windows = factory.LazyFunction(lambda: [list(window) for window in OFFICE])
    scope = "name=dev"
