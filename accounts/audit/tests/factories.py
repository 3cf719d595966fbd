"""Entries for tests."""

from __future__ import annotations

import factory

from accounts.audit.models import AuditEntry, Door


class EntryFactory(factory.django.DjangoModelFactory):
    """An entry of nobody in no organization."""

    class Meta:
        model = AuditEntry

    action = "organization.renamed"
    actor_id = factory.Sequence(lambda n: n + 1)
    actor_email = factory.LazyAttribute(lambda entry: f"person{entry.actor_id}@example.com")
    object_type = "accounts.organization"
    object_id = factory.Sequence(str)
    object_name = factory.LazyAttribute(lambda entry: f"Organization {entry.object_id}")
    changes = factory.LazyFunction(lambda: {"name": ["Before", "After"]})
    door = Door.PAGE
    ip = "192.0.2.1"
