"""Policies and violations, for tests."""

from __future__ import annotations

from datetime import date

import factory

from recommendations.policies.models import Policy, Violation
from recommendations.tests.facts import NOW


class PolicyFactory(factory.django.DjangoModelFactory):
    """Every resource bears the tag `team`."""

    class Meta:
        model = Policy

    organization = factory.SubFactory("accounts.tests.factories.OrganizationFactory")
    name = factory.Sequence(lambda n: f"Policy {n}")
    kind = "required_tags"
    parameters = factory.LazyFunction(lambda: {"tags": ["team"]})


class ViolationFactory(factory.django.DjangoModelFactory):
    """Of one resource; open, first seen at NOW."""

    class Meta:
        model = Violation

    resource = factory.SubFactory("inventory.tests.factories.ResourceFactory")
    connection = factory.SelfAttribute("resource.connection")
    organization = factory.SelfAttribute("resource.organization")
    policy = factory.SubFactory(PolicyFactory, organization=factory.SelfAttribute("..organization"))
    why = factory.LazyFunction(
        lambda: {"message": "Without the tags: %(missing)s.", "params": {"missing": "team"}}
    )
    first_seen_at = NOW
    last_seen_at = NOW
    due_date = date(2026, 10, 8)
