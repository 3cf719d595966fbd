"""`manage.py setup_schedules`: the periodic tasks as rows, for a new database."""

from typing import Any

from django.core.management.base import BaseCommand

from infrazen.schedules import setup_schedules


class Command(BaseCommand):
    help = "Makes the periodic tasks that are missing; leaves those that are there as they were edited."

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"{setup_schedules()} periodic tasks made.")
