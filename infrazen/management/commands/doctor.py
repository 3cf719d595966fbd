"""`manage.py doctor`: checks in the database what must always be so, and says what is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs import laws as cost_laws
from costs.partitions import rows_without_a_month
from syncs import laws as sync_laws

SHOWN = 10
"""Violations shown of each law; the rest is counted."""


class Command(BaseCommand):
    help = "Checks what must always be so of snapshots, states and costs; ends with status 1 where it is not."

    def handle(self, *args: Any, **options: Any) -> None:
        broken_count = 0
        for law in (*sync_laws.LAWS, *cost_laws.LAWS):
            broken = list(law.broken())
            broken_count += bool(broken)
            mark = self.style.ERROR("broken") if broken else self.style.SUCCESS("ok")
            self.stdout.write(f"{mark}  {law.name}")
            for sentence in broken[:SHOWN]:
                self.stdout.write(f"        {sentence}")
            if len(broken) > SHOWN:
                self.stdout.write(f"        … and {len(broken) - SHOWN} more.")
        for table, month, rows in rows_without_a_month(today=timezone.now().date()):
            self.stdout.write(
                f"{self.style.WARNING('note')}  {rows} rows of {table} wait for their month {month:%Y-%m}."
            )
        if broken_count:
            raise CommandError(f"{broken_count} laws are broken.")
