"""`manage.py rebuild_costs`: makes the costs a day anew from billed lines and states."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from costs.services import rebuild_costs
from providers.models import ProviderConnection


class Command(BaseCommand):
    help = "Makes the costs a day anew from billed lines and states, and says how many rows differed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", type=int, help="only this connection (its number); all without")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = ProviderConnection.objects.order_by("pk")
        if options["connection"] is not None:
            connections = connections.filter(pk=options["connection"])
        for connection in connections:
            changed = rebuild_costs(connection=connection, at=timezone.now())
            self.stdout.write(f"{connection.connection_name}: {changed} rows differed.")
