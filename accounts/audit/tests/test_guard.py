"""The database itself refuses, on SQLite and on PostgreSQL, and lets retention through."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from accounts.audit import guard
from accounts.audit.models import AuditAnchor, AuditEntry, AuditSeal
from accounts.audit.tests.factories import EntryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def guarded() -> None:
    guard.install(connection)


def _refuses(statement: str, *values) -> str:
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(refused.value)


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("verb", ["UPDATE {} SET hash = 'x'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["audit_auditentry", "audit_auditseal", "audit_auditanchor"])
def test_sql_neither_changes_nor_removes(table, verb) -> None:
    entry = EntryFactory()
    AuditSeal.objects.create(sequence=1, entry_id=entry.pk, form=1, hash="a" * 64)
    AuditAnchor.objects.create(sequence=1, hash="a" * 64, entry_count=1, removed_until=timezone.now())
    statement = verb.format(table).replace("hash", "action" if table == "audit_auditentry" else "hash")

    assert "append-only" in _refuses(statement)

    assert AuditEntry.objects.get().action == entry.action
    assert AuditSeal.objects.get().hash == AuditAnchor.objects.get().hash == "a" * 64


@pytest.mark.usefixtures("guarded")
def test_truncate_is_refused() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    EntryFactory()

    assert "append-only" in _refuses("TRUNCATE audit_auditentry")
    assert "append-only" in _refuses("TRUNCATE audit_auditentry CASCADE")


@pytest.mark.usefixtures("guarded")
def test_replacing_is_refused() -> None:
    """SQLite removes the old row of INSERT OR REPLACE without telling the trigger of DELETE."""
    entry = EntryFactory()
    if connection.vendor == "sqlite":
        statement = "INSERT OR REPLACE INTO audit_auditentry SELECT * FROM audit_auditentry WHERE id = %s"
    else:
        statement = (
            "INSERT INTO audit_auditentry SELECT * FROM audit_auditentry WHERE id = %s "
            "ON CONFLICT (id) DO UPDATE SET action = 'user.signed_in'"
        )

    assert "append-only" in _refuses(statement, entry.pk)


@pytest.mark.usefixtures("guarded")
def test_adding_goes_on() -> None:
    EntryFactory()
    AuditEntry.objects.bulk_create(EntryFactory.build_batch(2))

    assert AuditEntry.objects.count() == 3


def test_the_guard_is_seen_and_can_be_made_twice() -> None:
    assert not guard.is_installed(connection)

    guard.install(connection)
    guard.install(connection)

    assert guard.is_installed(connection)
    with connection.cursor() as cursor:
        name = guard._names(connection, AuditSeal._meta.db_table)[0]
        cursor.execute(
            f"DROP TRIGGER {name}" + (" ON audit_auditseal" if connection.vendor == "postgresql" else "")
        )
    assert not guard.is_installed(connection)


@pytest.mark.usefixtures("guarded")
def test_a_trigger_that_is_switched_off_is_seen() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's triggers have no switch")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE audit_auditentry DISABLE TRIGGER {guard.NAME}")

    assert not guard.is_installed(connection)


@pytest.mark.usefixtures("guarded")
def test_the_guard_is_lifted_for_one_transaction() -> None:
    EntryFactory()

    with transaction.atomic(), guard.lifted(connection), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditentry")

    assert guard.is_installed(connection)
    assert not AuditEntry.objects.exists()


@pytest.mark.usefixtures("guarded")
def test_the_guard_stands_again_after_a_failure() -> None:
    EntryFactory()

    with pytest.raises(RuntimeError), transaction.atomic(), guard.lifted(connection):
        raise RuntimeError

    assert guard.is_installed(connection)
    assert "append-only" in _refuses("DELETE FROM audit_auditentry")


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_the_guard_is_not_lifted() -> None:
    with pytest.raises(TransactionManagementError), guard.lifted(connection):
        pass


@pytest.mark.django_db(transaction=True)
def test_migrate_makes_the_guard(settings) -> None:
    settings.AUDIT_GUARD = True
    try:
        call_command("migrate", verbosity=0)
        assert guard.is_installed(connection)
    finally:  # the end of a transactional test empties the tables
        settings.AUDIT_GUARD = False
        with connection.cursor() as cursor:
            for table in guard.TABLES:
                for statement in guard._drop(connection, table):
                    cursor.execute(statement)
    assert not guard.is_installed(connection)


def test_a_role_without_the_rights_of_an_owner_cannot_switch_the_guard_off() -> None:
    """How docs/security.md says to run on PostgreSQL: migrations by the owner, the application by another role."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no roles")
    guard.install(connection)
    EntryFactory()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE audit_test_application")
        cursor.execute("GRANT USAGE ON SCHEMA public TO audit_test_application")
        cursor.execute("GRANT SELECT, INSERT ON audit_auditentry, audit_auditseal TO audit_test_application")
        cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO audit_test_application")
        cursor.execute("SET LOCAL ROLE audit_test_application")

    EntryFactory()
    for statement in (
        "DELETE FROM audit_auditentry",
        "UPDATE audit_auditentry SET action = 'user.signed_in'",
        "TRUNCATE audit_auditentry",
        f"ALTER TABLE audit_auditentry DISABLE TRIGGER {guard.NAME}",
        f"DROP TRIGGER {guard.NAME} ON audit_auditentry",
        "DROP TABLE audit_auditentry",
        "SET session_replication_role = replica",
    ):
        _refuses(statement)

    assert AuditEntry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_lifting_does_not_wait_for_long(monkeypatch) -> None:
    """A long transaction that has written an entry would else hold up everybody who comes after the waiting one."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer, who waits as the settings say")
    monkeypatch.setattr(guard, "LOCK_SECONDS", 1)
    guard.install(connection)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE audit_auditentry IN ROW EXCLUSIVE MODE")
        with pytest.raises(OperationalError), transaction.atomic(), guard.lifted(connection):
            pass
    finally:
        other.close()
        with connection.cursor() as cursor:
            for table in guard.TABLES:
                for statement in guard._drop(connection, table):
                    cursor.execute(statement)
