"""Checks the hash chain of the audit trail."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, router

from accounts.audit import chain, guard
from accounts.audit.models import AuditEntry

HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


class Command(BaseCommand):
    help = (
        "Checks the hash chain of the audit trail: says the first broken entry and why, and ends with 1. Prints the "
        "head of the chain; kept elsewhere and given as --anchor later, it proves that the end was not removed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchor", type=_head, help="A head that was printed earlier, NUMBER:HASH.")

    def handle(self, *args: Any, anchor: chain.Head | None, **options: Any) -> None:
        verdict = chain.verify(anchor=anchor)
        if verdict.begin.sequence:
            self.stdout.write(
                f"The chain begins after seal {verdict.begin.sequence}: retention removed what was before."
            )
        if not guard.is_installed(connections[router.db_for_read(AuditEntry)]):
            self.stdout.write(
                "The database does not refuse changes: its triggers are missing or off. `manage.py migrate` makes them."
            )
        if verdict.broken:
            raise CommandError(
                f"{verdict.sealed_count} entries are good, then the chain breaks: {verdict.broken}."
            )
        self.stdout.write(f"{verdict.sealed_count} entries are sealed and unchanged.")
        self.stdout.write(f"{verdict.unsealed_count} not sealed yet.")
        self.stdout.write(f"Head: {verdict.head}")


def _head(value: str) -> chain.Head:
    found = HEAD.fullmatch(value.strip())
    if not found:
        raise CommandError("--anchor is NUMBER:HASH, as the command printed it under “Head”.")
    return chain.Head(sequence=int(found[1]), hash=found[2])
