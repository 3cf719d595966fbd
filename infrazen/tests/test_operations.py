"""The admin's front page answers «is everything well?» for who may know, at a fixed price; backups are whole."""

from __future__ import annotations

import sqlite3
import tarfile
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts.audit.models import AuditEntry
from accounts.tests.factories import OrganizationFactory, UserFactory
from costs.tests.factories import ExchangeRateFactory
from infrazen import operations
from infrazen.schedules import setup_schedules
from providers.models import ConnectionStatus, ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import SnapshotFactory, SnapshotTotalFactory, UnrecognizedResourceFactory

pytestmark = pytest.mark.django_db

PAGE = "/admin/"


@pytest.fixture
def root(client):
    client.force_login(UserFactory(super_admin=True))
    return client


def cards(client) -> dict[str, operations.Card]:
    return {card.title: card for card in client.get(PAGE).context["operations"]}


def beating() -> None:
    setup_schedules()
    PeriodicTask.objects.update(last_run_at=timezone.now())


def test_a_house_in_order_says_so(root) -> None:
    beating()
    call_command("backup", noted="elsewhere")

    page = root.get(PAGE)

    assert page.context["is_well"]
    assert "Everything is well." in page.content.decode()


def test_what_is_wrong_comes_first_with_the_way_to_it(root) -> None:
    beating()
    broken = ConnectionFactory(connection_name="Beget Prod")
    ProviderConnection.objects.update(
        last_sync_status=ConnectionStatus.ERROR,
        last_sync_error={"code": "authentication_failed", "message": "The password is wrong.", "params": {}},
        given_up_at=timezone.now(),
        consecutive_failures=5,
    )

    page = root.get(PAGE)
    first = page.context["operations"][0]

    assert first.title == "Failed connections"
    assert not page.context["is_well"]
    body = page.content.decode()
    assert "The password is wrong." in body
    assert "Not tried any more: 1" in body
    assert reverse("admin:providers_providerconnection_change", args=[broken.pk]) in body


def test_a_connection_is_stale_after_two_of_its_own_intervals(root) -> None:
    now = timezone.now()
    for name, minutes, age in (("fresh", 60, 90), ("stale", 60, 130), ("slow", 1440, 130)):
        one = ConnectionFactory(connection_name=name, sync_interval_minutes=minutes, auto_sync=True)
        ProviderConnection.objects.filter(pk=one.pk).update(last_sync_at=now - timedelta(minutes=age))

    card = cards(root)["Stale connections"]

    assert card.level == "warning"
    assert [row.label.partition(" · ")[2] for row in card.rows] == ["stale"]


def test_a_silent_beat_and_a_hanging_sync_are_told(root) -> None:
    setup_schedules()
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(hours=1))
    SnapshotFactory(
        earlier=True,
        status="running",
        finished_at=None,
        lease_token="x",
        lease_expires_at=timezone.now() - timedelta(hours=1),
    )

    card = cards(root)["Queue"]

    assert card.level == "error"
    assert len(card.rows) == 2


def test_unrecognised_types_are_told_with_their_money(root) -> None:
    UnrecognizedResourceFactory(snapshot=SnapshotFactory(), native_type="gpu_slice_a100")

    card = cards(root)["Unrecognised types"]

    assert [row.label for row in card.rows] == ["gpu_slice_a100"]


def test_what_of_the_bills_is_understood_is_told_with_those_that_explain_least(root) -> None:
    ExchangeRateFactory(currency="USD", rub_per_unit=90)
    for name, billed, unexplained, currency in (
        ("whole", 1000, 0, "RUB"),
        ("more", 600, -30, "RUB"),
        ("less", 2, "0.1", "USD"),
        ("no rate", 5, 5, "XTS"),
    ):
        SnapshotTotalFactory(
            snapshot=SnapshotFactory(connection__connection_name=name),
            billed_daily_cost=billed,
            unexplained_daily_cost=unexplained,
            currency=currency,
        )
    SnapshotTotalFactory(snapshot=SnapshotFactory(earlier=True), unexplained_daily_cost=77)

    card = cards(root)["Of the bills understood"]

    assert (card.figure, card.level) == ("97.81%", "warning")  # 39 of 1780 roubles are not
    assert [row.label.partition(" · ")[2] for row in card.rows] == ["more", "no rate", "less"]
    assert card.rows[0].note == "−₽30.00/day"


def test_an_organization_that_leaves_is_named(root) -> None:
    one = OrganizationFactory(name="Acme")
    one.deletion_at = timezone.now() + timedelta(days=30)
    one.save()

    assert cards(root)["Organizations to be deleted"].rows[0].label == "Acme"


@pytest.mark.parametrize(
    ("permission", "seen"),
    [
        (None, {"Last backup", "Version"}),
        ("manage_users", {"Last backup", "Version", "Messages that failed", "Organizations to be deleted"}),
        ("manage_resources", {"Last backup", "Version", "Unrecognised types"}),
        (
            "manage_providers",
            {
                "Last backup",
                "Version",
                "Failed connections",
                "Stale connections",
                "Queue",
                "Of the bills understood",
            },
        ),
    ],
)
def test_an_administrator_sees_what_they_may_open(client, permission, seen) -> None:
    user = UserFactory(administrator=True)
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(user)

    assert set(cards(client)) == seen


def test_the_page_costs_the_same_with_much_trouble(root, django_assert_max_num_queries) -> None:
    root.get(PAGE)
    for count in (2, 20):
        for _one in range(count):
            ConnectionFactory()
            UnrecognizedResourceFactory(snapshot=SnapshotFactory())
        ProviderConnection.objects.update(
            last_sync_status=ConnectionStatus.ERROR,
            last_sync_error={"code": "x", "message": "", "params": {}},
        )
        with django_assert_max_num_queries(32):
            root.get(PAGE)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own copy")
@pytest.mark.django_db(transaction=True)
def test_a_backup_of_sqlite_is_whole(tmp_path, settings) -> None:
    ConnectionFactory(connection_name="kept")
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / "bill.csv").write_text("rows")

    call_command("backup", to=str(tmp_path / "out"))

    database, media = sorted((tmp_path / "out").iterdir(), key=lambda path: path.suffix, reverse=True)
    assert database.stat().st_mode & 0o077 == 0
    names = sqlite3.connect(database).execute("select connection_name from providers_providerconnection")
    assert names.fetchall() == [("kept",)]
    with tarfile.open(media) as archive:
        assert "media/bill.csv" in archive.getnames()
    assert AuditEntry.objects.get(action="backup.made").details["bytes"] > 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="pg_dump's")
def test_a_backup_of_postgresql_is_a_dump(tmp_path) -> None:
    call_command("backup", to=str(tmp_path / "out"))

    (dump,) = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".dump"]
    assert dump.read_bytes()[:5] == b"PGDMP"


def test_a_backup_that_cannot_be_written_says_so_and_is_not_noted(tmp_path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match="cannot be made"):
        call_command("backup", to=str(tmp_path / "file" / "folder"))

    assert not AuditEntry.objects.exists()
