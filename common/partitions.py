"""Tables in one part a month, on PostgreSQL; on SQLite the same tables are plain, and nothing here does anything.

What is read of a month then touches its part alone, and an old month goes in a moment. A default part takes the rows
of months that have none, so no row is ever refused; `ensure_months` makes the missing parts and moves such rows there.
A part is named after its table and month, as in `facts_2026_11`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

LOCK_CLASS = 0x50617274
"""Of the advisory locks by which those who make parts of one table wait for each other."""

LOCK_MILLISECONDS = 500
"""Longest wait for a lock that others may queue behind: below PostgreSQL's deadlock_timeout (1 s), so that in a tie it
is the part that is put off, and never somebody's write that is ended."""


def month_of(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def month_after(month: date, count: int = 1) -> date:
    """The first day of the month that is `count` later, or earlier where it is negative."""
    months = month.year * 12 + month.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def months(table: str) -> set[date]:
    """First days of the months that have a part; empty where the table has no parts."""
    if connection.vendor != "postgresql":
        return set()
    known = set()
    for first, end in _rows(_BOUNDS, [table]):
        month = month_of(first)
        while month < end:
            known.add(month)
            month = month_after(month)
    return known


def waiting_months(table: str) -> dict[date, int]:
    """Months whose rows lie in the default part, with how many they are."""
    if connection.vendor != "postgresql" or not (column := _column(table)):
        return {}
    quote = connection.ops.quote_name
    return dict(
        _rows(
            f"SELECT date_trunc('month', {quote(column)})::date, count(*) "  # noqa: S608  # nosec B608  # names of the catalogue
            f"FROM {quote(_default(table))} GROUP BY 1 ORDER BY 1"
        )
    )


def ensure_months(table: str, wanted: Iterable[date]) -> list[date]:
    """Make the parts of these months (any day of each) that are missing; returns the first days of those made.

    Not within a transaction: its locks would last as long. A part that cannot be made now, because a lock is not to be
    had or a table of its name is there already (a part that was detached), is left for another time: its rows wait in
    the default part.
    """
    if connection.vendor != "postgresql" or not (column := _column(table)):
        return []
    made = []
    for month in sorted({month_of(day) for day in wanted} - months(table)):
        try:
            if _make(table, column, month):
                made.append(month)
        except DatabaseError as error:
            logger.warning("The part of %s for %s was not made: %s", table, month, error)
            if isinstance(error, OperationalError):  # a lock: each further month would wait as long
                break
    return made


def refresh_statistics(table: str) -> None:
    """Let the planner know the table as a whole, which PostgreSQL does by itself for its parts alone."""
    if connection.vendor == "postgresql" and _column(table):
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def _make(table: str, column: str, month: date) -> bool:
    """One part, with the rows of its month that lie in the default one; False where it, or its name, is there."""
    quote = connection.ops.quote_name
    part, default, whole = quote(_name(table, month)), quote(_default(table)), quote(table)
    of_month = f"{quote(column)} >= %s AND {quote(column)} < %s"
    bounds = [month, month_after(month)]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_CLASS, table])
        cursor.execute("SELECT to_regclass(%s)", [part])
        if cursor.fetchone()[0] is not None:
            return False
        # Made apart and attached at the end: of the whole table, that stops neither readers nor writers
        cursor.execute(
            f"CREATE TABLE {part} "
            f"(LIKE {whole} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)"
        )
        cursor.execute(f"LOCK TABLE {default} IN SHARE ROW EXCLUSIVE MODE")  # readers go on
        cursor.execute(f"INSERT INTO {part} SELECT * FROM {default} WHERE {of_month}", bounds)  # noqa: S608  # nosec B608  # names
        if cursor.rowcount:
            cursor.execute(f"DELETE FROM {default} WHERE {of_month}", bounds)  # noqa: S608  # nosec B608  # names
        # Attaching takes these locks too, but after that of the default part, for which readers wait
        for referenced in _referenced(table):
            cursor.execute(f"LOCK TABLE {referenced} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"ALTER TABLE {whole} ATTACH PARTITION {part} {_values(month)}")
    return True


def _name(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}"


def _default(table: str) -> str:
    return f"{table}_default"


def _values(month: date) -> str:
    return f"FOR VALUES FROM ('{month}') TO ('{month_after(month)}')"


def _column(table: str) -> str | None:
    """The day's column; None where the table has no parts."""
    rows = _rows(_COLUMN, [table])
    return rows[0][0] if rows else None


def _referenced(table: str) -> list[str]:
    return [name for (name,) in _rows(_REFERENCED, [table])]


def _rows(statement: str, params: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


_COLUMN = """
SELECT attname FROM pg_partitioned_table
JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
WHERE partrelid = to_regclass(%s)
"""

_BOUNDS = """
SELECT bound[1]::date, bound[2]::date FROM pg_inherits
JOIN pg_class AS part ON part.oid = inhrelid
CROSS JOIN regexp_match(
    pg_get_expr(part.relpartbound, part.oid), 'FROM \\(''([0-9-]+)''\\) TO \\(''([0-9-]+)''\\)'
) AS bound
WHERE inhparent = to_regclass(%s) AND bound IS NOT NULL
"""

_REFERENCED = """
SELECT DISTINCT confrelid::regclass::text FROM pg_constraint
WHERE conrelid = to_regclass(%s) AND contype = 'f' ORDER BY 1
"""


# Turning a table into a partitioned one and back, for migrations


def partition(
    database: BaseDatabaseWrapper,
    table: str,
    column: str,
    *,
    ready: Iterable[date],
    between: tuple[date, date],
) -> None:
    """Give a plain table a default part, one for each month `between` that has rows, and those that shall be `ready`.

    Everything of it stays: rows, numbers, defaults, indexes, constraints, under their names. Its key becomes
    (id, `column`), since PostgreSQL checks uniqueness within a part; unique constraints must contain the column. Within
    a migration's transaction, in which nobody else reads or writes the table.
    """
    quote = database.ops.quote_name
    day = quote(column)

    def parts(cursor: Any, old: str) -> None:
        cursor.execute(f"CREATE TABLE {quote(_default(table))} PARTITION OF {quote(table)} DEFAULT")
        cursor.execute(
            f"SELECT DISTINCT date_trunc('month', {day})::date FROM {old} "  # noqa: S608  # nosec B608  # names
            f"WHERE {day} >= %s AND {day} < %s",
            [month_of(between[0]), month_after(between[1])],
        )
        for month in sorted({month_of(each) for each in ready} | {month for (month,) in cursor.fetchall()}):
            cursor.execute(
                f"CREATE TABLE {quote(_name(table, month))} PARTITION OF {quote(table)} {_values(month)}"
            )

    _rebuild(database, table, f"PARTITION BY RANGE ({day})", f"PRIMARY KEY (id, {day})", parts)


def unite(database: BaseDatabaseWrapper, table: str) -> None:
    """Make a partitioned table a plain one again, with everything that it has."""
    _rebuild(database, table, "", "PRIMARY KEY (id)", lambda _cursor, _old: None)


def _rebuild(
    database: BaseDatabaseWrapper, table: str, how: str, key: str, make_parts: Callable[[Any, str], None]
) -> None:
    """The table anew under its name; `make_parts` gets a cursor and the quoted name of the old one.

    Indexes and constraints come after the rows: faster, and their names are free by then.
    """
    quote = database.ops.quote_name
    new, old = quote(table), quote(f"{table}_old")
    with database.cursor() as cursor:

        def rows(statement: str) -> list[tuple[Any, ...]]:
            cursor.execute(statement, [table])
            return list(cursor.fetchall())

        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table whose checks wait cannot be altered
        cursor.execute(f"LOCK TABLE {new} IN ACCESS EXCLUSIVE MODE")
        ((key_name,),) = rows(_KEY)
        constraints, indexes = rows(_CONSTRAINTS), rows(_INDEXES)
        ((sequence,),) = rows(_SEQUENCE)
        cursor.execute(f"SELECT last_value, is_called FROM {quote(sequence)}")  # noqa: S608  # nosec B608  # names
        position = cursor.fetchone()

        cursor.execute(f"ALTER TABLE {new} RENAME TO {old}")
        cursor.execute(
            f"CREATE TABLE {new} (LIKE {old} INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS "
            f"INCLUDING STORAGE INCLUDING COMMENTS) {how}"
        )
        make_parts(cursor, old)
        cursor.execute(f"INSERT INTO {new} OVERRIDING SYSTEM VALUE SELECT * FROM {old}")  # noqa: S608  # nosec B608  # names
        count = cursor.rowcount
        cursor.execute(f"DROP TABLE {old}")

        cursor.execute(f"ALTER TABLE {new} ADD CONSTRAINT {quote(key_name)} {key}")
        for name, definition in constraints:
            cursor.execute(f"ALTER TABLE {new} ADD CONSTRAINT {quote(name)} {definition}")
        for (definition,) in indexes:
            cursor.execute(definition)
        ((fresh,),) = rows(_SEQUENCE)
        cursor.execute(f"ALTER SEQUENCE {quote(fresh)} RENAME TO {quote(sequence)}")
        cursor.execute("SELECT setval(%s::regclass, %s, %s)", [quote(sequence), *position])
        if count:
            cursor.execute(f"ANALYZE {new}")


_KEY = "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'"

_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = to_regclass(%s) AND contype IN ('u', 'f') ORDER BY conname
"""

_INDEXES = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = to_regclass(%s) AND indexrelid NOT IN (SELECT conindid FROM pg_constraint) ORDER BY indexrelid
"""

_SEQUENCE = "SELECT relname FROM pg_class WHERE oid = pg_get_serial_sequence(%s, 'id')::regclass"
