"""Removes old entries of the audit trail."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.audit import retention


class Command(BaseCommand):
    help = "Removes audit entries older than AUDIT_RETENTION_DAYS; the rest stays verifiable. A daily task does the same."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="Keep so many days, instead of the setting.")

    def handle(self, *args: Any, days: int | None, **options: Any) -> None:
        kept = settings.AUDIT_RETENTION_DAYS if days is None else days
        if kept <= 0:
            raise CommandError(
                "Nothing is removed: AUDIT_RETENTION_DAYS is 0, which keeps everything. Give --days."
            )
        count = retention.purge(now=timezone.now(), days=kept)
        self.stdout.write(f"{count} entries older than {kept} days were removed.")
