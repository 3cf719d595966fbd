"""Recommendations and what surrounds them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import factory

from inventory.tests.factories import ResourceFactory
from recommendations.models import (
    ConnectionEvaluation,
    Exclusion,
    Recommendation,
    RecommendationEvent,
    ResourceEvaluation,
    RuleSetting,
)

FOUND = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


class RecommendationFactory(factory.django.DjangoModelFactory):
    """To decide: 300 roubles a month of 660, all of them counted. Traits: `dismissed`, `closed`, `verified`."""

    class Meta:
        model = Recommendation

    class Params:
        dismissed = factory.Trait(
            status="dismissed", dismiss_reason="needed", counted_monthly_rub=Decimal(0), decided_at=FOUND
        )
        closed = factory.Trait(
            status="closed", close_reason="no_longer_true", closed_at=FOUND, counted_monthly_rub=Decimal(0)
        )
        verified = factory.Trait(
            status="verified",
            applied_at=FOUND,
            verified_at=FOUND,
            counted_monthly_rub=Decimal(0),
            realised_monthly=Decimal(270),
            realised_monthly_rub=Decimal(270),
        )

    resource = factory.SubFactory(ResourceFactory)
    connection = factory.SelfAttribute("resource.connection")
    organization = factory.SelfAttribute("resource.organization")
    rule_id = "server.idle"
    subject_key = factory.LazyAttribute(lambda row: f"resource:{row.resource.pk}")
    resource_pks = factory.LazyAttribute(lambda row: [row.resource.pk])
    category = "cleanup"
    summary = factory.LazyFunction(lambda: {"message": "Delete it", "params": {}})
    formula = factory.LazyFunction(
        lambda: {
            "message": "Saves %(saving)s a month",
            "params": {"saving": {"kind": "money", "value": "300", "currency": "RUB"}},
        }
    )
    facts = factory.LazyFunction(lambda: [["Average CPU", {"kind": "percent", "value": "1.2"}]])
    steps = factory.LazyFunction(lambda: [{"message": "Ask the owner.", "params": {}}])
    fingerprint = factory.Sequence(lambda n: f"{n:032d}")
    currency = "RUB"
    current_monthly = Decimal(660)
    target_monthly = Decimal(360)
    saving_monthly = Decimal(300)
    saving_monthly_rub = factory.SelfAttribute("saving_monthly")
    counted_monthly_rub = factory.SelfAttribute("saving_monthly")
    confidence = Decimal("0.8")
    effort = "minutes"
    risk = "medium"
    detected_at = FOUND
    refreshed_at = FOUND


class RecommendationEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RecommendationEvent

    recommendation = factory.SubFactory(RecommendationFactory)
    organization = factory.SelfAttribute("recommendation.organization")
    kind = "found"
    at = FOUND


class RuleSettingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RuleSetting

    organization = factory.SubFactory("accounts.tests.factories.OrganizationFactory")
    rule_id = "server.idle"


class ExclusionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Exclusion

    organization = factory.SubFactory("accounts.tests.factories.OrganizationFactory")
    name = factory.Sequence(lambda n: f"Left alone {n}")
    scope = "name=keep"
    reason = "Agreed with the owner."


class ConnectionEvaluationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ConnectionEvaluation

    connection = factory.SubFactory("providers.tests.factories.ConnectionFactory")
    organization = factory.SelfAttribute("connection.organization")
    day = FOUND.date()
    evaluated_at = FOUND
    inputs_hash = "0" * 32
    resource_count = 1
    counts = factory.LazyFunction(lambda: {"server.idle": {"matched": 1, "no_metrics": 2}})


class ResourceEvaluationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ResourceEvaluation

    resource = factory.SubFactory(ResourceFactory)
    connection = factory.SelfAttribute("resource.connection")
    organization = factory.SelfAttribute("resource.organization")
    outcomes = factory.LazyFunction(lambda: {"server.idle": "no_metrics"})
