"""What people set off and decide is in the trail; what the schedule does is not."""

import pytest
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.tests.factories import UserFactory, member_of
from inventory import services as inventory
from inventory.tests.factories import ResourceFactory
from providers import registry
from providers.plugins.focus.provider import FocusProvider
from providers.tests.factories import ConnectionFactory, FakeProvider
from syncs import complete, imports, services
from syncs.models import SyncTrigger, UnrecognizedResource
from syncs.tests.factories import UnrecognizedResourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _providers(monkeypatch) -> None:
    """One that is asked, and one that reads files."""
    monkeypatch.setattr(registry, "plugins", lambda: {"fake": FakeProvider, "focus": FocusProvider})


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_a_sync_that_a_person_starts_is_told_once() -> None:
    connection = ConnectionFactory()
    person = member_of(connection.organization)

    for _ in range(2):
        services.request_sync(
            connection=connection, trigger=SyncTrigger.MANUAL, now=timezone.now(), requested_by=person
        )

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id, entry.object_id) == (
        "sync.requested",
        person.pk,
        str(connection.pk),
    )


def test_a_scheduled_sync_is_not_told() -> None:
    services.request_sync(connection=ConnectionFactory(), trigger=SyncTrigger.SCHEDULED, now=timezone.now())

    assert _actions() == []


def test_a_complete_sync_is_told_without_its_parts() -> None:
    connection = ConnectionFactory()
    person = member_of(connection.organization)

    started, _joined = complete.request_complete_sync(
        organization=connection.organization,
        trigger=SyncTrigger.MANUAL,
        now=timezone.now(),
        requested_by=person,
    )
    complete.advance_complete_sync(complete_sync_id=started.pk, now=timezone.now())

    assert _actions() == ["complete_sync.requested"]


def test_an_uploaded_file_is_told_with_its_digest() -> None:
    connection = ConnectionFactory(provider_type="focus")
    person = member_of(connection.organization)

    stored = imports.store_file(
        connection=connection, name="bill.csv", content=[b"a,b\n"], uploaded_by=person, now=timezone.now()
    )

    entry = AuditEntry.objects.get(action="file.uploaded")
    assert (entry.actor_id, entry.details) == (person.pk, {"bytes": 4, "sha256": stored.sha256})


def test_triage_is_told() -> None:
    person = UserFactory()
    seen = UnrecognizedResourceFactory(provider_type="fake", native_type="thing")
    other = UnrecognizedResourceFactory()

    services.map_unrecognized_type(
        provider_type="fake", native_type="thing", resource_type="server", by=person, at=timezone.now()
    )
    services.resolve_unrecognized(
        resources=UnrecognizedResource.objects.filter(pk__in=[seen.pk, other.pk]),
        by=person,
        at=timezone.now(),
    )

    mapped, resolved = AuditEntry.objects.order_by("pk")
    assert (mapped.action, mapped.changes["resource_type"], mapped.details["resolved"]) == (
        "type.mapped",
        [None, "server"],
        1,
    )
    assert (resolved.action, resolved.actor_id, resolved.details["count"]) == (
        "unrecognized.resolved",
        person.pk,
        1,
    )


def test_tags_and_notes_are_told_where_something_changes() -> None:
    resource = ResourceFactory()

    inventory.set_tag(resource=resource, key="team", value="ml")
    inventory.set_tag(resource=resource, key="team", value="ml")
    inventory.set_tag(resource=resource, key="team", value="web")
    inventory.remove_tag(resource=resource, key="team")
    inventory.remove_tag(resource=resource, key="team")
    inventory.add_note(resource=resource, author=UserFactory(), text="Look at it")

    found = AuditEntry.objects.order_by("pk").values_list("action", "changes", "organization_id")
    own = resource.organization_id
    assert list(found) == [
        ("tag.set", {"team": [None, "ml"]}, own),
        ("tag.set", {"team": ["ml", "web"]}, own),
        ("tag.removed", {"team": ["web", None]}, own),
        ("note.added", {}, own),
    ]
