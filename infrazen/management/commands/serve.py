"""`manage.py serve`: web server, worker and beat in one process."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from infrazen.embedded import CannotServe, run_embedded


class Command(BaseCommand):
    help = "Serves pages, runs tasks and keeps the schedule in one process, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default=settings.HOST, help="address to listen on (HOST), default %(default)s"
        )
        parser.add_argument(
            "--port", type=int, default=settings.PORT, help="port (PORT), default %(default)s"
        )
        parser.add_argument("--threads", type=int, default=8, help="requests at once, default %(default)s")
        parser.add_argument("--concurrency", type=int, default=4, help="tasks at once, default %(default)s")

    def handle(self, *, host: str, port: int, threads: int, concurrency: int, **options: Any) -> None:
        def announce(address: str) -> None:
            self.stdout.write(f"InfraZen is at {address} (Ctrl-C stops it).")
            self.stdout.flush()

        try:
            run_embedded(host, port, on_ready=announce, threads=threads, concurrency=concurrency)
        except CannotServe as error:
            raise CommandError(str(error)) from error
