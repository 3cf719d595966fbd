"""Resources and what belongs to them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from inventory.models import (
    MetricPoint,
    Resource,
    ResourceNote,
    ResourceType,
    SoftwareComponent,
    Tag,
    TagCategory,
    TypeMapping,
    UsageSummary,
)
from providers.tests.factories import ConnectionFactory

SEEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


class ResourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Resource

    connection = factory.SubFactory(ConnectionFactory)
    organization = factory.SelfAttribute("connection.organization")
    resource_id = factory.Sequence(lambda n: f"vps-{n}")
    native_type = "vps"
    resource_type = ResourceType.SERVER
    name = factory.Sequence(lambda n: f"server-{n}")
    first_seen_at = SEEN


class _OfResource(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True

    resource = factory.SubFactory(ResourceFactory)
    organization = factory.SelfAttribute("resource.organization")


class TagFactory(_OfResource):
    class Meta:
        model = Tag

    key = "env"
    value = "prod"
    source = "provider"


class ResourceNoteFactory(_OfResource):
    class Meta:
        model = ResourceNote

    text = "Moves in May."


class SoftwareComponentFactory(_OfResource):
    class Meta:
        model = SoftwareComponent

    name = "WordPress"
    version = "6.8"


class MetricPointFactory(_OfResource):
    class Meta:
        model = MetricPoint

    metric = "cpu_percent"
    observed_at = SEEN
    value = 12.5
    maximum = 80.0


class UsageSummaryFactory(_OfResource):
    class Meta:
        model = UsageSummary

    metric = "cpu_percent"
    period_days = 30
    computed_at = SEEN
    average = 12.5
    maximum = 80.0
    minimum = 1.0
    sample_count = 720


class TypeMappingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TypeMapping

    provider_type = "fake"
    native_type = factory.Sequence(lambda n: f"gpu_{n}")
    resource_type = ResourceType.SERVER


class TagCategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TagCategory

    organization = factory.SubFactory("accounts.tests.factories.OrganizationFactory")
    key = factory.Sequence(lambda n: f"key-{n}")
    allowed_values = factory.LazyFunction(lambda: ["prod", "dev"])
