"""The public learns whether the site serves, a super admin why not, and nobody a secret."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts.models import User
from infrazen import health
from infrazen.schedules import setup_schedules
from syncs.models import SyncStatus
from syncs.tests.factories import SnapshotFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def super_client(client):
    client.force_login(User.objects.create_superuser("root@example.com", "a long password"))
    return client


@pytest.fixture
def broken_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise OperationalError("password of user infrazen at db.internal is hunter2")

    monkeypatch.setattr(health, "_database", refuse)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_public_sees_ok_and_nothing_else(client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.content, response["Content-Type"]) == (200, b"ok", "text/plain")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_probes_come_by_address_over_plain_http(client, settings, path: str) -> None:
    settings.ALLOWED_HOSTS = ["infrazen.example.com"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200


def test_live_asks_nothing(client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        client.get("/health/live")


def test_unreachable_database_is_not_ok_without_details(client, broken_database) -> None:
    response = client.get("/health/ready")

    assert (response.status_code, response.content) == (503, b"not ok")
    assert client.get("/health/live").status_code == 200


def test_unreachable_cache_is_not_ok(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "get", lambda key: None)

    assert client.get("/health/ready").status_code == 503


def test_missing_migrations_are_not_ok(super_client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [1, 2])

    response = super_client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["checks"] == {
        "database": "ok",
        "cache_and_broker": "ok",
        "migrations": "2 not applied",
    }


def test_member_sees_no_more_than_the_public(client) -> None:
    client.force_login(User.objects.create_user("member@example.com", "a long password", is_staff=True))

    assert client.get("/health/ready").content == b"ok"


def test_super_admin_sees_the_state_of_the_work(super_client) -> None:
    now = timezone.now()
    setup_schedules()
    PeriodicTask.objects.update(last_run_at=now - timedelta(minutes=20))
    SnapshotFactory(queued=True, requested_at=now - timedelta(minutes=30))
    SnapshotFactory(
        earlier=True,
        status=SyncStatus.RUNNING,
        lease_token="x",
        lease_expires_at=now - timedelta(seconds=1),
        observed_at=now,
    )

    told = super_client.get("/health/ready").json()

    assert told["status"] == "ok"
    assert told["attention"] == ["beat", "queue", "leases"]
    assert (told["work"]["queue_length"], told["work"]["stuck_leases"]) == (1, 1)
    assert 1200 <= told["work"]["beat_age_seconds"] < 1260
    assert 1800 <= told["work"]["oldest_queued_seconds"] < 1860


def test_details_hold_no_message_of_an_error(super_client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise ConnectionError("redis://:hunter2@cache.internal:6379")

    monkeypatch.setattr(health, "_cache", refuse)

    response = super_client.get("/health/ready")

    assert response.json()["checks"]["cache_and_broker"] == "ConnectionError"
    assert b"hunter2" not in response.content


def test_a_snapshot_that_waits_for_the_providers_time_is_not_late() -> None:
    now = timezone.now()
    SnapshotFactory(
        queued=True,
        requested_at=now - timedelta(hours=1),
        lease_expires_at=now + timedelta(minutes=1),
    )

    assert health.work(now).oldest_queued_seconds is None
