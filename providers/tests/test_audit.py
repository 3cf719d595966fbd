"""What people do to connections and their credentials is in the trail, and no credential."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.tests.factories import MembershipFactory, UserFactory
from providers import scheduling, services
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

SECRET = "wonderfully-secret-value"


def _entry(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


def _everything() -> str:
    return str(list(AuditEntry.objects.values()))


@pytest.fixture
def organization():
    return MembershipFactory().organization


def test_a_new_connection(organization, fake_provider) -> None:
    connection = services.create_connection(
        organization=organization,
        provider_type="fake",
        connection_name="Main",
        credentials={"login": "me", "password": SECRET},
        now=timezone.now(),
        verify=False,
        account_id="42",
    )

    entry = _entry("connection.created")
    assert (entry.object_id, entry.organization_id) == (str(connection.pk), organization.pk)
    assert entry.details == {"provider": "fake", "account": "42"}
    assert SECRET not in _everything()


def test_a_changed_connection_before_and_after(fake_provider) -> None:
    connection = ConnectionFactory(connection_name="Old", is_active=True)

    services.update_connection(
        connection=connection, connection_name="New", is_active=False, now=timezone.now()
    )

    assert _entry("connection.changed").changes == {
        "connection_name": ["Old", "New"],
        "is_active": [True, False],
    }
    assert not AuditEntry.objects.filter(action="connection.credentials_changed").exists()


def test_an_edit_that_changes_nothing_is_not_told(fake_provider) -> None:
    connection = ConnectionFactory(connection_name="Old")

    services.update_connection(
        connection=connection, connection_name="Old", credentials={}, now=timezone.now()
    )

    assert not AuditEntry.objects.exists()


def test_new_credentials_are_told_by_the_names_of_their_fields(fake_provider) -> None:
    connection = ConnectionFactory()
    field = next(field.name for field in fake_provider.credential_fields if field.is_secret)

    services.update_connection(
        connection=connection, credentials={field: SECRET}, now=timezone.now(), verify=False
    )

    assert _entry("connection.credentials_changed").details == {"fields": [field]}
    assert SECRET not in _everything()


def test_a_test_reads_the_credentials(fake_provider) -> None:
    connection = ConnectionFactory()

    services.test_saved_connection(connection=connection, now=timezone.now())

    entry = _entry("connection.credentials_read")
    assert (entry.object_id, entry.details) == (str(connection.pk), {"purpose": "test"})


def test_a_deleted_connection_stays_told(fake_provider) -> None:
    connection = ConnectionFactory(connection_name="Gone")

    services.delete_connection(connection=connection)

    assert not ProviderConnection.objects.exists()
    assert _entry("connection.deleted").object_name.startswith("Gone")


def test_trying_again_is_told_where_there_was_something_to_end(fake_provider) -> None:
    stopped, fine = ConnectionFactory(consecutive_failures=99), ConnectionFactory()

    scheduling.try_again(connection=stopped, now=timezone.now())
    scheduling.try_again(connection=fine, now=timezone.now())

    assert _entry("connection.retried").object_id == str(stopped.pk)


def test_a_change_in_the_admin_is_told_with_the_person(fake_provider) -> None:
    connection = ConnectionFactory(connection_name="Old")
    boss, client = UserFactory(super_admin=True), Client()
    client.force_login(boss)

    client.post(
        f"/admin/providers/providerconnection/{connection.pk}/change/",
        {
            "connection_name": "New",
            "is_active": "on",
            "auto_sync": "on",
            "sync_interval_minutes": "360",
            "credentials_login": "acme",
        },
    )

    entry = _entry("admin.changed")
    assert entry.actor_email == _entry("connection.changed").actor_email == boss.email
    assert entry.changes["connection_name"] == ["Old", "New"]


def test_rotation_is_told(fake_provider) -> None:
    ConnectionFactory()

    services.rotate_credentials()

    assert _entry("credentials.rotated").details == {"connections": 1}
