"""The database refuses to change or remove what is in the audit trail, whoever asks in SQL.

Triggers, made after each `migrate` (a table that SQLite makes anew for a migration has lost its own). Whoever owns the
tables may drop them; the hash chain then tells (`accounts.audit.chain`), and docs/security.md says how to run without
that right. `settings.AUDIT_GUARD` switches them off for test runs that empty every table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.audit.models import AuditAnchor, AuditEntry, AuditSeal

TABLES = {
    AuditEntry._meta.db_table: "id",
    AuditSeal._meta.db_table: "sequence",
    AuditAnchor._meta.db_table: "sequence",
}
"""Table -> primary key."""

NAME = "audit_append_only"

LOCK_SECONDS = 5
"""How long `lifted` waits for others' transactions before it gives up with OperationalError."""

POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def install(database: BaseDatabaseWrapper) -> None:
    """Makes the triggers, or makes them again; on databases other than SQLite and PostgreSQL there are none."""
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        present = set(database.introspection.table_names(cursor)) & set(TABLES)
        if database.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FUNCTION)
        for table in sorted(present):
            for statement in (*_drop(database, table), *_create(database, table)):
                cursor.execute(statement)


def is_installed(database: BaseDatabaseWrapper) -> bool:
    """Whether each of the tables has all its triggers, switched on."""
    wanted = {(table, name) for table in TABLES for name in _names(database, table)}
    if not wanted:
        return False
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
            )
        return wanted <= set(cursor.fetchall())


@contextmanager
def lifted(database: BaseDatabaseWrapper) -> Iterator[None]:
    """Inside a transaction: lets the caller remove rows, and guards again before the transaction ends.

    Nobody else gets through meanwhile: on PostgreSQL the tables are locked against writers, SQLite has one writer.
    """
    if not database.in_atomic_block:
        raise transaction.TransactionManagementError("the guard is lifted inside a transaction only")
    was_installed = is_installed(database)
    with database.cursor() as cursor:
        if database.vendor == "postgresql":  # who waits for the lock makes everybody wait who comes after
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        for table in TABLES if was_installed else ():
            for statement in _lift(database, table):
                cursor.execute(statement)
        yield
        for table in TABLES if was_installed else ():
            for statement in _restore(database, table):
                cursor.execute(statement)


def after_migrate(*, using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    if settings.AUDIT_GUARD:
        install(connections[using])


def _names(database: BaseDatabaseWrapper, table: str) -> list[str]:
    if database.vendor == "sqlite":
        return [f"{NAME}_{table}_{event}" for event in ("update", "delete", "replace")]
    return [NAME] if database.vendor == "postgresql" else []


def _drop(database: BaseDatabaseWrapper, table: str) -> list[str]:
    on = f" ON {table}" if database.vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {name}{on}" for name in _names(database, table)]


def _create(database: BaseDatabaseWrapper, table: str) -> list[str]:
    if database.vendor == "postgresql":
        return [
            f"CREATE TRIGGER {NAME} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()"
        ]
    if database.vendor != "sqlite":
        return []
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    key = TABLES[table]
    # INSERT OR REPLACE removes the old row without asking the trigger of DELETE
    conflict = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608  # nosec B608  # names of ours
    update, delete, replace = _names(database, table)
    return [
        f"CREATE TRIGGER {update} BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {delete} BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {replace} BEFORE INSERT ON {table} {conflict} {refuse}",
    ]


def _lift(database: BaseDatabaseWrapper, table: str) -> list[str]:
    if database.vendor == "postgresql":
        return [f"ALTER TABLE {table} DISABLE TRIGGER {NAME}"]
    return _drop(database, table)


def _restore(database: BaseDatabaseWrapper, table: str) -> list[str]:
    if database.vendor == "postgresql":
        return [f"ALTER TABLE {table} ENABLE TRIGGER {NAME}"]
    return _create(database, table)
