"""Provider types as administrators switch and limit them, and what follows for pages, API and schedule."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.audit.models import AuditEntry
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from providers import services
from providers.models import ProviderConnection, ProviderType
from providers.tests.factories import SECRET, ConnectionFactory
from syncs import complete
from syncs import services as syncs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

LIST = "/admin/providers/providertype/"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SENTENCE = "An administrator has switched off the provider Fake Cloud: nothing new can be connected to it."
FORM = {
    "connection_name": "New",
    "credentials_login": "acme",
    "credentials_password": SECRET,
    "auto_sync": "on",
    "sync_interval_minutes": "360",
}


@pytest.fixture
def operator() -> Client:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename="manage_providers"))
    return _client(user)


def _client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _switch_off(key: str = "fake") -> ProviderType:
    return ProviderType.objects.create(key=key, is_enabled=False)


def test_the_catalogue_lists_what_is_installed_with_what_it_declares(operator) -> None:
    ConnectionFactory(last_sync_at=NOW)
    ConnectionFactory(last_sync_at=None)

    page = operator.get(LIST).content.decode()
    assert [one.key for one in ProviderType.objects.order_by("key")] == ["fake", "files"]
    assert "Fake Cloud" in page
    assert 'href="/admin/providers/providerconnection/?provider_type=fake">2</a>' in page
    assert 'datetime="2026-11-21T12:00:00+03:00"' in page or 'datetime="2026-11-21T09:00:00+00:00"' in page

    one = ProviderType.objects.get(key="fake")
    form = operator.get(f"{LIST}{one.pk}/change/").content.decode()
    assert "Login: required" in form
    assert "API password: secret, required" in form
    assert "prices of what exists" in form


def test_the_catalogue_does_not_ask_per_type_or_connection(operator) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get(LIST).status_code == 200
        return len(captured)

    ProviderType.objects.create(key="fake")
    ProviderType.objects.create(key="files")
    ConnectionFactory()
    few = count()
    for number in range(10):
        ConnectionFactory()
        ProviderType.objects.create(key=f"gone{number}")

    assert count() == few


def test_switching_is_audited_whether_by_action_or_by_form(operator) -> None:
    one = ProviderType.objects.create(key="fake")
    form = {"action": "switch_off", "_selected_action": [one.pk]}

    assert "1 provider switched off." in operator.post(LIST, form, follow=True).content.decode()
    entry = AuditEntry.objects.get(action="provider_type.changed")
    assert (entry.object_name, entry.changes) == ("fake", {"is_enabled": [True, False]})

    changed = {"is_enabled": "on", "sync_interval_minutes": "720", "reading_seconds": "120"}
    assert operator.post(f"{LIST}{one.pk}/change/", changed).status_code == 302
    entry = AuditEntry.objects.get(action="admin.changed")
    assert entry.changes == {
        "is_enabled": [False, True],
        "sync_interval_minutes": [360, 720],
        "reading_seconds": [900, 120],
    }


def test_nobody_adds_or_deletes_types_and_others_see_none(operator) -> None:
    one = ProviderType.objects.create(key="fake")

    assert operator.get(f"{LIST}add/").status_code == 403
    assert operator.get(f"{LIST}{one.pk}/delete/").status_code == 403
    assert _client(UserFactory(administrator=True)).get(LIST).status_code == 403


def test_the_defaults_reach_new_connections_and_readings() -> None:
    ProviderType.objects.create(key="fake", sync_interval_minutes=720, reading_seconds=120)
    organization = OrganizationFactory()

    made = services.create_connection(
        organization=organization,
        provider_type="fake",
        connection_name="New",
        credentials={"login": "acme", "password": SECRET},
        now=NOW,
    )
    page = _client(member_of(organization)).get("/connections/new/fake/").content.decode()

    assert made.sync_interval_minutes == 720
    assert '<option value="720" selected>' in page
    assert services.plugin_context(made, now=NOW).deadline_seconds == 120
    assert services.plugin_context(made, now=NOW, deadline_seconds=5).deadline_seconds == 5


def test_a_type_that_is_off_is_chosen_for_no_new_connection(operator) -> None:
    _switch_off()
    organization = OrganizationFactory()
    manager = _client(member_of(organization, "manager"))

    assert "Fake Cloud" not in manager.get("/connections/new/").content.decode()
    assert SENTENCE in manager.get("/connections/new/fake/", follow=True).content.decode()
    assert SENTENCE in manager.post("/connections/new/fake/", FORM, follow=True).content.decode()

    given = {
        "provider_type": "fake",
        "connection_name": "New",
        "credentials": {"login": "a", "password": "b"},
    }
    answer = manager.post("/api/v1/connections/", given, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"]) == (400, {"provider_type": [SENTENCE]})
    said = {one["key"]: one["is_enabled"] for one in manager.get("/api/v1/providers/").json()}
    assert said == {"fake": False, "files": True}

    url = "/admin/providers/providerconnection/add/"
    assert "provider_type=files" in operator.get(url)["Location"]
    form = {**FORM, "organization": organization.pk, "is_active": "on"}
    assert SENTENCE in operator.post(f"{url}?provider_type=fake", form).content.decode()
    assert not ProviderConnection.objects.exists()


def test_the_syncs_of_a_type_that_is_off_start_only_by_hand_and_the_card_says_so() -> None:
    connection = ConnectionFactory(next_sync_at=NOW - timedelta(hours=1), connection_name="Kept")
    owner = _client(member_of(connection.organization))
    one = _switch_off()

    assert not ProviderConnection.objects.due(NOW).exists()
    assert syncs.request_due_syncs(now=NOW) == []
    assert complete.request_due_complete_syncs(now=NOW + timedelta(days=1)) == []
    page = owner.get("/connections/").content.decode()
    assert "no automatic sync: an administrator has switched this provider off" in page
    assert owner.post(f"/api/v1/connections/{connection.pk}/sync/").status_code in (201, 202)

    one.is_enabled = True
    one.save()
    assert ProviderConnection.objects.due(NOW).get() == connection
    assert "switched this provider off" not in owner.get("/connections/").content.decode()
