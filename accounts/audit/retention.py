"""How long the audit trail is kept: whole beginnings of the chain go, and an anchor says where it begins since."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connections, router, transaction

from accounts.audit import chain, guard
from accounts.audit.models import AuditAnchor, AuditEntry, AuditSeal
from accounts.audit.services import record

BATCH_ROWS = 5000
"""Removed in one transaction: while it lasts, PostgreSQL lets nobody write to the trail."""


def purge(*, now: datetime, days: int) -> int:
    """Removes what is older than `days` days, as far as all before it in the chain is; returns how many entries.

    0 days keep everything. What is left verifies as before; that something was removed is itself an entry.
    """
    if days <= 0:
        return 0
    cutoff = now - timedelta(days=days)
    chain.seal(now=now, is_thorough=True)
    total = 0
    while count := _purge_batch(cutoff=cutoff, now=now):
        total += count
    return total


def _purge_batch(*, cutoff: datetime, now: datetime) -> int:
    database = connections[router.db_for_write(AuditEntry)]
    with transaction.atomic(using=database.alias):
        last = _last_to_go(cutoff)
        if last is None:
            return 0
        with guard.lifted(database), database.cursor() as cursor:
            entries, seals = AuditEntry._meta.db_table, AuditSeal._meta.db_table
            cursor.execute(
                f"DELETE FROM {entries} WHERE id IN (SELECT entry_id FROM {seals} WHERE sequence <= %s)",  # noqa: S608  # nosec B608
                [last.sequence],
            )
            cursor.execute(f"DELETE FROM {seals} WHERE sequence <= %s", [last.sequence])  # noqa: S608  # nosec B608
            count = int(cursor.rowcount)
        AuditAnchor.objects.create(
            sequence=last.sequence, hash=last.hash, entry_count=count, removed_until=cutoff, at=now
        )
        record("audit.purged", details={"entries": count, "older_than": cutoff, "head": str(last)})
    return count


def _last_to_go(cutoff: datetime) -> AuditSeal | None:
    """The seal before the first one whose entry stays, at most a batch away from the beginning."""
    begin = chain.beginning().sequence
    seals = AuditSeal.objects.filter(sequence__gt=begin).order_by("sequence")[:BATCH_ROWS]
    rows = list(seals)
    young = set(
        AuditEntry.objects.filter(pk__in=[row.entry_id for row in rows], at__gte=cutoff).values_list(
            "pk", flat=True
        )
    )
    last = None
    for row in rows:
        if row.entry_id in young:
            break
        last = row
    return last
