"""Daily totals: the facts of a day summed by their dimensions, by the database itself."""

from __future__ import annotations

from datetime import date

from django.db import connection as database

from costs.models import CostShare, DailyCost, DailyTotal

LOCK_CLASS = 0x546F746C
"""Of the advisory locks by which writers of one connection's totals wait for each other on PostgreSQL."""

AMOUNTS = ("billed_cost", "effective_cost", "list_cost")
ROUBLES = ("billed_cost_rub", "effective_cost_rub")


def rewrite_totals(*, connection_id: int, day: date) -> None:
    """Make one day's totals of a connection what its facts say; a fact that is shared out counts by its shares.

    Must be the last thing of the transaction that changed the facts: of two writers, the second sees what the first
    wrote. Rouble values are null unless all of what is summed has one.
    """
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, connection_id])
        cursor.execute(_DELETE, [connection_id, day])
        cursor.execute(_insert(database.vendor), [connection_id, day, connection_id, day])


def _sum(column: str, vendor: str) -> str:
    """SQLite keeps decimals as floats; whole millionths add up exactly."""
    if vendor == "sqlite":
        return f"SUM(CAST(ROUND({column} * 1000000) AS INTEGER)) / 1000000.0"
    return f"SUM({column})"


def _insert(vendor: str) -> str:
    sums = [_sum(column, vendor) for column in AMOUNTS]
    sums += [f"CASE WHEN COUNT(*) = COUNT({column}) THEN {_sum(column, vendor)} END" for column in ROUBLES]
    return _INSERT.format(amounts=", ".join((*AMOUNTS, *ROUBLES)), sums=", ".join(sums))


_FACTS = DailyCost._meta.db_table
_SHARES = CostShare._meta.db_table
_TOTALS = DailyTotal._meta.db_table

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
