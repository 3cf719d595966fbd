"""Which tables of costs lie in months on PostgreSQL, and which months get a part (`common.partitions`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from django.db import connection

from common import partitions
from costs.models import DailyCost, DailyTotal

TABLES = (DailyCost._meta.db_table, DailyTotal._meta.db_table)

MONTHS_BACK = 120
MONTHS_AHEAD = 36
"""From today; longer commitments are not paid in advance. Days outside, as a wrong file may have them, make no tables:
they stay in the default part."""

READY_AHEAD = 2
"""Months that have their part before anything is written of them."""

_made: set[date] = set()
"""Months of which this process knows that they have their parts."""


def before_writing(days: Iterable[date], *, today: date) -> None:
    """Let facts of these days, written next, find their month's part; asks the database once a month and process.

    Within a transaction it does nothing: the rows go to the default part, and `keep_months` moves them.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return
    wanted = _usual({partitions.month_of(day) for day in days} - _made, today)
    if wanted:
        for table in TABLES:
            partitions.ensure_months(table, wanted)
        _made.update(wanted)


def keep_months(*, today: date) -> None:
    """Make the parts of this month and the next, and those of rows that wait for one; the planner gets its figures."""
    ready = {partitions.month_after(today, count) for count in range(READY_AHEAD + 1)}
    for table in TABLES:
        partitions.ensure_months(table, ready)
        partitions.ensure_months(table, _usual(partitions.waiting_months(table), today))
        partitions.refresh_statistics(table)


def rows_without_a_month(*, today: date) -> Iterator[tuple[str, date, int]]:
    """Table, first day and rows of each month that should have a part and has none."""
    for table in TABLES:
        waiting = partitions.waiting_months(table)
        for month in sorted(_usual(waiting, today)):
            yield table, month, waiting[month]


def _usual(months: Iterable[date], today: date) -> set[date]:
    first, last = partitions.month_after(today, -MONTHS_BACK), partitions.month_after(today, MONTHS_AHEAD)
    return {month for month in months if first <= month <= last}
