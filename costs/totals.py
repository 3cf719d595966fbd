"""Totals of days, months and connections: facts summed by their dimensions, by the database itself."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from django.db import connection as database

from common.partitions import month_of
from costs.models import ConnectionDay, CostShare, DailyCost, DailyTotal, MonthlyTotal

LOCK_CLASS = 0x546F746C
"""Of the advisory locks by which writers of one connection's totals wait for each other on PostgreSQL."""

AMOUNTS = ("billed_cost", "effective_cost", "list_cost")
ROUBLES = ("billed_cost_rub", "effective_cost_rub")


def rewrite_totals(*, connection_id: int, day: date) -> None:
    """Make one day's totals of a connection, and its month's, what its facts say; a shared fact counts by its shares.

    Must be the last thing of the transaction that changed the facts: of two writers, the second sees what the first
    wrote. Rouble values are null unless all of what is summed has one.
    """
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, connection_id])
        cursor.execute(_DELETE, [connection_id, day])
        cursor.execute(_insert(database.vendor), [connection_id, day, connection_id, day])
    sum_up(connection_id=connection_id, day=day)


def sum_up(*, connection_id: int, day: date) -> None:
    """Make what is made of daily totals, the connection's day and its totals of the month, what they say."""
    month = month_of(day)
    last = month.replace(
        day=monthrange(month.year, month.month)[1]
    )  # that of the year 9999 has none after it
    with database.cursor() as cursor:
        cursor.execute(_DELETE_DAY, [connection_id, day])
        cursor.execute(_INSERT_DAY.format(sum=_sum("amount", database.vendor)), [connection_id, day])
        cursor.execute(_DELETE_MONTH, [connection_id, month])
        cursor.execute(_insert_month(database.vendor), [month, connection_id, month, last])


def _sum(column: str, vendor: str) -> str:
    """SQLite keeps decimals as floats; whole millionths add up exactly."""
    if vendor == "sqlite":
        return f"SUM(CAST(ROUND({column} * 1000000) AS INTEGER)) / 1000000.0"
    return f"SUM({column})"


def _insert(vendor: str) -> str:
    sums = [_sum(column, vendor) for column in AMOUNTS]
    sums += [f"CASE WHEN COUNT(*) = COUNT({column}) THEN {_sum(column, vendor)} END" for column in ROUBLES]
    return _INSERT.format(amounts=", ".join((*AMOUNTS, *ROUBLES)), sums=", ".join(sums))


def _insert_month(vendor: str) -> str:
    columns = (*AMOUNTS, *ROUBLES)
    sums = ", ".join(_sum(column, vendor) for column in columns)
    return _INSERT_MONTH.format(amounts=", ".join(columns), sums=sums)


_FACTS = DailyCost._meta.db_table
_SHARES = CostShare._meta.db_table
_TOTALS = DailyTotal._meta.db_table
_DAYS = ConnectionDay._meta.db_table
_MONTHS = MonthlyTotal._meta.db_table

_DELETE = f"DELETE FROM {_TOTALS} WHERE connection_id = %s AND date = %s"  # noqa: S608  # nosec B608  # names of tables
_INSERT = f"""
INSERT INTO {_TOTALS}
    (organization_id, connection_id, dimensions_id, date, charge_category, currency, {{amounts}})
SELECT organization_id, connection_id, dimensions_id, date, charge_category, currency, {{sums}}
FROM (
    SELECT organization_id, connection_id, dimensions_id, date, charge_category, currency, {{amounts}}
    FROM {_FACTS} AS fact
    WHERE connection_id = %s AND date = %s AND dimensions_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM {_SHARES} AS share
        WHERE share.organization_id = fact.organization_id AND share.date = fact.date
            AND share.resource_id = fact.resource_id AND share.charge_category = fact.charge_category
            AND share.source = fact.source AND share.currency = fact.currency
    )
    UNION ALL
    SELECT organization_id, connection_id, dimensions_id, date, charge_category, currency, {{amounts}}
    FROM {_SHARES}
    WHERE connection_id = %s AND date = %s
) AS booked
GROUP BY organization_id, connection_id, dimensions_id, date, charge_category, currency
"""  # noqa: S608  # nosec B608  # names of tables and columns

_DELETE_DAY = f"DELETE FROM {_DAYS} WHERE connection_id = %s AND date = %s"  # noqa: S608  # nosec B608  # names of tables
_INSERT_DAY = f"""
INSERT INTO {_DAYS} (organization_id, connection_id, date, currency, billed_cost)
SELECT organization_id, connection_id, date, shown_in, {{sum}}
FROM (
    SELECT organization_id, connection_id, date, COALESCE(billed_cost_rub, billed_cost) AS amount,
        CASE WHEN billed_cost_rub IS NULL THEN currency ELSE 'RUB' END AS shown_in
    FROM {_TOTALS}
    WHERE connection_id = %s AND date = %s
) AS billed
GROUP BY organization_id, connection_id, date, shown_in
"""  # noqa: S608  # nosec B608  # names of tables

_DELETE_MONTH = f"DELETE FROM {_MONTHS} WHERE connection_id = %s AND date = %s"  # noqa: S608  # nosec B608  # names of tables
_INSERT_MONTH = f"""
INSERT INTO {_MONTHS}
    (organization_id, connection_id, dimensions_id, date, charge_category, currency, is_converted, {{amounts}})
SELECT organization_id, connection_id, dimensions_id, %s, charge_category, currency, billed_cost_rub IS NOT NULL,
    {{sums}}
FROM {_TOTALS}
WHERE connection_id = %s AND date BETWEEN %s AND %s
GROUP BY organization_id, connection_id, dimensions_id, charge_category, currency, billed_cost_rub IS NOT NULL
"""  # noqa: S608  # nosec B608  # names of tables and columns
